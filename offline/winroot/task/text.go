package task

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxFile bounds the definition of a task. Windows writes some 4 KiB.
const maxFile = 1 << 20

// A text is a file's characters, and how its bytes say them.
type text struct {
	chars string
	mark  []byte    // the byte order mark, if there is one
	order byteOrder // nil: UTF-8
}

// decode reads UTF-16 with a byte order mark, which the Task Scheduler writes, the
// same without, and UTF-8. What would not come out byte for byte as it went in is refused.
func decode(b []byte) (text, error) {
	if len(b) > maxFile {
		return text{}, fmt.Errorf("%d bytes are more than the limit of %d", len(b), maxFile)
	}
	t := text{}
	switch {
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		t.mark, t.order = b[:2], binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		t.mark, t.order = b[:2], binary.BigEndian
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		t.mark = b[:3]
	case bytes.HasPrefix(b, []byte{'<', 0}): // as XML's own rules have it
		t.order = binary.LittleEndian
	}
	body := b[len(t.mark):]
	if t.order == nil {
		t.chars = string(body)
		if !utf8.ValidString(t.chars) {
			return text{}, errors.New("neither UTF-16 nor UTF-8")
		}
		return t, nil
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = t.order.Uint16(body[2*i:])
	}
	t.chars = string(utf16.Decode(units))
	if !bytes.Equal(t.encode(), b) {
		return text{}, errors.New("broken UTF-16")
	}
	return t, nil
}

// encode is the inverse of decode.
func (t text) encode() []byte {
	b := bytes.Clone(t.mark)
	if t.order == nil {
		return append(b, t.chars...)
	}
	for _, unit := range utf16.Encode([]rune(t.chars)) {
		b = t.order.AppendUint16(b, unit)
	}
	return b
}

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}
