package testdisk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The attributes by which ntfs-3g shows a file's security descriptor (binary,
// self-relative) and its Windows attributes (four bytes, little-endian here).
const (
	NTFSDescriptor = "system.ntfs_acl"
	NTFSAttributes = "system.ntfs_attrib"
)

// NTFSImage is a raw image with NTFS from byte Offset on.
type NTFSImage struct {
	Path   string
	Offset int64
}

// NewNTFS writes a sparse image of size bytes that is one NTFS, by mkntfs, to
// path, which must not exist, and lets each mutation change its tree.
func NewNTFS(ctx context.Context, path string, size int64, mutations ...Mutation) (*NTFSImage, error) {
	if exists(path) {
		return nil, fmt.Errorf("cannot write the image: %s exists", path)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		return nil, fmt.Errorf("cannot make the image: %w", err)
	}
	if err := os.Truncate(path, size); err != nil {
		return nil, fmt.Errorf("cannot size the image: %w", err)
	}
	return (&NTFSImage{Path: path}).fill(ctx, mutations)
}

// NewNTFSDisk is NewNTFS inside the only partition of an MBR disk, as Windows
// Server's images have it.
func NewNTFSDisk(ctx context.Context, path string, size int64, mutations ...Mutation) (*NTFSImage, error) {
	if exists(path) {
		return nil, fmt.Errorf("cannot write the image: %s exists", path)
	}
	d := disk{table: "dos", size: size, partitions: []partition{{offset: mib, size: size - mib, kind: "7", mount: "/"}}}
	if err := d.format(ctx, path); err != nil {
		return nil, err
	}
	return (&NTFSImage{Path: path, Offset: mib}).fill(ctx, mutations)
}

// fill leaves no image behind that is not what was asked for.
func (img *NTFSImage) fill(ctx context.Context, mutations []Mutation) (*NTFSImage, error) {
	if err := img.format(ctx, mutations); err != nil {
		return nil, errors.Join(err, os.Remove(img.Path))
	}
	return img, nil
}

func (img *NTFSImage) format(ctx context.Context, mutations []Mutation) error {
	device, err := attachLoop(img.Path, img.Offset, 0)
	if err != nil {
		return err
	}
	defer device.Close()
	if err := run(ctx, "mkntfs", "--quiet", "--fast", "--force", "--label", "Windows", device.Name()); err != nil {
		return err
	}
	for _, m := range mutations {
		if err := img.Mount(m); err != nil {
			return fmt.Errorf("cannot change the image: %w", err)
		}
	}
	return nil
}

// Mount mounts the image with ntfs-3g, read-write, and calls f with its root. As
// in Image.Mount only f and the programs it starts see the tree.
func (img *NTFSImage) Mount(f Mutation) error { return img.mount("norecover", f) }

// View is Mount without writing.
func (img *NTFSImage) View(f Mutation) error { return img.mount("norecover,ro", f) }

func (img *NTFSImage) mount(options string, f Mutation) error {
	th, err := newThread(unix.CLONE_NEWNS)
	if err != nil {
		return err
	}
	defer th.end()
	root, err := os.MkdirTemp("", "testdisk-ntfs-")
	if err != nil {
		return fmt.Errorf("cannot make a mount point: %w", err)
	}
	device, err := attachLoop(img.Path, img.Offset, 0) // as a block device, unmounting waits until all is written
	if err != nil {
		return errors.Join(err, os.Remove(root))
	}
	defer device.Close()
	cmd := exec.Command("ntfs-3g", "-o", "no_detach,noatime,"+options, device.Name(), root)
	// Killed, it would wait for ever for its own answer to the unmounting, and all
	// who sync with it: it unmounts at SIGTERM.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	err = th.start(cmd)
	if err == nil {
		err = th.do(func() error { return serveNTFS(cmd, root, f) })
	}
	return errors.Join(err, os.Remove(root))
}

// serveNTFS calls f once ntfs-3g has mounted, unmounts, and waits for its end.
func serveNTFS(cmd *exec.Cmd, root string, f Mutation) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var above, now unix.Stat_t
	if err := unix.Stat(filepath.Dir(root), &above); err != nil {
		return err
	}
	for now.Dev == 0 || now.Dev == above.Dev {
		select {
		case err := <-ended:
			return fmt.Errorf("cannot mount NTFS: ntfs-3g: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
		if err := unix.Stat(root, &now); err != nil {
			return err
		}
	}
	err := f(root)
	return errors.Join(err, unmount(root), atItsEnd(<-ended))
}

// atItsEnd passes over the null pointer by which ntfs-3g 2022.10.3 ends now and
// then when the volume is closed already: a file is released too late.
func atItsEnd(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGSEGV {
		return nil
	}
	return err
}
