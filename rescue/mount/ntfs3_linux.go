package mount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline/block"
)

// ntfs3 is the kernel's driver.
const ntfs3 = "ntfs3"

// kernelServes tells whether the kernel's driver is what the helper has for NTFS:
// ntfs-3g goes first, being the same everywhere and the one that Windows' short
// names and streams can be put back with. To ask for the driver loads it.
func kernelServes() bool {
	if _, err := exec.LookPath(ntfsServer); err == nil {
		return false
	}
	fd, err := unix.Fsopen(ntfs3, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

// openKernelNTFS is OpenNTFS by the kernel. The driver replays a log that was not
// closed, without a word, and knows nothing of hibernation: what it is given has
// been looked at before, for reading too, and an old one does not get to write. To
// write, it empties a log that Windows has closed, which Windows makes anew.
func openKernelNTFS(ctx context.Context, device string, readonly bool) (*NTFS, error) {
	if err := probeKernelNTFS(ctx, device); err != nil {
		return nil, err
	}
	var name unix.Utsname
	_ = unix.Uname(&name) // its only error is a bad pointer
	if release := unix.ByteSliceToString(name.Release[:]); !readonly && !proven(release) {
		err := fmt.Errorf("to write with the kernel's ntfs3 takes Linux 6.12 or newer, and this is %q", release)
		return nil, &Error{Device: device, Type: ntfs3, Reason: ErrNoNTFS3G, Err: err}
	}
	root, err := detach(device, Options{Type: ntfs3, ReadOnly: readonly})
	if err != nil {
		return nil, err
	}
	return &NTFS{Root: root, device: device, readonly: readonly}, nil
}

// proven tells by the kernel's release whether its driver may write: older ones
// than the one that TestNTFS3InAVM has seen write count short names as links, and
// have been mended much since.
func proven(release string) bool {
	var major, minor int
	n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor)
	return n == 2 && (major > 6 || major == 6 && minor >= 12)
}

// closeKernel waits until the kernel has unmounted.
func (n *NTFS) closeKernel(ctx context.Context) error {
	if err := idle(ctx, n.device); err != nil {
		return err
	}
	if n.readonly {
		return nil
	}
	return n.settle(ctx)
}

// probeKernelNTFS is ProbeNTFS without the program: it reads the bytes, and then
// the hibernation file, which lies anywhere, through a mount that cannot write.
func probeKernelNTFS(ctx context.Context, device string) error {
	if reason, err := ntfsHazard(device); reason != nil || err != nil {
		return &Error{Device: device, Type: ntfs3, Reason: reason, Err: err}
	}
	root, err := detach(device, Options{Type: ntfs3, ReadOnly: true})
	if err != nil {
		return err
	}
	asleep, err := hibernated(root)
	if err := errors.Join(err, unix.Close(root), idle(ctx, device)); err != nil {
		return &Error{Device: device, Type: ntfs3, Err: err}
	}
	if asleep {
		return &Error{Device: device, Type: ntfs3, Reason: ErrHibernated, Err: errors.New("the hibernation file is in use")}
	}
	return nil
}

// ntfsHazard reads whether Windows has left the volume in order.
func ntfsHazard(device string) (reason, err error) {
	f, err := os.Open(device)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, unix.SEEK_END)
	if err != nil {
		return nil, err
	}
	sb, err := block.Probe(f, size)
	switch {
	case err != nil:
		return nil, err
	case sb == nil || sb.Type != block.NTFS:
		return ErrNotNTFS, errors.New("there is no NTFS")
	case sb.NTFS.Log == block.LogKept:
		reason = ErrHibernated
	case !sb.DirtyKnown:
		reason = ErrDamaged
	case sb.NTFS.Log != block.LogClosed:
		reason = ErrUncleanLog
	case sb.Dirty:
		reason = ErrMarked
	case len(sb.Warnings) > 0:
		reason = ErrDamaged
	default:
		return nil, nil
	}
	why := slices.DeleteFunc(append([]string{sb.Why}, sb.Warnings...), func(s string) bool { return s == "" })
	return reason, errors.New(strings.Join(why, ", "))
}

// hibernated reads the beginning of the hibernation file as ntfs-3g does: Windows
// would resume from one that says so, in either case.
func hibernated(root int) (bool, error) {
	dir, err := openRoot(root)
	if err != nil {
		return false, err
	}
	d := os.NewFile(uintptr(dir), "the root directory")
	defer d.Close()
	names, err := d.Readdirnames(maxRootNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if len(names) == maxRootNames {
		return false, errors.New("the root directory has too many names")
	}
	for _, name := range names {
		if !strings.EqualFold(name, "hiberfil.sys") {
			continue
		}
		if asleep, err := resumes(dir, name); asleep || err != nil {
			return asleep, err
		}
	}
	return false, nil
}

// maxRootNames bounds the names in the root directory of a volume.
const maxRootNames = 1 << 16

func resumes(dir int, name string) (bool, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("cannot read the hibernation file: %w", err)
	}
	defer unix.Close(fd)
	head := make([]byte, 4)
	if _, err := unix.Pread(fd, head, 0); err != nil {
		return false, fmt.Errorf("cannot read the hibernation file: %w", err)
	}
	switch strings.ToLower(string(head)) {
	case "hibr", "rstr":
		return true, nil
	}
	return false, nil
}
