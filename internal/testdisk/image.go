package testdisk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An Image is a raw disk image and what is known of its layout.
type Image struct {
	Path   string
	Layout Layout
}

// A Mutation changes the tree at root, a directory of the host.
type Mutation func(root string) error

// NewImage writes a disk with a Debian root to path, which must not exist, and
// lets each mutation change its tree. The populated disk comes from the cache, so
// that only the first call for a suite, flavour and layout takes long.
func NewImage(ctx context.Context, path string, suite Suite, flavour Flavour, layout Layout, mutations ...Mutation) (*Image, error) {
	base, err := baseImage(ctx, suite, flavour, layout)
	if err != nil {
		return nil, err
	}
	if exists(path) {
		return nil, fmt.Errorf("cannot write the image: %s exists", path)
	}
	if err := run(ctx, "cp", "--reflink=auto", "--sparse=always", base, path); err != nil {
		return nil, err
	}
	img := &Image{Path: path, Layout: layout}
	for _, m := range mutations {
		if err := img.Mount(m); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot change the image: %w", err), os.Remove(path))
		}
	}
	return img, nil
}

// Mount mounts the image's filesystems read-write where its fstab has them, calls
// f with the root and unmounts again. f runs in a mount namespace of its own: it
// and the programs it starts see the tree, goroutines it starts do not.
func (img *Image) Mount(f Mutation) error { return img.mount(0, f) }

// View is Mount without writing: the image's bytes stay as they are.
func (img *Image) View(f Mutation) error { return img.mount(unix.MS_RDONLY, f) }

func (img *Image) mount(flags uintptr, f Mutation) error {
	th, err := newThread(unix.CLONE_NEWNS)
	if err != nil {
		return err
	}
	defer th.end()
	return th.do(func() error { return img.mounted(flags, f) })
}

// mounted is mount in the namespace of the caller.
func (img *Image) mounted(flags uintptr, f Mutation) (err error) {
	root, err := os.MkdirTemp("", "testdisk-root-")
	if err != nil {
		return fmt.Errorf("cannot make a mount point: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(root)) }()
	if err := img.mountAt(root, flags); err != nil {
		return errors.Join(err, unmountAll(root))
	}
	defer func() { err = errors.Join(err, unmountAll(root)) }()
	return f(root)
}

// mountAt leaves unmounting to the end of the namespace or to unmountAll.
func (img *Image) mountAt(root string, flags uintptr) error {
	d, err := img.Layout.disk()
	if err != nil {
		return err
	}
	for _, p := range d.partitions {
		if p.fs == "" || p.fs == "vfat" { // this kernel may not know vfat, and nobody logs in there
			continue
		}
		if err := p.mountIn(img.Path, root, flags); err != nil {
			return err
		}
	}
	return nil
}

func (p partition) mountIn(image, root string, flags uintptr) error {
	device, err := attachLoop(image, p.offset, p.size)
	if err != nil {
		return err
	}
	defer device.Close()
	for _, sub := range p.places() {
		options := ""
		if sub.name != "" {
			options = "subvol=" + sub.name
		}
		if p.fs == "xfs" {
			options = "nouuid"
		}
		at := filepath.Join(root, sub.mount)
		if err := os.MkdirAll(at, 0o755); err != nil { // a new disk has no /home yet
			return fmt.Errorf("cannot make a mount point: %w", err)
		}
		if err := unix.Mount(device.Name(), at, p.fs, flags, options); err != nil {
			return fmt.Errorf("cannot mount the %s of %s on %s: %w", p.fs, image, sub.mount, err)
		}
	}
	return nil
}

// places are the mount points of a partition, by subvolume.
func (p partition) places() []subvolume {
	if len(p.subvolumes) > 0 {
		return p.subvolumes
	}
	return []subvolume{{"", p.mount}}
}

// unmountAll unmounts what is mounted at root and below it, so that everything is
// on the disk when it returns.
func unmountAll(root string) error {
	var points []string
	table, err := os.ReadFile("/proc/thread-self/mountinfo")
	if err != nil {
		return fmt.Errorf("cannot read the mount table: %w", err)
	}
	for line := range strings.Lines(string(table)) {
		point := strings.Fields(line)[4]
		if point == root || strings.HasPrefix(point, root+"/") {
			points = append(points, point)
		}
	}
	var errs []error
	for i := len(points) - 1; i >= 0; i-- {
		if err := unmount(points[i]); err != nil {
			errs = append(errs, fmt.Errorf("cannot unmount %s: %w", points[i], err))
		}
	}
	return errors.Join(errs...)
}

// unmount has patience: a program that another goroutine starts holds our files
// on the filesystem from its fork to its exec.
func unmount(point string) error {
	const tries, pause = 200, 10 * time.Millisecond
	for try := 1; ; try++ {
		err := unix.Unmount(point, 0)
		if !errors.Is(err, unix.EBUSY) || try == tries {
			return err
		}
		time.Sleep(pause)
	}
}

// baseImage is a disk in the cache that holds the unchanged root.
func baseImage(ctx context.Context, suite Suite, flavour Flavour, layout Layout) (string, error) {
	d, err := layout.disk()
	if err != nil {
		return "", err
	}
	tarball, err := Tarball(ctx, suite, flavour)
	if err != nil {
		return "", err
	}
	id := key(filepath.Base(tarball), fmt.Sprintf("%+v", d), "2")
	return cached(fmt.Sprintf("disk-%s-%s-%s-%s.raw", suite, flavour, layout, id), func(tmp string) error {
		if err := d.format(ctx, tmp); err != nil {
			return err
		}
		img := &Image{Path: tmp, Layout: layout}
		return img.Mount(func(root string) error { return d.populate(ctx, tmp, root, tarball) })
	})
}
