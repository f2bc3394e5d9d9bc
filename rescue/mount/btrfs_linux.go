package mount

import (
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// btrfsFSInfo is BTRFS_IOC_FS_INFO, _IOR(0x94, 31, 1024 bytes), the same on all
// architectures that use the generic ioctl encoding (amd64, arm64).
const btrfsFSInfo = 0x8400941f

// fsInfo is struct btrfs_ioctl_fs_info_args of linux/btrfs.h, as far as used.
type fsInfo struct {
	MaxID, NumDevices uint64
	FSID              [16]byte
	_                 [1024 - 32]byte
}

// sameBtrfs looks in sysfs for the device among those of the mounted
// filesystem. Of two copies the kernel lists the second under a temporary fsid,
// and the ioctl tells that one.
func sameBtrfs(fd int, device string) error {
	dir, err := openRoot(fd)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	var info fsInfo
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(dir), btrfsFSInfo, uintptr(unsafe.Pointer(&info))); errno != 0 {
		return os.NewSyscallError("BTRFS_IOC_FS_INFO", errno)
	}
	id := info.FSID
	fsid := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	if _, err := os.Lstat(filepath.Join("/sys/fs/btrfs", fsid, "devices", device)); err != nil {
		return fmt.Errorf("%w: %s is not among the devices of %s", ErrWrongDevice, device, fsid)
	}
	return nil
}
