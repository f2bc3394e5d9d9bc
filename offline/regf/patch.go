package regf

import (
	"errors"
	"fmt"
)

// A Patch replaces bytes of the file by as many others.
type Patch struct {
	Offset        int64 // in the file
	Before, After []byte
}

// Patch is what to write so that the data of the value from the given place on
// become after. Size and type stay, so the range must lie within the data; data
// in several segments are errors.ErrUnsupported. Nothing else in a hive depends on
// the data of a value: no checksum covers them, and the sequence numbers say only
// that a write was finished.
//
// A hive that is not clean is refused with ErrDirty, since Windows would replace it
// by what its log says. Two values that share one cell are not told from two that
// do not: that would need a look at the whole hive.
func (v Value) Patch(at int, after []byte) (Patch, error) {
	p, err := v.patch(at, after)
	if err != nil {
		return Patch{}, fmt.Errorf("cannot patch value %q: %w", v.Name, err)
	}
	return p, nil
}

func (v Value) patch(at int, after []byte) (Patch, error) {
	if err := v.h.Clean(); err != nil {
		return Patch{}, err
	}
	if at < 0 || len(after) == 0 || at > v.Size-len(after) {
		return Patch{}, fmt.Errorf("%d bytes at %d of data of %d bytes", len(after), at, v.Size)
	}
	c := v.cell
	if v.inline {
		at += offValueData
	} else {
		var err error
		if c, err = v.h.cell(v.data); err != nil {
			return Patch{}, err
		}
	}
	if !v.inline && v.Size > int(c.size) {
		return Patch{}, fmt.Errorf("its data are not in one cell: %w", errors.ErrUnsupported)
	}
	if err := v.h.own(c); err != nil {
		return Patch{}, err
	}
	before, err := v.h.read(c, at, len(after))
	if err != nil {
		return Patch{}, err
	}
	return Patch{
		Offset: c.file(at),
		Before: append([]byte{}, before...),
		After:  append([]byte{}, after...),
	}, nil
}
