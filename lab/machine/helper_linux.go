package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// bootHelper makes a machine of this host's programs: its root filesystem is the
// lower layer of an overlay that lets nothing through to it, and what a helper
// writes is on its own disk, the upper layer.
func (f *first) bootHelper() error {
	upper, work := filepath.Join(f.plan.Disk, "upper"), filepath.Join(f.plan.Disk, "work")
	if err := prepareDisk(upper, work); err != nil {
		return err
	}
	root, err := detached("overlay", 0, option{"lowerdir", "/"}, option{"upperdir", upper}, option{"workdir", work})
	if err != nil {
		return err
	}
	if err := place(root, f.plan.Root); err != nil {
		return err
	}
	if err := bindPrograms(f.plan.Root); err != nil {
		return err
	}
	if err := enter(f.plan.Root); err != nil {
		return err
	}
	if err := mountVolatiles(); err != nil {
		return err
	}
	if err := hide(f.plan.Hide); err != nil {
		return err
	}
	if err := makeHelperDevices(); err != nil {
		return err
	}
	if err := f.processes.limit(dropped); err != nil {
		return err
	}
	f.say(event{What: "ready"})
	return nil
}

// ownDirs are the directories in which a helper sees nothing of this host's.
var ownDirs = map[string]os.FileMode{
	"root": 0o700, "home": 0o755, "tmp": 0o777 | os.ModeSticky, "var/tmp": 0o777 | os.ModeSticky, "mnt": 0o755, "media": 0o755, "srv": 0o755,
	"var/lib/regain": 0o700, "var/lib/amazon": 0o755,
}

// prepareDisk makes the upper layer of a new helper. A directory marked opaque
// hides the one below it (overlayfs.rst).
func prepareDisk(upper, work string) error {
	for dir, mode := range ownDirs {
		path := filepath.Join(upper, dir)
		err := os.MkdirAll(path, 0o755)
		if err == nil {
			err = os.Chmod(path, mode)
		}
		if err == nil {
			err = os.NewSyscallError("setxattr", unix.Setxattr(path, "trusted.overlay.opaque", []byte("y"), 0))
		}
		if err != nil {
			return fmt.Errorf("cannot make the helper's disk: %w", err)
		}
	}
	if err := os.MkdirAll(work, 0o700); err != nil {
		return fmt.Errorf("cannot make the helper's disk: %w", err)
	}
	return nil
}

// programDirs may be filesystems of their own on this host; an overlay shows
// only one. The rest of this host's mounts is no business of a helper's.
var programDirs = []string{"/usr", "/opt", "/nix", "/gnu"}

func bindPrograms(root string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("cannot read the mount table: %w", err)
	}
	for line := range strings.Lines(string(table)) {
		point := strings.Fields(line)[4]
		if !slices.ContainsFunc(programDirs, func(d string) bool { return point == d || strings.HasPrefix(point, d+"/") }) {
			continue
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, unescape(point), unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err == nil {
			err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
		}
		if err == nil {
			err = place(fd, filepath.Join(root, unescape(point)))
		}
		if err != nil {
			return fmt.Errorf("cannot show %s to the helper: %w", point, err)
		}
	}
	return nil
}

// hide covers directories of this host that the helper must not read.
func hide(dirs []string) error {
	for _, dir := range dirs {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			continue // hidden already
		}
		fd, err := detached("tmpfs", unix.MOUNT_ATTR_RDONLY, option{"mode", "000"})
		if err == nil {
			err = place(fd, dir)
		}
		if err != nil {
			return fmt.Errorf("cannot hide %s: %w", dir, err)
		}
	}
	return nil
}

// helperNodes are those of loop devices, of the kernel's log, in which the agent
// looks for a filesystem's complaints, and of what btrfs and ntfs-3g need.
var helperNodes = []node{
	{"loop-control", unix.S_IFCHR, 10, 237, 0o600},
	{"kmsg", unix.S_IFCHR, 1, 11, 0o400},
	{"btrfs-control", unix.S_IFCHR, 10, 234, 0o600},
	{"fuse", unix.S_IFCHR, 10, 229, 0o666},
}

// freeLoops is how many loop devices a helper's /dev shows: the low numbers, as
// the kernel hands them out.
const freeLoops = 256

const loopMajor = 7

// makeHelperDevices makes /dev, and the parts of /sys that list block devices: a
// helper sees loop devices to work with and the volumes attached to it, and none
// of this host's disks.
func makeHelperDevices() error {
	nodes := slices.Clone(helperNodes)
	for i := range uint32(freeLoops) {
		nodes = append(nodes, node{"loop" + strconv.Itoa(int(i)), unix.S_IFBLK, loopMajor, i, 0o600})
	}
	if err := makeNodes(nodes); err != nil {
		return err
	}
	if err := os.MkdirAll("/dev/disk/by-id", 0o755); err != nil {
		return fmt.Errorf("cannot make /dev/disk: %w", err)
	}
	sys, err := detached("sysfs", quiet|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_RDONLY)
	if err == nil {
		err = place(sys, "/sys")
	}
	for _, dir := range []string{"/sys/block", "/sys/dev/block"} {
		if err == nil {
			err = cover(dir)
		}
	}
	if err == nil {
		err = os.NewSyscallError("mount", unix.Mount("/sys/block", "/sys/class/block", "", unix.MS_BIND, ""))
	}
	for i := range freeLoops {
		if err == nil {
			name := "loop" + strconv.Itoa(i)
			err = os.Symlink("/sys/devices/virtual/block/"+name, "/sys/block/"+name)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot make /sys: %w", err)
	}
	return nil
}

func cover(dir string) error {
	fd, err := detached("tmpfs", quiet|unix.MOUNT_ATTR_NOEXEC, option{"mode", "755"}, option{"size", "4m"})
	if err != nil {
		return err
	}
	return place(fd, dir)
}
