package regf

import (
	"errors"
	"fmt"
)

const (
	maxData     = 4 << 20 // of one value
	maxNames    = 8 << 20 // of all values of a key: bytes of their names
	segmentSize = 16344   // of data that do not fit into one cell

	valueFixed      = 20
	offValueName    = 2
	offValueSize    = 4
	offValueData    = 8
	offValueType    = 12
	offValueFlags   = 16
	valueLatin1     = 1
	valueInline     = 1 << 31
	maxInline       = 4
	offSegmentCount = 2
	offSegmentList  = 4
)

// A Type says how a program should understand the data of a value.
type Type uint32

// The types that decoding helpers know; others are numbers to us.
const (
	None     Type = 0
	SZ       Type = 1
	ExpandSZ Type = 2
	Binary   Type = 3
	DWORD    Type = 4
	MultiSZ  Type = 7
	QWORD    Type = 11
)

func (t Type) String() string {
	switch t {
	case None:
		return "REG_NONE"
	case SZ:
		return "REG_SZ"
	case ExpandSZ:
		return "REG_EXPAND_SZ"
	case Binary:
		return "REG_BINARY"
	case DWORD:
		return "REG_DWORD"
	case MultiSZ:
		return "REG_MULTI_SZ"
	case QWORD:
		return "REG_QWORD"
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// A Value is one value of a key. Its data are read when they are asked for.
type Value struct {
	Name string // empty for the value without a name; not safe to print unquoted
	Type Type
	Size int // of the data in bytes

	h      *Hive
	cell   cell // of the value itself
	inline bool // the data stand in that cell
	data   uint32
}

// Value looks a value up by its name without regard to case; "" is the value
// without a name. Two that differ only in case are malformed.
func (k *Key) Value(name string) (Value, error) {
	values, err := k.Values()
	if err != nil {
		return Value{}, err
	}
	found := -1
	for i, v := range values {
		switch {
		case !sameName(v.Name, name):
		case found >= 0:
			return Value{}, fmt.Errorf("cannot read value %q of key %q: %w", name, k.Name,
				malformed(v.cell.at, "second value of this name, %q and %q,", values[found].Name, v.Name))
		default:
			found = i
		}
	}
	if found < 0 {
		return Value{}, fmt.Errorf("cannot read value %q of key %q: %w", name, k.Name, ErrNotFound)
	}
	return values[found], nil
}

// Values lists the values of the key in the order of the hive.
func (k *Key) Values() ([]Value, error) {
	values, err := k.readValues()
	if err != nil {
		return nil, fmt.Errorf("cannot read values of key %q: %w", k.Name, err)
	}
	return values, nil
}

func (k *Key) readValues() ([]Value, error) {
	switch {
	case k.flags&(keyPredefined|keySymlink) != 0:
		return nil, fmt.Errorf("it stands for another key: %w", errors.ErrUnsupported)
	case k.values == 0:
		return nil, nil
	case k.values > maxEntries:
		return nil, malformed(k.at, "key with %d values", k.values)
	}
	c, err := k.h.cell(k.valueList)
	if err != nil {
		return nil, err
	}
	list, err := k.h.offsets(c, 0, int(k.values), 0)
	if err != nil {
		return nil, err
	}
	if hasDuplicate(list) {
		return nil, malformed(k.valueList, "list with the same value twice")
	}
	values, names := make([]Value, len(list)), 0
	for i, at := range list {
		if values[i], err = k.h.value(at); err != nil {
			return nil, err
		}
		if names += len(values[i].Name); names > maxNames {
			return nil, malformed(k.valueList, "values with names of more than %d bytes", maxNames)
		}
	}
	return values, nil
}

func (h *Hive) value(at uint32) (Value, error) {
	c, b, err := h.record(at, "vk", valueFixed)
	if err != nil {
		return Value{}, err
	}
	name, err := h.read(c, valueFixed, int(le16(b, offValueName)))
	if err != nil {
		return Value{}, err
	}
	size := le32(b, offValueSize)
	v := Value{
		Name:   decodeName(name, le16(b, offValueFlags)&valueLatin1 != 0),
		Type:   Type(le32(b, offValueType)),
		Size:   int(size &^ valueInline),
		h:      h,
		cell:   c,
		inline: size&valueInline != 0,
		data:   le32(b, offValueData),
	}
	if v.inline && v.Size > maxInline {
		return Value{}, malformed(at, "value with %d bytes inside", v.Size)
	}
	return v, nil
}

// Bytes returns the data, of at most 4 MiB.
func (v Value) Bytes() ([]byte, error) {
	b, err := v.bytes()
	if err != nil {
		return nil, fmt.Errorf("cannot read value %q: %w", v.Name, err)
	}
	return append([]byte{}, b...), nil
}

func (v Value) bytes() ([]byte, error) {
	switch {
	case v.Size == 0:
		return nil, nil
	case v.Size > maxData:
		return nil, fmt.Errorf("%d bytes of data: %w", v.Size, errors.ErrUnsupported)
	case v.inline:
		return v.h.read(v.cell, offValueData, v.Size)
	}
	c, err := v.h.cell(v.data)
	if err != nil {
		return nil, err
	}
	if v.Size > int(c.size) {
		return v.segments(c)
	}
	return v.h.read(c, 0, v.Size)
}

// segments reads data that are too large for one cell: all pieces but the last
// are of the full size.
func (v Value) segments(c cell) ([]byte, error) {
	want := (v.Size + segmentSize - 1) / segmentSize
	_, b, err := v.h.record(c.at, "db", 8)
	if err != nil {
		return nil, err
	}
	if v.Size <= segmentSize || int(le16(b, offSegmentCount)) != want {
		return nil, malformed(c.at, "%d bytes of data in %d segments", v.Size, le16(b, offSegmentCount))
	}
	list, err := v.h.cell(le32(b, offSegmentList))
	if err != nil {
		return nil, err
	}
	pieces, err := v.h.offsets(list, 0, want, 0)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, v.Size)
	for _, at := range pieces {
		piece, err := v.h.cell(at)
		if err != nil {
			return nil, err
		}
		b, err := v.h.read(piece, 0, min(segmentSize, v.Size-len(data)))
		if err != nil {
			return nil, err
		}
		data = append(data, b...)
	}
	return data, nil
}
