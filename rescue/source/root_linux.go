package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is a tree that somebody else mounted. Its descriptors are readable
// directories; Take hands them over.
type Root struct {
	Path      string // without links
	Born      string // when the directory was made: it tells two trees at one place apart; empty where the filesystem does not say
	ReadOnly  bool
	Submounts []*Submount // in the order of their paths, so parents come first
	// Unused are mount points below that hold no files of the system: proc,
	// sysfs, tmpfs and the like, single files, and filesystems hidden under others.
	Unused []string

	fd int
}

// Submount is a filesystem mounted somewhere below a Root.
type Submount struct {
	Path     string // as seen from the tree: "/home"
	Type     string
	Source   string // what was mounted: a device, or anything else
	ReadOnly bool

	fd int
}

// Take hands over the descriptor of the tree's root directory; Close leaves it alone.
func (r *Root) Take() int { return take(&r.fd) }

// Take hands over the descriptor of the filesystem's root directory.
func (s *Submount) Take() int { return take(&s.fd) }

func take(fd *int) int {
	taken := *fd
	*fd = -1
	return taken
}

// Close closes the descriptors that nobody took. The lock goes first: a program
// that is being started holds the descriptor from fork to exec.
func (r *Root) Close() error {
	if r.fd >= 0 {
		_ = unix.Flock(r.fd, unix.LOCK_UN) // no lock is no harm
	}
	fds := []int{r.Take()}
	for _, s := range r.Submounts {
		fds = append(fds, s.Take())
	}
	var errs []error
	for _, fd := range fds {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

const directory = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC

// OpenRoot opens a directory with a mounted tree and the filesystems below it.
// The helper's own root is refused, under whatever name, and so is a directory
// of the same filesystem that contains it.
func (f Finder) OpenRoot(dir string) (*Root, error) {
	f = f.filled()
	fd, err := unix.Open(dir, directory, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open root %q: %w", dir, err)
	}
	r := &Root{fd: fd}
	if err := f.fillRoot(r); err != nil {
		r.Close()
		return nil, fmt.Errorf("cannot open root %q: %w", dir, err)
	}
	return r, nil
}

func (f Finder) fillRoot(r *Root) error {
	var err error
	// The kernel's own name for the directory, as the mount table writes it.
	if r.Path, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", r.fd)); err != nil {
		return err
	}
	if r.ReadOnly, err = readOnly(r.fd); err != nil {
		return err
	}
	if r.Born, err = born(r.fd); err != nil {
		return err
	}
	mounts, err := readMounts(f.Mountinfo)
	if err != nil {
		return err
	}
	if err := ownRoot(r, mounts); err != nil {
		return err
	}
	for _, m := range mounts {
		rel, ok := strings.CutPrefix(m.point, strings.TrimSuffix(r.Path, "/")+"/")
		if !ok {
			continue
		}
		if s := r.submount(m, rel); s != nil {
			r.Submounts = append(r.Submounts, s)
		} else {
			r.Unused = append(r.Unused, "/"+rel)
		}
	}
	slices.SortStableFunc(r.Submounts, func(a, b *Submount) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

func readOnly(fd int) (bool, error) {
	var st unix.Statfs_t
	err := unix.Fstatfs(fd, &st)
	return st.Flags&unix.ST_RDONLY != 0, os.NewSyscallError("fstatfs", err)
}

// born is the directory's birth time (statx(2)), which stays with it on every
// helper and at every mount point.
func born(fd int) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_BTIME, &st); err != nil {
		return "", os.NewSyscallError("statx", err)
	}
	if st.Mask&unix.STATX_BTIME == 0 || st.Btime.Sec == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d.%09d", st.Btime.Sec, st.Btime.Nsec), nil
}

// lock keeps two rescues apart for as long as r is open: with write there is no
// other one, without it there may be further readers. A filesystem without
// locks is used without.
func (r *Root) lock(write bool) error {
	how := unix.LOCK_SH
	if write {
		how = unix.LOCK_EX
	}
	if err := unix.Flock(r.fd, how|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return &Refusal{r.Path, Busy, "another program holds a lock on it"}
	}
	return nil
}

// ownRoot compares with the root of this process and with that of the first
// process, which differs inside a container or chroot.
func ownRoot(r *Root, mounts []mountEntry) error {
	var dir, own unix.Stat_t
	if err := unix.Fstat(r.fd, &dir); err != nil {
		return err
	}
	for _, path := range []string{"/", "/proc/1/root"} {
		if unix.Stat(path, &own) == nil && own.Dev == dir.Dev && own.Ino == dir.Ino {
			return &Refusal{r.Path, OwnRoot, ""}
		}
	}
	if contains(whereIs("/", mounts), whereIs(r.Path, mounts)) {
		return &Refusal{r.Path, OwnRoot, "it contains it"}
	}
	return nil
}

// place is a directory by its filesystem and the path inside that.
type place struct{ number, path string }

// whereIs finds the mount that shows the path; of several at one point the last
// one is on top.
func whereIs(path string, mounts []mountEntry) place {
	var best mountEntry
	for _, m := range mounts {
		if within(path, m.point) && len(m.point) >= len(best.point) {
			best = m
		}
	}
	return place{best.number, filepath.Join(best.root, strings.TrimPrefix(path, best.point))}
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// contains tells whether the root directory lies at or below dir in the same filesystem.
func contains(root, dir place) bool {
	return root.number == dir.number && root.number != "" && within(root.path, dir.path)
}

// pseudo are filesystems of the kernel or of memory: what is in them is not on
// the disk that is rescued.
var pseudo = []string{
	"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "cpuset", "debugfs", "devpts", "devtmpfs", "efivarfs",
	"fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tmpfs", "tracefs",
}

// submount opens a mount below the tree; nil when it is none to work in. The
// way there must not leave the tree through a link, and the mount id proves
// that the directory shows this mount and not one on top of it.
func (r *Root) submount(m mountEntry, rel string) *Submount {
	if slices.Contains(pseudo, m.fstype) {
		return nil
	}
	how := unix.OpenHow{Flags: directory, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	fd, err := unix.Openat2(r.fd, rel, &how)
	if err != nil {
		return nil
	}
	s := &Submount{Path: "/" + rel, Type: m.fstype, Source: m.source, fd: fd}
	var st unix.Statx_t
	err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	if err == nil {
		s.ReadOnly, err = readOnly(fd)
	}
	if err != nil || st.Mnt_id != m.id {
		unix.Close(fd)
		return nil
	}
	return s
}
