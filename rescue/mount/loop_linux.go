package mount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const sector = 512

// attachTries bounds the race for a free loop device with other processes.
const attachTries = 100

// Loop is a byte range of a file or block device as a block device of its own.
// It clears itself when the last user is gone: this handle, and a mount.
type Loop struct {
	Path string   // /dev/loopN
	File *os.File // holds the device; not exclusive, so that it can be mounted

	name string // loopN
	seq  string // sysfs diskseq: changes when the number is used anew
}

// AttachLoop maps size bytes at offset, both in bytes and multiples of 512, and
// within f. The kernel keeps its own reference to f, locks on it included, for
// as long as the loop lives. A readonly loop lets nothing through to f,
// whatever a driver tries. No direct I/O, no partition scan.
func AttachLoop(ctx context.Context, f *os.File, offset, size int64, readonly bool) (*Loop, error) {
	if err := checkRange(f, offset, size); err != nil {
		return nil, fmt.Errorf("cannot attach %s to a loop device: %w", f.Name(), err)
	}
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot attach %s to a loop device: %w", f.Name(), err)
	}
	defer control.Close()
	config := unix.LoopConfig{Fd: uint32(f.Fd())}
	config.Info.Offset, config.Info.Sizelimit = uint64(offset), uint64(size)
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
	if readonly {
		config.Info.Flags |= unix.LO_FLAGS_READ_ONLY
	}
	loop, err := attach(ctx, int(control.Fd()), &config)
	runtime.KeepAlive(f)
	if err != nil {
		return nil, fmt.Errorf("cannot attach %s to a loop device: %w", f.Name(), err)
	}
	return loop, nil
}

func checkRange(f *os.File, offset, size int64) error {
	total, err := f.Seek(0, io.SeekEnd) // a block device has no size in its inode
	if err != nil {
		return err
	}
	switch {
	case offset < 0 || size <= 0 || size > total || offset > total-size:
		return fmt.Errorf("%d bytes at %d are not within its %d bytes", size, offset, total)
	case offset%sector != 0 || size%sector != 0:
		return fmt.Errorf("%d bytes at %d are not whole sectors of %d bytes", size, offset, sector)
	}
	return nil
}

// attach asks for a free device until one was not taken meanwhile by another process.
func attach(ctx context.Context, control int, config *unix.LoopConfig) (*Loop, error) {
	var last error
	for try := range attachTries {
		n, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, os.NewSyscallError("LOOP_CTL_GET_FREE", err)
		}
		loop, err := configure(n, config)
		if err == nil {
			return loop, nil
		}
		if !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.ENXIO) {
			return nil, err
		}
		last = err
		if err := pause(ctx, time.Duration(try/4)*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, last
}

func configure(n int, config *unix.LoopConfig) (*Loop, error) {
	name := "loop" + strconv.Itoa(n)
	loop := &Loop{Path: "/dev/" + name, name: name}
	mode := os.O_RDWR
	if config.Info.Flags&unix.LO_FLAGS_READ_ONLY != 0 {
		mode = os.O_RDONLY
	}
	var err error
	loop.File, err = os.OpenFile(loop.Path, mode, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w (the kernel made %s but /dev does not show it: is /dev a devtmpfs?)", err, name)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlLoopConfigure(int(loop.File.Fd()), config); err != nil {
		loop.File.Close()
		return nil, os.NewSyscallError("LOOP_CONFIGURE "+name, err)
	}
	loop.seq = loop.attribute("diskseq")
	return loop, nil
}

// attribute reads a file of the loop's sysfs directory; "" when it is not there.
func (l *Loop) attribute(name string) string {
	b, err := os.ReadFile(filepath.Join("/sys/block", l.name, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Idle waits until no mount uses the loop any more. Closing the last descriptor
// of a detached mount unmounts, but the kernel may finish that after close(2)
// has returned; until then the device cannot be opened exclusively.
func (l *Loop) Idle(ctx context.Context) error { return idle(ctx, l.Path) }

func idle(ctx context.Context, device string) error {
	for wait := time.Duration(0); ; wait = min(2*wait+time.Millisecond, 50*time.Millisecond) {
		fd, err := unix.Open(device, unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
		if err == nil {
			return unix.Close(fd)
		}
		if !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("cannot unmount %s: %w", device, err)
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("cannot unmount %s: something in it is still open: %w", device, err)
		}
	}
}

// Detach waits until the loop is idle, lets go of it, and waits until the
// kernel has cleared it: afterwards nothing of the filesystem is held in
// memory under this device, and a fresh loop shows what was really written.
// Close every descriptor of the mount first. After an error the handle is
// closed all the same, and the loop clears itself once it can.
func (l *Loop) Detach(ctx context.Context) error {
	if l.File == nil {
		return nil
	}
	idle := l.Idle(ctx)
	if idle == nil && l.attribute("ro") == "0" {
		idle = flushBuffers(l.File)
	}
	if err := errors.Join(idle, l.Close()); err != nil {
		return err
	}
	for wait := time.Duration(0); ; wait = min(2*wait+time.Millisecond, 50*time.Millisecond) {
		if l.cleared() {
			return nil
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("cannot detach %s: another process has it open: %w", l.Path, err)
		}
	}
}

func (l *Loop) cleared() bool {
	return l.attribute("loop/backing_file") == "" || l.attribute("diskseq") != l.seq
}

// Close lets go of the loop without waiting. It clears itself once no mount
// uses it. Closing twice does nothing.
func (l *Loop) Close() error {
	if l.File == nil {
		return nil
	}
	f := l.File
	l.File = nil
	return f.Close()
}

// Flush makes what was written to a file or block device durable. Of a block
// device it drops the helper's cached copy as well, so that the next read comes
// from the disk itself; an image is a file of the helper's own, whose cache is
// the helper's business.
func Flush(f *os.File) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot flush %s: %w", f.Name(), err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = flushBuffers(f)
	}
	if err != nil {
		return fmt.Errorf("cannot flush %s: %w", f.Name(), err)
	}
	return nil
}

func flushBuffers(f *os.File) error {
	return os.NewSyscallError("BLKFLSBUF", unix.IoctlSetInt(int(f.Fd()), unix.BLKFLSBUF, 0))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
