package testdisk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func (d disk) format(ctx context.Context, path string) error {
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return fmt.Errorf("cannot make the image: %w", err)
	}
	if err := os.Truncate(path, d.size); err != nil {
		return fmt.Errorf("cannot size the image: %w", err)
	}
	if d.table != "" {
		cmd := exec.CommandContext(ctx, "sfdisk", "--quiet", path)
		cmd.Stdin = strings.NewReader(d.script())
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("cannot partition the image: %w\n%s", err, out)
		}
	}
	for _, p := range d.partitions {
		if err := p.format(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

func (p partition) format(ctx context.Context, path string) error {
	if p.fs == "" {
		return nil
	}
	device, err := attachLoop(path, p.offset, p.size)
	if err != nil {
		return err
	}
	defer device.Close()
	mkfs := map[string][]string{
		"ext4":  {"mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"},
		"xfs":   {"mkfs.xfs", "-q"},
		"btrfs": {"mkfs.btrfs", "-q"},
		"vfat":  {"mkfs.vfat"},
	}[p.fs]
	if err := run(ctx, mkfs[0], append(mkfs[1:], device.Name())...); err != nil {
		return err
	}
	return p.makeSubvolumes(ctx, device.Name())
}

func (p partition) makeSubvolumes(ctx context.Context, device string) error {
	if len(p.subvolumes) == 0 {
		return nil
	}
	th, err := newThread(unix.CLONE_NEWNS)
	if err != nil {
		return err
	}
	defer th.end()
	return th.do(func() error {
		if err := unix.Mount(device, "/mnt", p.fs, 0, ""); err != nil {
			return fmt.Errorf("cannot mount the new %s: %w", p.fs, err)
		}
		for _, sub := range p.subvolumes {
			if err := run(ctx, "btrfs", "-q", "subvolume", "create", "/mnt/"+sub.name); err != nil {
				return err
			}
		}
		return unix.Unmount("/mnt", 0)
	})
}

// populate unpacks the root and writes what an installation on this disk has: an
// fstab by UUID and, where there is a kernel, GRUB's menu.
func (d disk) populate(ctx context.Context, image, root, tarball string) error {
	if err := unpack(ctx, tarball, root); err != nil {
		return err
	}
	fstab := ""
	for i, p := range d.partitions {
		if p.fs == "" {
			continue
		}
		uuid, err := p.uuid(ctx, image)
		if err != nil {
			return err
		}
		for _, sub := range p.places() {
			options := p.options
			if sub.name != "" {
				options += ",subvol=" + sub.name
			}
			fstab += fmt.Sprintf("UUID=%s %s %s %s 0 %d\n", uuid, sub.mount, p.fs, options, min(i+1, 2))
			if err := os.MkdirAll(filepath.Join(root, sub.mount), 0o755); err != nil {
				return fmt.Errorf("cannot make a mount point: %w", err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc/fstab"), []byte(fstab), 0o644); err != nil {
		return fmt.Errorf("cannot write the fstab: %w", err)
	}
	return d.writeMenu(ctx, image, root)
}

// grubMenu is the part of a grub.cfg, as Debian's grub-mkconfig writes it, that
// says what is booted.
const grubMenu = `set default="0"
menuentry 'Debian GNU/Linux' --class debian --class gnu-linux --class gnu --class os {
	insmod gzio
	search --no-floppy --fs-uuid --set=root %[1]s
	echo	'Loading Linux %[2]s ...'
	linux	%[4]s/boot/vmlinuz-%[2]s %[3]s console=tty0 console=ttyS0,115200 earlyprintk=ttyS0,115200 consoleblank=0
	echo	'Loading initial ramdisk ...'
	initrd	%[4]s/boot/initrd.img-%[2]s
}
`

func (d disk) writeMenu(ctx context.Context, image, root string) error {
	kernels, err := filepath.Glob(filepath.Join(root, "boot/vmlinuz-*"))
	if err != nil || len(kernels) == 0 {
		return err
	}
	uuid, err := d.partitions[0].uuid(ctx, image)
	if err != nil {
		return err
	}
	version := strings.TrimPrefix(filepath.Base(kernels[len(kernels)-1]), "vmlinuz-")
	if err := os.MkdirAll(filepath.Join(root, "boot/grub"), 0o755); err != nil {
		return fmt.Errorf("cannot make GRUB's directory: %w", err)
	}
	menu := fmt.Sprintf(grubMenu, uuid, version, d.rootArguments(uuid), d.rootPrefix())
	if err := os.WriteFile(filepath.Join(root, "boot/grub/grub.cfg"), []byte(menu), 0o600); err != nil {
		return fmt.Errorf("cannot write GRUB's menu: %w", err)
	}
	return nil
}

// rootPrefix is the root's path in its filesystem, as GRUB spells it.
func (d disk) rootPrefix() string {
	if root := d.partitions[0].places()[0]; root.name != "" {
		return "/" + root.name
	}
	return ""
}

// rootArguments are those of the kernel's that name the root.
func (d disk) rootArguments(uuid string) string {
	arguments := "root=UUID=" + uuid + " ro"
	if root := d.partitions[0].places()[0]; root.name != "" {
		arguments += " rootflags=subvol=" + root.name
	}
	return arguments
}

// uuid is the filesystem's, read by blkid.
func (p partition) uuid(ctx context.Context, image string) (string, error) {
	args := []string{"-p", "-s", "UUID", "-o", "value", "-O", strconv.FormatInt(p.offset, 10), "-S", strconv.FormatInt(p.size, 10), image}
	out, err := output(ctx, "blkid", args...)
	return strings.TrimSpace(out), err
}
