package winroot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/regf"
)

const (
	softwareHive = "/Windows/System32/config/SOFTWARE"
	systemHive   = "/Windows/System32/config/SYSTEM"

	baseBlock = 512 // of its header, what Windows changes with each write
	maxText   = 200 // runes of a foreign text that is shown
)

// A hive is a registry hive of the volume. What is not in it reads as nothing;
// err is the first look at it that failed for another reason.
type hive struct {
	v    *offline.Volume
	path string // canonical
	r    *offline.Reader
	h    *regf.Hive
	root *regf.Key
	err  error
}

// openHive opens a hive and checks that Windows would take it as it is.
func (s *System) openHive(path string) *hive {
	h := &hive{v: s.v, path: path}
	h.err = h.open()
	if h.err != nil {
		return h
	}
	if err := h.h.Clean(); err != nil {
		s.find("windows/hive-dirty", h.path, err.Error())
	}
	for _, ending := range []string{".LOG", ".LOG1", ".LOG2"} {
		switch err := h.checkLog(path + ending); {
		case errors.Is(err, regf.ErrDirty):
			s.find("windows/hive-log", h.path, err.Error())
		case err != nil:
			s.unreadable(path+ending, err)
		}
	}
	return h
}

func (h *hive) open() error {
	canonical, err := h.v.Realpath(h.path)
	if err != nil {
		return err
	}
	h.path = canonical
	if h.r, err = h.v.Open(canonical); err != nil {
		return err
	}
	if h.h, err = regf.Open(h.r, h.r.Size()); err != nil {
		return err
	}
	h.root, err = h.h.Root()
	return err
}

func (h *hive) close() error {
	if h.r == nil {
		return nil
	}
	return h.r.Close()
}

func (h *hive) checkLog(path string) error {
	r, err := h.v.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(h.h.CheckLog(path, r, r.Size()), r.Close())
}

// failed notes an error that leaves the hive in doubt. A value of a type that Windows
// does not expect there is as good as none.
func (h *hive) failed(err error) bool {
	if err != nil && h.err == nil && !errors.Is(err, regf.ErrNotFound) && !errors.Is(err, regf.ErrType) {
		h.err = err
	}
	return err != nil
}

func (h *hive) key(path string) *regf.Key {
	if h.root == nil {
		return nil
	}
	k, err := h.root.Sub(path)
	if h.failed(err) {
		return nil
	}
	return k
}

func (h *hive) value(path, name string) (regf.Value, bool) {
	k := h.key(path)
	if k == nil {
		return regf.Value{}, false
	}
	v, err := k.Value(name)
	return v, !h.failed(err)
}

// text is a string as it may be shown.
func (h *hive) text(path, name string) string {
	v, ok := h.value(path, name)
	if !ok {
		return ""
	}
	text, err := v.Text()
	if h.failed(err) {
		return ""
	}
	return shown(text)
}

func (h *hive) number(path, name string) (uint32, bool) {
	v, ok := h.value(path, name)
	if !ok {
		return 0, false
	}
	n, err := v.Uint32()
	return n, !h.failed(err)
}

func (h *hive) bytes(path, name string) []byte {
	v, ok := h.value(path, name)
	if !ok {
		return nil
	}
	b, err := v.Bytes()
	if h.failed(err) {
		return nil
	}
	if b == nil {
		b = []byte{}
	}
	return b
}

// change is what turns some data of the hive into other data of the same size. A
// guard over the header has it refused, and its inverse, once Windows has used the
// hive.
func (h *hive) change(why string, patches ...regf.Patch) (offline.Change, error) {
	before, err := h.v.SnapshotAttributes(h.path)
	if err != nil {
		return offline.Change{}, err
	}
	head := make([]byte, baseBlock)
	if _, err := h.r.ReadAt(head, 0); err != nil {
		return offline.Change{}, fmt.Errorf("cannot read the header of %q: %w", h.path, err)
	}
	c := offline.Change{Path: h.path, Before: before, After: before.Clone(), Why: why}
	c.Patches = []offline.Patch{{Offset: 0, Before: head, After: slices.Clone(head)}}
	for _, p := range patches {
		c.Patches = append(c.Patches, offline.Patch{Offset: p.Offset, Before: p.Before, After: p.After})
	}
	slices.SortFunc(c.Patches, func(a, b offline.Patch) int { return int(a.Offset - b.Offset) })
	return c, c.Check()
}

// setNumber is the patch of a DWORD that is there.
func (h *hive) setNumber(path, name string, n uint32) (regf.Patch, error) {
	v, ok := h.value(path, name)
	if !ok || v.Type != regf.DWORD || v.Size != 4 {
		return regf.Patch{}, fmt.Errorf("cannot set %s of %s: no such number", name, path)
	}
	return v.Patch(0, binary.LittleEndian.AppendUint32(nil, n))
}

// shown is a foreign text for a person: escaped and bounded.
func shown(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return offline.Printable(text)
}
