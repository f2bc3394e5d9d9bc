package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline/block"
)

const sector = 512

// OpenImage opens a raw disk image and returns its size in bytes. It refuses
// what is no regular file, what another format wraps, and what a loop device, a
// virtual machine or another rescue is using. The lock (flock(2): exclusive
// with write, else shared) lasts as long as the file or a loop device over it.
func (f Finder) OpenImage(path string, write bool) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = regular(info.Mode())
	}
	if err != nil {
		return nil, 0, fmt.Errorf("cannot open image %w", quoted(path, err))
	}
	mode := os.O_RDONLY
	if write {
		mode = os.O_RDWR
	}
	file, err := os.OpenFile(path, mode|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot open image %w", quoted(path, err))
	}
	size, err := f.filled().checkImage(file, write)
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, size, nil
}

// quoted keeps a hostile file name from the terminal.
func quoted(path string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("%q: %w", path, err)
}

func regular(mode fs.FileMode) error {
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errors.New("is a directory, not an image; a mounted tree is named as root")
	case mode&fs.ModeDevice != 0:
		return errors.New("is a device, not an image; name it as device")
	}
	return errors.New("is not a regular file")
}

func (f Finder) checkImage(file *os.File, write bool) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return 0, fmt.Errorf("cannot open image %w", quoted(file.Name(), err))
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, fmt.Errorf("cannot open image %q: it is not a regular file", file.Name())
	}
	if err := f.imageUsers(file, st, write); err != nil {
		return 0, err
	}
	if err := lock(file, write); err != nil {
		return 0, err
	}
	if format := block.ImageFormat(file, st.Size); format != "" {
		return 0, fmt.Errorf("cannot open image %q: it is %s, not a raw disk; convert it with: %s", file.Name(), format, conversion(format, file.Name()))
	}
	switch {
	case st.Size == 0:
		return 0, fmt.Errorf("cannot open image %q: it is empty", file.Name())
	case st.Size%sector != 0:
		return 0, fmt.Errorf("cannot open image %q: it has %d bytes, which is not a multiple of %d: it was cut off, or is not a raw disk", file.Name(), st.Size, sector)
	}
	return st.Size, nil
}

// imageUsers refuses an image behind a loop device, or mounted without one, as
// ntfs-3g does. Loops that cannot write do not disturb a reader.
func (f Finder) imageUsers(file *os.File, st unix.Stat_t, write bool) error {
	tree, err := readTree(f.Sys)
	if err != nil {
		return fmt.Errorf("cannot guard %q: %w", file.Name(), err)
	}
	for _, d := range tree.sorted() {
		if d.backing == "" || !write && d.readOnly {
			continue
		}
		if target := f.loopTarget(d); target.dev == st.Dev && target.ino == st.Ino {
			return &Refusal{file.Name(), Held, "attached to " + d.name}
		}
	}
	mounts, err := readMounts(f.Mountinfo)
	if err != nil {
		return fmt.Errorf("cannot guard %q: %w", file.Name(), err)
	}
	for _, m := range mounts {
		var served unix.Stat_t
		if !strings.HasPrefix(m.fstype, "fuse") || !filepath.IsAbs(m.source) || unix.Stat(m.source, &served) != nil {
			continue
		}
		if served.Dev == st.Dev && served.Ino == st.Ino {
			return &Refusal{file.Name(), Mounted, fmt.Sprintf("at %q", m.point)}
		}
	}
	return nil
}

// lock keeps two rescues apart, and asks for the locks with which qemu marks
// the disks of a running machine (fcntl(2), open file description locks).
func lock(file *os.File, write bool) error {
	how := unix.LOCK_SH
	if write {
		how = unix.LOCK_EX
	}
	err := unix.Flock(int(file.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return &Refusal{file.Name(), Busy, "another program holds a lock on it"}
	}
	if err != nil {
		return fmt.Errorf("cannot lock %q: %w", file.Name(), err)
	}
	other := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &other); err != nil {
		return fmt.Errorf("cannot ask for locks on %q: %w", file.Name(), err)
	}
	if other.Type != unix.F_UNLCK {
		return &Refusal{file.Name(), Busy, "another program holds a lock on it, perhaps a running virtual machine"}
	}
	return nil
}

// unlock lets go of the lock before the file is closed: a program that is being
// started holds the descriptor from fork to exec.
func unlock(file *os.File) error {
	return errors.Join(unix.Flock(int(file.Fd()), unix.LOCK_UN), file.Close())
}

// conversion is a command that makes a raw disk. The format is always named:
// a prober of formats that believes hostile bytes is what we protect against.
func conversion(format, path string) string {
	in, out := shellQuote(path), shellQuote(path+".raw")
	unpack := map[string]string{"gzip": "gunzip -c", "bzip2": "bunzip2 -c", "xz": "unxz -c", "zstd": "unzstd -c", "lz4": "unlz4 -c", "zip": "unzip -p"}
	if command, ok := unpack[format]; ok {
		return fmt.Sprintf("%s %s > %s", command, in, out)
	}
	if format == "vhd" {
		format = "vpc" // qemu's name for it
	}
	return fmt.Sprintf("qemu-img convert -f %s -O raw %s %s", format, in, out)
}

func shellQuote(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+", r)
	}) < 0
	printable := strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) < 0
	switch {
	case plain && !strings.HasPrefix(s, "-"):
		return s
	case !printable:
		return "IMAGE"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
