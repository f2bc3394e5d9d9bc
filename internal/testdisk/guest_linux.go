package testdisk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// EnterGuest mounts what a program expects of a Linux, and loads modules.
func EnterGuest(modules ...string) error {
	for _, m := range []string{"proc", "sysfs", "devtmpfs", "tmpfs"} {
		at := map[string]string{"proc": "/proc", "sysfs": "/sys", "devtmpfs": "/dev", "tmpfs": "/tmp"}[m]
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m, at, m, 0, ""); err != nil {
			return fmt.Errorf("cannot mount %s: %w", at, err)
		}
	}
	for _, name := range modules {
		if err := LoadModule(name); err != nil {
			return err
		}
	}
	return nil
}

// LoadModule loads one of the guest's modules.
func LoadModule(name string) error {
	f, err := os.Open(filepath.Join("/", guestModules, moduleFile(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", unix.MODULE_INIT_COMPRESSED_FILE); err != nil {
		return fmt.Errorf("cannot load %s: %w", name, err)
	}
	return nil
}

// LeaveGuest says that the program has come to its end, and turns the machine off.
func LeaveGuest() error {
	fmt.Println(guestDone)
	unix.Sync()
	return errors.Join(unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF), errors.New("the machine goes on"))
}
