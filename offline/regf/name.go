package regf

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// decodeName reads a name of a key or value: UTF-16LE, or the low bytes of it
// where all the high ones are zero, which is Latin-1.
func decodeName(b []byte, latin1 bool) string {
	if !latin1 {
		return decodeUTF16(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// decodeUTF16 ignores an odd byte at the end, as what counts in units does.
func decodeUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = le16(b, 2*i)
	}
	return string(utf16.Decode(units))
}

// sameName compares as Windows does: unit by unit in upper case. Windows has its
// own table for that, older than Unicode's of today; the two differ on a few
// letters outside ASCII. None of those is taken for an ASCII letter, so that no
// look-alike answers for a name that we look for.
func sameName(a, b string) bool {
	return strings.Map(upper, a) == strings.Map(upper, b)
}

func upper(r rune) rune {
	u := unicode.ToUpper(r)
	if r > 0xffff || u > 0xffff || r >= 0x80 && u < 0x80 {
		return r
	}
	return u
}

// hasDuplicate tells whether a list names something twice.
func hasDuplicate(list []uint32) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) != len(list)
}
