package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The lab's loop devices have numbers of their own. A helper's /dev shows the
// low ones, which the kernel hands out to whoever asks for a free one (the
// agent), and so never another machine's volume.
const (
	firstLoop = 1024
	lastLoop  = firstLoop + 4095
)

// A loop is a byte range of an image as a block device. It clears itself when
// its last user is gone, at the latest when the lab is killed.
type loop struct {
	image        string
	offset, size int64 // size 0: to the end of the image

	number int
	seq    string // the kernel's count of disks: it changes when the number is used anew
	file   *os.File
}

// spareLoops are free loop devices with low numbers that a helper finds. As many as
// its agent and those of some more helpers need, and other users of this host.
const spareLoops = 64

// makeSpareLoops has the kernel keep free loop devices among the first most. It hands
// out the lowest free number, and makes a new one only when there is none: without
// these that would be one of the lab's, which it is about to use or a killed one has
// left, and which no helper's /dev shows.
func makeSpareLoops(spare, most int) error {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot make a loop device: %w", err)
	}
	defer control.Close()
	for number := 0; spare > 0 && number < most; number++ {
		if err := unix.IoctlSetInt(int(control.Fd()), unix.LOOP_CTL_ADD, number); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("cannot make a loop device: %w", os.NewSyscallError("LOOP_CTL_ADD", err))
		}
		if attribute("loop"+strconv.Itoa(number), "loop/backing_file") == "" {
			spare--
		}
	}
	return nil
}

func (l *loop) name() string { return "loop" + strconv.Itoa(l.number) }
func (l *loop) path() string { return "/dev/" + l.name() }

func (l *loop) device() uint64 { return unix.Mkdev(loopMajor, uint32(l.number)) }

// bytes is the size of the device.
func (l *loop) bytes() (int64, error) { return l.file.Seek(0, io.SeekEnd) }

// attach takes the first number of the lab's that is free.
func (l *loop) attach() error {
	backing, err := os.OpenFile(l.image, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot open image: %w", err)
	}
	defer backing.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot make a loop device: %w", err)
	}
	defer control.Close()
	config := unix.LoopConfig{Fd: uint32(backing.Fd())}
	config.Info.Offset, config.Info.Sizelimit = uint64(l.offset), uint64(l.size)
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
	for l.number = firstLoop; l.number <= lastLoop; l.number++ {
		err = l.configure(int(control.Fd()), &config)
		if err == nil || !slices.ContainsFunc(taken, func(e error) bool { return errors.Is(err, e) }) {
			break
		}
	}
	runtime.KeepAlive(backing)
	if err != nil {
		return fmt.Errorf("cannot make a loop device over %s: %w", l.image, err)
	}
	return nil
}

// taken is what the kernel says of a number that somebody else has taken, or is
// giving back.
var taken = []error{unix.EBUSY, unix.ENXIO, unix.ENODEV, unix.ENOENT}

func (l *loop) configure(control int, config *unix.LoopConfig) error {
	if err := unix.IoctlSetInt(control, unix.LOOP_CTL_ADD, l.number); err != nil && !errors.Is(err, unix.EEXIST) {
		return os.NewSyscallError("LOOP_CTL_ADD", err)
	}
	file, err := os.OpenFile(l.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := unix.IoctlLoopConfigure(int(file.Fd()), config); err != nil {
		file.Close()
		return os.NewSyscallError("LOOP_CONFIGURE", err)
	}
	l.file, l.seq = file, attribute(l.name(), "diskseq")
	return nil
}

// claimed tells whether anybody has the device mounted or opened exclusively.
func (l *loop) claimed() bool {
	fd, err := unix.Open(l.path(), unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return errors.Is(err, unix.EBUSY)
}

// release writes everything to the image and lets go of the device. When
// somebody still has it open after patience, it is held again as if nothing had
// happened, and the error is ErrBusy.
func (l *loop) release(ctx context.Context, patience time.Duration) error {
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("cannot write %s to %s: %w", l.name(), l.image, err)
	}
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("cannot close %s: %w", l.name(), err)
	}
	cleared := poll(ctx, patience, func() bool {
		return attribute(l.name(), "loop/backing_file") == "" || attribute(l.name(), "diskseq") != l.seq
	})
	if !cleared {
		return l.retake()
	}
	if control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0); err == nil {
		_ = unix.IoctlSetInt(int(control.Fd()), unix.LOOP_CTL_REMOVE, l.number) // somebody else may have it by now
		control.Close()
	}
	return syncFile(l.image)
}

// retake opens the device again. When the other user let go of it meanwhile, it
// has cleared itself and there is nothing to take.
func (l *loop) retake() error {
	file, err := os.OpenFile(l.path(), os.O_RDWR, 0)
	if err != nil {
		return syncFile(l.image)
	}
	if _, err := unix.IoctlLoopGetStatus64(int(file.Fd())); err != nil || attribute(l.name(), "diskseq") != l.seq {
		file.Close()
		return syncFile(l.image)
	}
	l.file = file
	return fmt.Errorf("cannot detach %s: %w", l.image, ErrBusy)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot sync image: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot sync image: %w", err)
	}
	return nil
}

// attribute reads a file of a block device's directory in sysfs; "" when it is
// not there.
func attribute(device, name string) string {
	b, err := os.ReadFile(filepath.Join("/sys/block", device, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// poll asks until the answer is yes, the time is up or the context ends.
func poll(ctx context.Context, patience time.Duration, yes func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes() {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return yes()
		}
	}
}
