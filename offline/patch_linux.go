package offline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// patch writes the patches of c in place and reads them back.
func (v *Volume) patch(c Change) error {
	loc, err := v.unmoved(c)
	if err != nil {
		return err
	}
	f, err := v.openPatched(loc, c, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range c.Patches {
		if err := v.writePatch(f, p); err != nil {
			return err
		}
	}
	if err := v.dressNTFS(int(f.Fd()), c.After); err != nil {
		return err
	}
	v.step("sync")
	if err := f.Sync(); err != nil {
		return err
	}
	return checkPatched(f, c)
}

func (v *Volume) writePatch(f *os.File, p Patch) error {
	now := make([]byte, len(p.After))
	if _, err := f.ReadAt(now, p.Offset); err != nil {
		return err
	}
	if bytes.Equal(now, p.After) {
		return nil
	}
	v.step("patch")
	_, err := f.WriteAt(p.After, p.Offset)
	return err
}

func checkPatched(f *os.File, c Change) error {
	for _, p := range c.Patches {
		now := make([]byte, len(p.After))
		if _, err := f.ReadAt(now, p.Offset); err != nil {
			return err
		}
		if !bytes.Equal(now, p.After) {
			return errors.New("what was read back is not what was written")
		}
	}
	return nil
}

// openPatched opens the file that c patches, which must be in a state of it: each
// range as before, as after, or with sectors of both.
func (v *Volume) openPatched(loc location, c Change, flags int) (*os.File, error) {
	if !v.ntfs {
		return nil, fmt.Errorf("only files on NTFS are patched: %w", errors.ErrUnsupported)
	}
	fd, info, err := v.open(loc, flags)
	if errors.Is(err, ErrNotRegular) || isNotExist(err) {
		return nil, ErrDrift
	} else if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), loc.path)
	if err := v.expectPatched(f, info, c); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (v *Volume) expectPatched(f *os.File, info Info, c Change) error {
	now, err := v.outline(int(f.Fd()), info)
	if err != nil {
		return err
	}
	if one, err := oneName(int(f.Fd())); err != nil {
		return err
	} else if !one {
		return ErrDrift
	}
	if now.Size != c.Before.Size || !underWayNTFS(now, c) {
		return ErrDrift
	}
	for _, p := range c.Patches {
		// From the sector's beginning, so that what an interrupted write leaves is seen in its units.
		lead := p.Offset % ntfsSector
		buf := make([]byte, lead+int64(len(p.Before)))
		if _, err := f.ReadAt(buf, p.Offset-lead); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		around := buf[:lead]
		if !mixed(buf, append(bytes.Clone(around), p.Before...), append(bytes.Clone(around), p.After...)) {
			return ErrDrift
		}
	}
	return nil
}
