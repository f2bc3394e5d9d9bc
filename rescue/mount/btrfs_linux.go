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

// btrfsForget is BTRFS_IOC_FORGET_DEV, _IOW(0x94, 5, 4096 bytes), Linux 5.4.
const btrfsForget = 0x50009405

// volumeArgs is struct btrfs_ioctl_vol_args of linux/btrfs.h.
type volumeArgs struct {
	_    int64
	Name [4088]byte
}

// forgetBtrfs makes the kernel forget what it knew under this device's number,
// if nothing of that is mounted. A device of a btrfs of several stays known
// after its end, and the number is given out again: a volume whose fsid is in
// use elsewhere (its twin is mounted, or is the helper's own root) is then
// taken for one more device of the old filesystem, and the mount ends with
// EEXIST (find_fsid_by_device and device_list_add in fs/btrfs/volumes.c).
// Nothing follows from a failure: the mount says what is wrong.
func forgetBtrfs(device string) {
	var args volumeArgs
	if len(device) >= len(args.Name) {
		return
	}
	copy(args.Name[:], device)
	control, err := unix.Open("/dev/btrfs-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(control)
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(control), btrfsForget, uintptr(unsafe.Pointer(&args)))
}
