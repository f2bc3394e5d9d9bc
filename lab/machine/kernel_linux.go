package machine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// kernel is what a boot loader would load.
type kernel struct {
	image, initrd string // paths in the root
	arguments     string
}

// extractKernel runs in the machine: it copies kernel and initrd of the guest to
// the directory that the plan calls the disk.
func (f *first) extractKernel() error {
	fd, at, err := findRoot(f.plan.Pieces, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return err
	}
	if err := place(fd, f.plan.Root); err != nil {
		return err
	}
	root, err := os.OpenRoot(f.plan.Root)
	if err != nil {
		return fmt.Errorf("cannot open the root: %w", err)
	}
	defer root.Close()
	k, err := findKernel(root.FS())
	if err != nil {
		return blame{fmt.Errorf("cannot find a kernel on %s: %w", at, err)}
	}
	for name, from := range map[string]string{"vmlinuz": k.image, "initrd.img": k.initrd} {
		if err := copyOut(root, from, filepath.Join(f.plan.Disk, name)); err != nil {
			return blame{err}
		}
	}
	f.say(event{What: "ready", Kernel: k.arguments})
	return nil
}

func copyOut(root *os.Root, from, to string) error {
	in, err := root.Open(from)
	if err != nil {
		return fmt.Errorf("cannot copy the kernel: %w", err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return fmt.Errorf("cannot copy the kernel: %w", err)
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("cannot copy the kernel: %w", err)
	}
	return nil
}

// findKernel takes the first entry of GRUB's menu.
func findKernel(root fs.FS) (kernel, error) {
	for _, name := range []string{"boot/grub/grub.cfg", "boot/grub2/grub.cfg"} {
		menu, err := fs.ReadFile(root, name)
		if err == nil {
			return firstEntry(string(menu), func(p string) bool { _, err := fs.Stat(root, p); return err == nil })
		}
	}
	return kernel{}, fmt.Errorf("no GRUB menu in /boot: %w", fs.ErrNotExist)
}

// firstEntry reads the commands linux and initrd. Their paths begin at the top
// of the filesystem, which is above the root when that is a btrfs subvolume.
func firstEntry(menu string, exists func(string) bool) (k kernel, err error) {
	resolve := func(p string) string {
		parts := strings.Split(strings.TrimPrefix(path.Clean("/"+p), "/"), "/")
		for i := range parts {
			if rest := path.Join(parts[i:]...); rest != "" && exists(rest) {
				return rest
			}
		}
		return ""
	}
	for line := range strings.Lines(menu) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case k.image == "" && slices.Contains([]string{"linux", "linux16", "linuxefi"}, words[0]):
			k.image, k.arguments = resolve(words[1]), strings.Join(words[2:], " ")
		case k.initrd == "" && slices.Contains([]string{"initrd", "initrd16", "initrdefi"}, words[0]):
			k.initrd = resolve(words[1])
		}
	}
	if k.image == "" || k.initrd == "" {
		return k, errors.New("GRUB's menu names no kernel and initrd that are there")
	}
	return k, nil
}
