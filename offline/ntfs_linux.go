package offline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenNTFS is OpenVolume for a Windows volume that ntfs-3g serves, or ntfs3. Its paths are
// spelled with slashes, and in any case; Realpath gives the spelling of the
// volume, which is the one that a Change wants. Two names in a directory that
// differ only in case are ErrAmbiguous, whichever is asked for; a junction, link
// or other reparse point on the way is ErrReparse. Short (8.3) names are not
// known. Changes are made in place.
func OpenNTFS(root int) (*Volume, error) {
	v, err := OpenVolume(root)
	if err != nil {
		return nil, err
	}
	v.ntfs = true
	return v, nil
}

// Hibernated tells whether Windows would resume from the hibernation file in the
// root of the volume, whatever is written here meanwhile.
func (v *Volume) Hibernated() (bool, error) {
	head := make([]byte, 4)
	_, err := v.ReadAt("/hiberfil.sys", head, 0)
	if isNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch strings.ToLower(string(head)) { // of a resume that has begun, too
	case "hibr", "rstr":
		return true, nil
	}
	return false, nil
}

// spelling is the name in the directory dir that Windows takes for name; name
// itself when there is none. A name that opens a file which the directory does not
// show, a short one or one of NTFS's own, is no way to it.
func (v *Volume) spelling(dir, name string) (string, error) {
	loc, err := v.locate(dir)
	if err != nil {
		return "", err
	}
	names, err := v.names(loc)
	if err != nil {
		return "", err
	}
	found := ""
	for _, n := range names {
		switch {
		case !sameName(n, name):
		case found != "":
			return "", fmt.Errorf("%q and %q: %w", path.Join(dir, found), path.Join(dir, n), ErrAmbiguous)
		default:
			found = n
		}
	}
	if found != "" {
		return found, nil
	}
	at := path.Join(dir, name)
	if _, previewed := v.overlay[at]; previewed {
		return name, nil
	}
	if _, err := v.lstatKernel(at); err == nil {
		return "", notExist("stat", at)
	}
	return name, nil
}

// passable refuses reparse points. ntfs-3g shows those that it understands as
// links, and others as files.
func (v *Volume) passable(canonical string, info Info) error {
	if _, ok := v.overlay[canonical]; ok {
		return nil
	}
	reparse := info.Kind == Symlink
	if !reparse {
		loc, err := v.locate(canonical)
		if err != nil {
			return err
		}
		fd, err := v.openLocation(loc, unix.O_PATH|unix.O_NOFOLLOW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		bits, err := ntfsAttributes(fd)
		if err != nil {
			return fmt.Errorf("%q: %w", canonical, err)
		}
		reparse = bits&ntfsReparse != 0
	}
	if reparse {
		return fmt.Errorf("%q %w", canonical, ErrReparse)
	}
	return nil
}

// ntfsAttributes are the FILE_ATTRIBUTE_ bits, in the order of the machines that a
// helper can be (amd64, arm64).
func ntfsAttributes(fd int) (uint32, error) {
	value, err := getXattr(fd, XattrNTFSAttributes)
	if err != nil {
		return 0, fmt.Errorf("cannot read the Windows attributes: %w", err)
	}
	if len(value) != 4 {
		return 0, fmt.Errorf("cannot read the Windows attributes: the driver gives %d bytes, not 4", len(value))
	}
	return binary.LittleEndian.Uint32(value), nil
}

// readNTFS reads what NTFS keeps beside the content.
func (f *File) readNTFS(fd int) error {
	bits, err := ntfsAttributes(fd)
	if err != nil {
		return err
	}
	if bits&ntfsReparse != 0 {
		return ErrReparse
	}
	f.Mode, f.UID, f.GID = ntfsMode, 0, 0 // of no meaning to Windows; ntfs3 makes them up in its own way
	descriptor, err := getNTFS(fd, XattrNTFSDescriptor)
	if err != nil {
		return fmt.Errorf("cannot read the security descriptor: %w", err)
	}
	if f.Xattr == nil {
		f.Xattr = map[string][]byte{}
	}
	f.Xattr[XattrNTFSDescriptor] = descriptor
	if short, err := shortName(fd); err != nil {
		return fmt.Errorf("cannot read the short name: %w", err)
	} else if len(short) > 0 {
		f.Xattr[xattrNTFSShort] = short
	}
	f.Xattr[XattrNTFSAttributes] = binary.LittleEndian.AppendUint32(nil, bits&ntfsSettable)
	return nil
}

// oneName tells whether the open file has one name, perhaps with a short one
// beside it, which counts as a link of its own.
func oneName(fd int) (bool, error) {
	info, err := fstat(fd)
	if err != nil || info.Nlink == 1 || info.Kind == Dir {
		return true, err
	}
	short, err := shortName(fd)
	return info.Nlink == 2 && len(short) > 0, err
}

// shortName is the 8.3 name of a file; nil also for one with several names.
func shortName(fd int) ([]byte, error) {
	name, err := getNTFS(fd, xattrNTFSShort)
	if errors.Is(err, unix.EMLINK) {
		return nil, nil
	}
	return name, err
}

// Alone is ErrLinked for a file that Apply refuses because it has another name.
func (v *Volume) Alone(canonical string) error {
	loc, err := v.locate(clean(canonical))
	if err != nil {
		return err
	}
	if err = v.alone(loc); errors.Is(err, ErrDrift) {
		err = fmt.Errorf("%q %w", canonical, ErrLinked)
	}
	return err
}

// alone is ErrDrift for a file with another name: an edit in place would show there.
func (v *Volume) alone(loc location) error {
	fd, err := v.openLocation(loc, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if one, err := oneName(fd); err != nil || one {
		return err
	}
	return ErrDrift
}

// SnapshotAttributes is Snapshot without the content, of which only the size is
// told: for a Change with Patches.
func (v *Volume) SnapshotAttributes(canonical string) (*File, error) {
	loc, err := v.locate(clean(canonical))
	if err != nil {
		return nil, err
	}
	fd, info, err := v.open(loc, readFlags)
	if err != nil {
		return nil, fmt.Errorf("cannot look at %q: %w", canonical, err)
	}
	defer unix.Close(fd)
	f, err := v.outline(fd, info)
	if err != nil {
		return nil, fmt.Errorf("cannot look at %q: %w", canonical, err)
	}
	return f, nil
}

// outline is what a file is beside its content.
func (v *Volume) outline(fd int, info Info) (*File, error) {
	f := &File{Kind: info.Kind, Mode: info.Mode, UID: info.UID, GID: info.GID}
	if info.Kind == Regular {
		f.Size = info.Size
	}
	if err := f.readXattrs(fd); err != nil || !v.ntfs {
		return f, err
	}
	return f, f.readNTFS(fd)
}
