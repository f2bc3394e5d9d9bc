package machine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// bootGuest makes the guest's own root the root of this process, mounts what its
// fstab says, and runs its sshd. That executes the guest's programs: it is what
// booting is.
func (f *first) bootGuest() error {
	if err := f.mountGuest(); err != nil {
		return err
	}
	if err := mountVolatiles(); err != nil {
		return err
	}
	for _, dir := range []string{"/run/sshd", "/run/lock"} { // systemd-tmpfiles, RuntimeDirectory=sshd
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot make %s: %w", dir, err)
		}
	}
	for _, file := range []string{"/etc/passwd", sshd} {
		if _, err := os.Stat(file); err != nil {
			return blame{fmt.Errorf("cannot start the guest: %w", err)}
		}
	}
	if err := f.processes.limit(droppedInGuests); err != nil {
		return err
	}
	if err := f.makeHostKeys(); err != nil {
		return err
	}
	_, ended, err := f.processes.exec(f.guestProgram(sshd, "-D", "-e"))
	if err != nil {
		return blame{err}
	}
	go func() {
		how := describe(<-ended)
		fmt.Fprintf(os.Stderr, "machine: sshd %s\n", how)
		f.say(event{What: "quiet", Error: "sshd " + how})
	}()
	f.say(event{What: "ready"})
	return nil
}

const sshd = "/usr/sbin/sshd"

func (f *first) guestProgram(args ...string) program {
	return program{args: args, env: environment(), stdout: os.Stderr, stderr: os.Stderr}
}

// makeHostKeys is what cloud-init does at the first boot of an image, which has
// no host keys. Where it fails, sshd says what is missing.
func (f *first) makeHostKeys() error {
	keys, err := filepath.Glob("/etc/ssh/ssh_host_*_key")
	if err != nil || len(keys) > 0 {
		return err
	}
	_, ended, err := f.processes.exec(f.guestProgram("/usr/bin/ssh-keygen", "-A"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "machine: %v\n", err)
		return nil
	}
	fmt.Fprintf(os.Stderr, "machine: ssh-keygen %s\n", describe(<-ended))
	return nil
}

// mountGuest finds the root among the pieces, enters it, and mounts the others
// as its fstab has them.
func (f *first) mountGuest() error {
	root, at, err := findRoot(f.plan.Pieces, 0)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "machine: root is %s\n", at)
	if err := place(root, f.plan.Root); err != nil {
		return err
	}
	others, err := f.openOthers()
	if err != nil {
		return err
	}
	if err := enter(f.plan.Root); err != nil {
		return err
	}
	for _, o := range others {
		if err := place(o.fd, o.point); err != nil {
			return blame{err}
		}
	}
	return nil
}

// findRoot mounts the filesystems of the booting disk until one holds a root.
func findRoot(pieces []piece, attributes int) (fd int, at string, err error) {
	tried := []error{errors.New("no filesystem of the root volume holds a system")}
	for _, p := range pieces {
		if !p.Root {
			continue
		}
		fd, at, err := p.openRoot(attributes)
		if err == nil {
			return fd, at, nil
		}
		tried = append(tried, err)
	}
	return -1, "", blame{errors.Join(tried...)}
}

var errNoSystem = errors.New("no system on it")

// openRoot mounts the filesystem when it, or one of its btrfs subvolumes, holds
// a system.
func (p piece) openRoot(attributes int) (fd int, at string, err error) {
	fd, err = p.open("", attributes)
	if err != nil {
		return -1, "", err
	}
	if holdsSystem(fd, ".") {
		return fd, fmt.Sprintf("%s (%s)", p.Device, p.Type), nil
	}
	defer unix.Close(fd)
	if p.Type != "btrfs" {
		return -1, "", fmt.Errorf("%s (%s): %w", p.Device, p.Type, errNoSystem)
	}
	for _, name := range subvolumes(fd) {
		if holdsSystem(fd, name) {
			fd, err := p.open(name, attributes)
			return fd, fmt.Sprintf("%s (btrfs, subvolume %s)", p.Device, name), err
		}
	}
	return -1, "", fmt.Errorf("%s (btrfs): %w", p.Device, errNoSystem)
}

// holdsSystem goes by what any Linux root has.
func holdsSystem(fd int, dir string) bool {
	var st unix.Stat_t
	for _, name := range []string{"etc", "usr"} {
		if err := unix.Fstatat(fd, filepath.Join(dir, name), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return false
		}
	}
	return true
}

// subvolumes are the directories at the top of a btrfs, those first that
// distributions call their root.
func subvolumes(fd int) []string {
	usual := []string{"@", "@rootfs", "root"}
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return usual
	}
	top := os.NewFile(uintptr(dir), "top")
	defer top.Close()
	names, _ := top.Readdirnames(1000) // what is read is tried
	slices.Sort(names)
	return append(usual, names...)
}

// open mounts the filesystem detached; without subvolume it is the default one.
func (p piece) open(subvolume string, attributes int) (int, error) {
	options := []option{{"source", p.Device}}
	if attributes&unix.MOUNT_ATTR_RDONLY != 0 {
		options = append(options, option{key: "ro"})
	}
	switch p.Type {
	case "xfs":
		options = append(options, option{key: "nouuid"}) // its snapshot may be mounted at the same time
	case "btrfs":
		if subvolume != "" {
			options = append(options, option{"subvol", subvolume})
		}
	}
	return detached(p.Type, attributes, options...)
}

// other is a filesystem that the guest's fstab names, ready to be put in place.
type other struct {
	fd    int
	point string
}

// openOthers opens what fstab wants besides the root. As with systemd, a
// filesystem that is missing stops the boot unless it is marked nofail.
func (f *first) openOthers() (others []other, err error) {
	file, err := os.OpenInRoot(f.plan.Root, "etc/fstab")
	if err != nil {
		fmt.Fprintf(os.Stderr, "machine: %v\n", err)
		return nil, nil
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err != nil {
		return nil, blame{fmt.Errorf("cannot read fstab: %w", err)}
	}
	for _, e := range parseFstab(string(text)) {
		if !e.mountable() {
			continue
		}
		fd, err := e.open(f.plan.Pieces)
		switch {
		case err == nil:
			others = append(others, other{fd, e.point})
		case e.has("nofail") || errors.Is(err, unix.ENODEV): // this host's kernel does not know the type
			fmt.Fprintf(os.Stderr, "machine: %s is not mounted: %v\n", e.point, err)
		default:
			return nil, blame{fmt.Errorf("emergency mode: cannot mount %s: %w", e.point, err)}
		}
	}
	slices.SortStableFunc(others, func(a, b other) int { return strings.Count(a.point, "/") - strings.Count(b.point, "/") })
	return others, nil
}

func (e entry) open(pieces []piece) (int, error) {
	p := e.find(pieces)
	if p == nil {
		return -1, fmt.Errorf("no volume has a filesystem %q", e.spec)
	}
	attributes := 0
	for name, attribute := range map[string]int{"ro": unix.MOUNT_ATTR_RDONLY, "nosuid": unix.MOUNT_ATTR_NOSUID, "nodev": unix.MOUNT_ATTR_NODEV, "noexec": unix.MOUNT_ATTR_NOEXEC} {
		if e.has(name) {
			attributes |= attribute
		}
	}
	return p.open(strings.TrimPrefix(e.value("subvol"), "/"), attributes)
}
