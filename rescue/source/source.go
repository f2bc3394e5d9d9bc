// Package source finds what is to be rescued and guards it: an EBS volume by
// its id, a block device, a raw image, or a directory where somebody mounted
// the tree already. It refuses whatever the helper or anybody else is using,
// its own root before all.
//
// The package reads sysfs, the mount table and a device's first bytes. It
// writes nothing, mounts nothing, executes nothing, asks no cloud, and knows
// nothing of partitions and filesystems beyond their names.
package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Kind is how a source was named.
type Kind string

// The kinds of source.
const (
	Image  Kind = "image"
	Device Kind = "device"
	Volume Kind = "volume"
	Tree   Kind = "root"
)

// Request names one source: exactly one of the first four fields is set.
type Request struct {
	Image  string // path of a raw disk image
	Device string // path of a block device, whole disk or partition
	Volume string // id of an EBS volume attached to this helper
	Root   string // directory with a mounted tree

	Write    bool          // it will be written to
	Wait     time.Duration // how long to wait for a volume to appear
	Progress func(string)  // told what is waited for; may be nil
}

// Source is an open source. Close it when no loop device needs it any more.
type Source struct {
	Kind     Kind
	Path     string // of the image, the device, or the directory
	VolumeID string // only of a volume
	Size     int64  // bytes; 0 for a tree
	Write    bool
	File     *os.File // image or device, held against other users; nil for a tree
	Root     *Root    // the tree, else nil
}

// Close lets go of the source.
func (s *Source) Close() error {
	var errs []error
	if s.File != nil {
		errs = append(errs, unlock(s.File))
	}
	if s.Root != nil {
		errs = append(errs, s.Root.Close())
	}
	return errors.Join(errs...)
}

// Open finds, guards and opens the source that the request names. A source that
// is in use gives a *Refusal.
func (f Finder) Open(ctx context.Context, want Request) (*Source, error) {
	named := 0
	for _, name := range []string{want.Image, want.Device, want.Volume, want.Root} {
		if name != "" {
			named++
		}
	}
	if named != 1 {
		return nil, fmt.Errorf("cannot open source: %d are named, want exactly one image, device, volume or root", named)
	}
	s := &Source{Write: want.Write, VolumeID: want.Volume}
	var err error
	switch {
	case want.Image != "":
		s.Kind, s.Path = Image, want.Image
		s.File, s.Size, err = f.OpenImage(want.Image, want.Write)
	case want.Root != "":
		s.Kind, s.Path = Tree, want.Root
		if s.Root, err = f.OpenRoot(want.Root); err == nil {
			err = s.Root.lock(want.Write)
		}
	case want.Device != "":
		s.Kind, s.Path = Device, want.Device
		s.File, s.Size, err = f.OpenDevice(want.Device, want.Write)
	default:
		s.Kind = Volume
		if s.Path, err = f.Volume(ctx, want.Volume, want.Wait, want.Progress); err == nil {
			s.File, s.Size, err = f.OpenDevice(s.Path, want.Write)
		}
	}
	if err != nil {
		if s.Root != nil {
			s.Root.Close()
		}
		return nil, err
	}
	return s, nil
}
