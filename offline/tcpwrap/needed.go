package tcpwrap

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// The bounds for a binary's dynamic section, far above those of any real one.
const (
	maxHeaders = 256
	maxDynamic = 1 << 16 // bytes
	maxName    = 256     // bytes of a library's name
)

// ErrNotELF means that a binary has no dynamic section that can be read: it is
// not ELF, statically linked, or damaged.
var ErrNotELF = errors.New("not a dynamically linked ELF file")

// Linked tells whether the binary at path asks for libwrap (DT_NEEDED). Only the
// headers, the dynamic section and the names are read.
func Linked(v *offline.Volume, path string) (bool, error) {
	names, err := needed(func(buf []byte, at int64) (int, error) { return v.ReadAt(path, buf, at) })
	if err != nil {
		return false, fmt.Errorf("cannot tell whether %q uses libwrap: %w", path, err)
	}
	for _, n := range names {
		if strings.HasPrefix(n, "libwrap.so") {
			return true, nil
		}
	}
	return false, nil
}

type readAt func(buf []byte, at int64) (int, error)

func (r readAt) full(n int, at uint64) ([]byte, error) {
	if at > 1<<40 || n < 0 {
		return nil, ErrNotELF
	}
	buf := make([]byte, n)
	got, err := r(buf, int64(at))
	switch {
	case err != nil:
		return nil, err
	case got < n:
		return nil, ErrNotELF
	}
	return buf, nil
}

// segment is a program header, of either class.
type segment struct {
	kind            elf.ProgType
	off, addr, size uint64
}

// needed lists the DT_NEEDED names.
func needed(r readAt) ([]string, error) {
	segments, wide, order, err := headers(r)
	if err != nil {
		return nil, err
	}
	for _, s := range segments {
		if s.kind == elf.PT_DYNAMIC {
			return dynamic(r, segments, s, wide, order)
		}
	}
	return nil, ErrNotELF
}

func headers(r readAt) (segments []segment, wide bool, order binary.ByteOrder, err error) {
	h, err := r.full(64, 0)
	if err != nil {
		return nil, false, nil, err
	}
	if !bytes.HasPrefix(h, []byte(elf.ELFMAG)) {
		return nil, false, nil, ErrNotELF
	}
	wide, order = h[elf.EI_CLASS] == byte(elf.ELFCLASS64), binary.LittleEndian
	if h[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	at, each, count := uint64(order.Uint32(h[28:])), order.Uint16(h[42:]), order.Uint16(h[44:])
	least := uint16(32)
	if wide {
		at, each, count, least = order.Uint64(h[32:]), order.Uint16(h[54:]), order.Uint16(h[56:]), 56
	}
	if count > maxHeaders || each < least || each > 1024 {
		return nil, false, nil, ErrNotELF
	}
	table, err := r.full(int(count)*int(each), at)
	if err != nil {
		return nil, false, nil, err
	}
	for i := range int(count) {
		segments = append(segments, programHeader(table[i*int(each):], wide, order))
	}
	return segments, wide, order, nil
}

func programHeader(b []byte, wide bool, order binary.ByteOrder) segment {
	s := segment{kind: elf.ProgType(order.Uint32(b))}
	if wide {
		s.off, s.addr, s.size = order.Uint64(b[8:]), order.Uint64(b[16:]), order.Uint64(b[32:])
	} else {
		s.off, s.addr, s.size = uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[16:]))
	}
	return s
}

func dynamic(r readAt, segments []segment, d segment, wide bool, order binary.ByteOrder) ([]string, error) {
	if d.size > maxDynamic {
		return nil, ErrNotELF
	}
	table, err := r.full(int(d.size), d.off)
	if err != nil {
		return nil, err
	}
	var wanted []uint64
	var strtab uint64
	for tag, value := range entries(table, wide, order) {
		switch tag {
		case elf.DT_NEEDED:
			wanted = append(wanted, value)
		case elf.DT_STRTAB:
			strtab = value
		}
	}
	var names []string
	for _, offset := range wanted {
		name, err := nameAt(r, segments, strtab+offset)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// entries yields the tags and values up to DT_NULL.
func entries(table []byte, wide bool, order binary.ByteOrder) func(yield func(elf.DynTag, uint64) bool) {
	return func(yield func(elf.DynTag, uint64) bool) {
		step := 8
		if wide {
			step = 16
		}
		for ; len(table) >= step; table = table[step:] {
			tag, value := uint64(order.Uint32(table)), uint64(order.Uint32(table[4:]))
			if wide {
				tag, value = order.Uint64(table), order.Uint64(table[8:])
			}
			if tag == uint64(elf.DT_NULL) || !yield(elf.DynTag(tag), value) {
				return
			}
		}
	}
}

// nameAt reads the string at a virtual address through the loaded segment that
// holds it.
func nameAt(r readAt, segments []segment, addr uint64) (string, error) {
	for _, s := range segments {
		if s.kind != elf.PT_LOAD || addr < s.addr || addr-s.addr >= s.size {
			continue
		}
		n := min(uint64(maxName), s.size-(addr-s.addr))
		b, err := r.full(int(n), s.off+(addr-s.addr))
		if err != nil {
			return "", err
		}
		if end := bytes.IndexByte(b, 0); end >= 0 {
			return string(b[:end]), nil
		}
	}
	return "", ErrNotELF
}
