package testdisk

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// attachLoop makes size bytes of a file from offset on a block device (size 0:
// to its end). The device clears itself when the returned file is closed and
// nothing has it mounted any more.
func attachLoop(path string, offset, size int64) (*os.File, error) {
	backing, err := os.OpenFile(path, os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the image: %w", err)
	}
	defer backing.Close()
	config := unix.LoopConfig{Fd: uint32(backing.Fd())}
	config.Info.Offset, config.Info.Sizelimit = uint64(offset), uint64(size)
	config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
	for range 100 { // another process may take the number that we are given
		device, err := tryLoop(&config)
		if err == nil || !errors.Is(err, unix.EBUSY) {
			return device, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, errors.New("cannot attach a loop device: always another process was faster")
}

func tryLoop(config *unix.LoopConfig) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the loop control: %w", err)
	}
	defer control.Close()
	number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, fmt.Errorf("cannot get a loop device: %w", err)
	}
	device, err := os.OpenFile("/dev/loop"+strconv.Itoa(number), os.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the loop device: %w", err)
	}
	if err := unix.IoctlLoopConfigure(int(device.Fd()), config); err != nil {
		device.Close()
		return nil, fmt.Errorf("cannot attach a loop device: %w", err)
	}
	return device, nil
}
