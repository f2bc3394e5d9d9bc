package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// option is one of fsconfig(2); an empty value makes it a flag.
type option struct{ key, value string }

// detached makes a mount that is nowhere yet. Its descriptor can be looked into,
// and moved to its place with place.
func detached(fstype string, attributes int, options ...option) (fd int, err error) {
	fsfd, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("cannot mount %s: %w", fstype, err)
	}
	defer unix.Close(fsfd)
	for _, o := range options {
		if o.value == "" {
			err = unix.FsconfigSetFlag(fsfd, o.key)
		} else {
			err = unix.FsconfigSetString(fsfd, o.key, o.value)
		}
		if err != nil {
			return -1, fmt.Errorf("cannot mount %s: option %s: %w%s", fstype, o.key, err, reasons(fsfd))
		}
	}
	if err = unix.FsconfigCreate(fsfd); err == nil {
		fd, err = unix.Fsmount(fsfd, unix.FSMOUNT_CLOEXEC, attributes)
	}
	if err != nil {
		return -1, fmt.Errorf("cannot mount %s: %w%s", fstype, err, reasons(fsfd))
	}
	return fd, nil
}

// reasons is what the filesystem has said about a refusal, one message a read.
func reasons(fsfd int) string {
	var all strings.Builder
	buf := make([]byte, 1024)
	for range 8 {
		n, err := unix.Read(fsfd, buf)
		if err != nil || n <= 2 {
			break
		}
		fmt.Fprintf(&all, "; %q", strings.TrimSpace(string(buf[2:n])))
	}
	return all.String()
}

// place moves a detached mount to a directory, which is made when missing, and
// closes its descriptor.
func place(fd int, dir string) error {
	defer unix.Close(fd)
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.NewSyscallError("move_mount", unix.MoveMount(fd, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH))
	}
	if err != nil {
		return fmt.Errorf("cannot mount on %s: %w", dir, err)
	}
	return nil
}

// enter makes the mounted directory the root of this process, and forgets what
// was there before.
func enter(root string) error {
	err := unix.Chdir(root)
	if err == nil {
		err = os.NewSyscallError("pivot_root", unix.PivotRoot(".", "."))
	}
	if err == nil {
		err = unix.Unmount(".", unix.MNT_DETACH)
	}
	if err == nil {
		err = unix.Chdir("/")
	}
	if err != nil {
		return fmt.Errorf("cannot enter the machine's root: %w", err)
	}
	return nil
}

// A volatile is a filesystem that every boot makes anew.
type volatile struct {
	dir, fstype string
	attributes  int
	options     []option
}

const quiet = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// volatiles are what programs find on any machine. /sys is for helpers only.
var volatiles = []volatile{
	{"/proc", "proc", quiet | unix.MOUNT_ATTR_NOEXEC, nil},
	{"/dev", "tmpfs", unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, []option{{"mode", "755"}, {"size", "1m"}}},
	{"/dev/pts", "devpts", unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC, []option{{"mode", "620"}, {"gid", "5"}, {"ptmxmode", "666"}}},
	{"/dev/shm", "tmpfs", quiet, []option{{"mode", "1777"}, {"size", "64m"}}},
	{"/run", "tmpfs", quiet, []option{{"mode", "755"}, {"size", "64m"}}},
}

// mountVolatiles is what an initramfs and init do before anything else runs. The
// kernel's settings are this host's: nobody may write them.
func mountVolatiles() error {
	for _, v := range volatiles {
		fd, err := detached(v.fstype, v.attributes, v.options...)
		if err == nil {
			err = place(fd, v.dir)
		}
		if err != nil {
			return fmt.Errorf("cannot make %s: %w", v.dir, err)
		}
	}
	if err := unix.Mount("/proc/sys", "/proc/sys", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot protect /proc/sys: %w", err)
	}
	if err := unix.Mount("", "/proc/sys", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("cannot protect /proc/sys: %w", err)
	}
	if err := makeNodes(commonNodes); err != nil {
		return err
	}
	for _, file := range []string{"/proc/sysrq-trigger", "/proc/kcore"} {
		if err := unix.Mount("/dev/null", file, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("cannot hide %s: %w", file, err)
		}
	}
	return nil
}

// node is a device node below /dev.
type node struct {
	name         string
	kind         uint32
	major, minor uint32
	mode         uint32
}

var commonNodes = []node{
	{"null", unix.S_IFCHR, 1, 3, 0o666},
	{"zero", unix.S_IFCHR, 1, 5, 0o666},
	{"full", unix.S_IFCHR, 1, 7, 0o666},
	{"random", unix.S_IFCHR, 1, 8, 0o666},
	{"urandom", unix.S_IFCHR, 1, 9, 0o666},
	{"tty", unix.S_IFCHR, 5, 0, 0o666},
}

var devLinks = map[string]string{
	"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
}

func makeNodes(nodes []node) error {
	for _, n := range nodes {
		if err := n.make("/dev"); err != nil {
			return err
		}
	}
	for name, target := range devLinks {
		if err := os.Symlink(target, filepath.Join("/dev", name)); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("cannot make /dev/%s: %w", name, err)
		}
	}
	return nil
}

// make makes the node with its mode, whatever the umask.
func (n node) make(dev string) error {
	path := filepath.Join(dev, n.name)
	err := os.NewSyscallError("mknod", unix.Mknod(path, n.kind|n.mode, int(unix.Mkdev(n.major, n.minor))))
	if err == nil {
		err = os.Chmod(path, os.FileMode(n.mode))
	}
	if err != nil {
		return fmt.Errorf("cannot make /dev/%s: %w", n.name, err)
	}
	return nil
}
