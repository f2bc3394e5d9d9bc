package regf

import (
	"fmt"
	"strings"
)

// Uint32 is the number in a REG_DWORD.
func (v Value) Uint32() (uint32, error) {
	b, err := v.typed(DWORD)
	if err != nil {
		return 0, err
	}
	if len(b) != 4 {
		return 0, fmt.Errorf("cannot read value %q: %s of %d bytes: %w", v.Name, v.Type, len(b), ErrType)
	}
	return le32(b, 0), nil
}

// Text is the string in a REG_SZ or REG_EXPAND_SZ up to its first NUL. What stands
// between percent signs is left as it is.
func (v Value) Text() (string, error) {
	b, err := v.typed(SZ, ExpandSZ)
	if err != nil {
		return "", err
	}
	text, _, _ := strings.Cut(decodeUTF16(b), "\x00")
	return text, nil
}

// typed returns the data of a value that is of one of the types.
func (v Value) typed(types ...Type) ([]byte, error) {
	for _, t := range types {
		if v.Type == t {
			return v.Bytes()
		}
	}
	return nil, fmt.Errorf("cannot read value %q: %s instead of %s: %w", v.Name, v.Type, types[0], ErrType)
}
