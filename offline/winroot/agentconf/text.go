package agentconf

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A text is a file as characters. Each byte of s belongs to known bytes of raw, so
// that an edit in s is one in raw, whatever the encoding; what the file's own
// declaration says of it does not count, since Windows programs write UTF-16 under
// a declaration of UTF-8.
type text struct {
	raw  []byte
	skip int // bytes of the byte order mark
	form form
	s    string // without the mark
}

type form int

const (
	utf8Form  form = iota
	eightBit       // some ANSI code page: what is not ASCII reads as U+FFFD
	utf16Form      // with the order of the mark
	utf16Swap      // big-endian
)

// decode never fails for an 8-bit text without NUL bytes.
func decode(file string, raw []byte) (text, error) {
	t := text{raw: raw}
	if len(raw) > MaxSize {
		return t, &Refusal{File: file, Code: TooLarge, Why: "larger than any such file"}
	}
	switch {
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		t.skip = 3
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		t.skip, t.form = 2, utf16Form
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		t.skip, t.form = 2, utf16Swap
	}
	body := raw[t.skip:]
	switch {
	case t.wide() && len(body)%2 != 0:
		return t, &Refusal{File: file, Code: BadEncoding, Why: "UTF-16 with half a character at its end"}
	case t.wide():
		t.s = decodeWide(body, t.order())
	case utf8.Valid(body):
		t.s = string(body)
	default:
		t.form = eightBit
		t.s = decodeEightBit(body)
	}
	if strings.HasPrefix(t.s, "\ufeff") {
		return t, &Refusal{File: file, Code: BadEncoding, Why: "two byte order marks"}
	}
	if strings.IndexByte(t.s, 0) >= 0 {
		return t, &Refusal{File: file, Code: BadEncoding, Why: "holds NUL characters: UTF-16 without a byte order mark, UTF-32, or no text"}
	}
	return t, nil
}

func (t text) wide() bool { return t.form == utf16Form || t.form == utf16Swap }

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func (t text) order() byteOrder {
	if t.form == utf16Swap {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func decodeWide(body []byte, order byteOrder) string {
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = order.Uint16(body[2*i:])
	}
	return string(utf16.Decode(units))
}

func decodeEightBit(body []byte) string {
	var b strings.Builder
	for _, c := range body {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.WriteRune(utf8.RuneError)
		}
	}
	return b.String()
}

// rawOffset is the place in raw of the character that begins at s[at].
func (t text) rawOffset(at int) int { return t.skip + t.rawSize(t.s[:at]) }

// rawSize is how many bytes of raw a part of s has.
func (t text) rawSize(part string) int {
	switch t.form {
	case utf8Form:
		return len(part)
	case eightBit:
		return utf8.RuneCountInString(part)
	}
	units := 0
	for _, r := range part {
		units += utf16.RuneLen(r) // a lone surrogate was decoded as U+FFFD: one unit as well
	}
	return 2 * units
}

// encode writes ASCII, of which all that is inserted consists, as the file is written.
func (t text) encode(s string) []byte {
	if !t.wide() {
		return []byte(s)
	}
	var b []byte
	for _, r := range s {
		b = t.order().AppendUint16(b, uint16(r))
	}
	return b
}

// line is the number of the line of s[at], from 1.
func (t text) line(at int) int { return 1 + strings.Count(t.s[:at], "\n") }
