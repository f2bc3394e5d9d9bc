package offline

import (
	"bytes"
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// maxSnapshot bounds the files that a Change may hold, in bytes.
const maxSnapshot = MaxAccount

// Apply performs c, durably. It converges: what an earlier attempt did, wholly
// or in part, is not done twice. A file that is neither as c found it nor on the
// way to what c makes of it is ErrDrift, and stays as it is.
func (v *Volume) Apply(c Change) error {
	if v.denied != nil {
		return v.denied
	}
	if err := c.Check(); err != nil {
		return err
	}
	v.seen.forget()
	defer v.seen.forget()
	if err := v.apply(c); err != nil {
		return fmt.Errorf("cannot change %q: %w", c.Path, err)
	}
	return nil
}

func (v *Volume) apply(c Change) error {
	if v.ntfs {
		if err := checkNTFS(c.After); err != nil {
			return err
		}
	}
	if len(c.Patches) > 0 {
		return v.patch(c)
	}
	loc, now, err := v.expect(c)
	if isNotExist(err) && c.After == nil {
		return nil // the directory that held it is gone as well
	}
	if err != nil {
		return err
	}
	if v.ntfs {
		err = v.moveNTFS(loc, now, c.After)
	} else if err = v.sweep(loc); err == nil {
		err = v.move(loc, now, c.After)
	}
	if err != nil {
		return err
	}
	return v.check(c)
}

// expect reads the file as it is now, which must be a state of the change.
func (v *Volume) expect(c Change) (location, *File, error) {
	loc, err := v.unmoved(c)
	if err != nil {
		return loc, nil, err
	}
	now, err := v.Snapshot(c.Path, maxSnapshot)
	if errors.Is(err, ErrNotRegular) {
		return loc, nil, ErrDrift
	} else if err != nil {
		return loc, nil, err
	}
	recognise := underWay
	if v.ntfs {
		recognise = underWayNTFS
	}
	if !now.Shows(c.After) && !now.Shows(c.Before) && !recognise(now, c) {
		return loc, nil, ErrDrift
	}
	if v.ntfs && now != nil {
		err = v.alone(loc)
	}
	return loc, now, err
}

// unmoved is where the path of c lies, which must be as it was.
func (v *Volume) unmoved(c Change) (location, error) {
	loc, err := v.resolve(c.Path, false)
	if errors.Is(err, ErrNotDir) || errors.Is(err, ErrLoop) || err == nil && loc.path != c.Path {
		return loc, ErrDrift // a directory above has become a file or a link, or is spelled otherwise
	}
	return loc, err
}

// Drifted tells whether Apply would refuse the change as drift.
func (v *Volume) Drifted(c Change) (bool, error) {
	err := v.inReach(c)
	switch {
	case errors.Is(err, ErrDrift):
		return true, nil
	case isNotExist(err):
		return c.After != nil && c.Before != nil, nil
	}
	return false, err
}

func (v *Volume) inReach(c Change) error {
	if len(c.Patches) == 0 {
		_, _, err := v.expect(c)
		return err
	}
	loc, err := v.unmoved(c)
	if err != nil {
		return err
	}
	f, err := v.openPatched(loc, c, readFlags)
	if err != nil {
		return err
	}
	return f.Close()
}

// move takes the file at loc from what it is now to what it is to be.
func (v *Volume) move(loc location, now, after *File) error {
	switch {
	case after == nil && now == nil:
		return nil
	case after == nil:
		return v.remove(loc, now)
	case now != nil && now.Kind == Dir:
		return v.setAttributes(loc, now, after)
	case now == nil && after.Kind == Dir:
		return v.mkdir(loc, after)
	case now != nil && bytes.Equal(now.Data, after.Data):
		return v.editInPlace(loc, now, after)
	default:
		return v.replace(loc, now, after)
	}
}

// underWay recognises what an attempt of ours leaves when it is cut off while
// it works in place: every attribute is the old or the new one, and the content
// is the old one, the new one, or the old one with part of what is appended.
// chown(2) may have taken setuid and setgid off already.
func underWay(now *File, c Change) bool {
	if now == nil || c.Before == nil || c.After == nil || now.Kind != c.After.Kind {
		return false
	}
	b, a := c.Before, c.After
	content := bytes.Equal(now.Data, b.Data) || bytes.Equal(now.Data, a.Data) || torn(now.Data, b.Data, a.Data) || torn(now.Data, a.Data, b.Data)
	mode := either(now.Mode, b.Mode, a.Mode) || now.Kind == Regular && either(now.Mode, b.Mode&^0o6000, a.Mode&^0o6000)
	label := either(now.Label, b.Label, a.Label) || b.Label == "" || a.Label == ""
	return content && mode && label && either(now.UID, b.UID, a.UID) && either(now.GID, b.GID, a.GID) && eitherXattrs(now, b, a)
}

func torn(now, short, long []byte) bool {
	return bytes.HasPrefix(now, short) && bytes.HasPrefix(long, now)
}

// check reads back.
func (v *Volume) check(c Change) error {
	v.seen.forget()
	now, err := v.Snapshot(c.Path, maxSnapshot)
	if err != nil {
		return err
	}
	if !now.Shows(c.After) {
		return errors.New("what was read back is not what was written")
	}
	return nil
}

func (v *Volume) step(name string) {
	if v.OnStep != nil {
		v.OnStep(name)
	}
}

// Sync makes all that was written durable, on every filesystem of the Volume.
func (v *Volume) Sync() error {
	for _, m := range v.mounts {
		if err := unix.Syncfs(m.fd); err != nil {
			return fmt.Errorf("cannot sync the filesystem at %q: %w", m.at, err)
		}
	}
	return nil
}

// openParent opens the directory that holds loc for the calls that take one.
func (v *Volume) openParent(loc location) (dir int, name string, err error) {
	if loc.rel == "." {
		return -1, "", fmt.Errorf("%q is the root of a filesystem", loc.path)
	}
	rel := path.Dir(loc.rel)
	dir, err = openBelow(loc.m.fd, rel, readFlags|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	return dir, path.Base(loc.rel), err
}
