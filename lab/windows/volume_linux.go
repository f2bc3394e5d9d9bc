package windows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/lab/machine"
)

// onDevice makes a block device of the Windows volume of an image.
func onDevice(ctx context.Context, image string, f func(device string) error) error {
	device, release, err := machine.NTFS(image)
	if err != nil {
		return err
	}
	return errors.Join(f(device), release(context.WithoutCancel(ctx)))
}

// visit mounts a volume at a directory, and calls f with it. The mount is in the
// namespace of one thread, on which f runs, so that nobody else sees it, and ntfs-3g
// ends with that thread.
func visit(ctx context.Context, device, dir string, writable bool, f func(tree) error) error {
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread and its mounts end with this function
		ended <- mounted(ctx, device, dir, writable, f)
	}()
	return <-ended
}

// driver is lowntfs-3g: the one of ntfs-3g's drivers that ignores case, as Windows does.
const driver = "lowntfs-3g"

func mounted(ctx context.Context, device, dir string, writable bool, f func(tree) error) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return fmt.Errorf("cannot mount the volume: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("cannot mount the volume: %w", err)
	}
	options := "no_detach,noatime,ignore_case,streams_interface=none,recover" // the log that is open is ours
	if !writable {
		options += ",ro"
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, driver, "-o", options, device, dir)
	cmd.Stdout, cmd.Stderr, cmd.Env = &said, &said, []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot mount the volume: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := await(dir, ended); err != nil {
		return fmt.Errorf("cannot mount the volume: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	err := f(tree{ctx, dir})
	if gone := unmount(dir); gone != nil {
		err = errors.Join(err, os.NewSyscallError("umount", gone), cmd.Process.Kill())
	}
	gone := <-ended
	var exit *exec.ExitError
	if errors.As(gone, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGSEGV {
		gone = nil // ntfs-3g 2022.10.3, now and then, where a file is released when the volume is closed already
	}
	return errors.Join(err, gone)
}

// unmount has patience: a program that the lab has just started for something else may
// hold copies of files here until it runs.
func unmount(dir string) error {
	const patience, glance = 10 * time.Second, 2 * time.Millisecond
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		if err := unix.Unmount(dir, 0); !errors.Is(err, unix.EBUSY) || time.Now().After(end) {
			return err
		}
	}
}

// await returns when something is mounted at a directory.
func await(dir string, ended <-chan error) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		var above, now unix.Stat_t
		if err := errors.Join(unix.Stat(filepath.Dir(dir), &above), unix.Stat(dir, &now)); err != nil {
			return err
		}
		if above.Dev != now.Dev {
			return nil
		}
		select {
		case err := <-ended:
			return errors.Join(errors.New("ntfs-3g ended"), err)
		case <-tick.C:
		}
	}
}
