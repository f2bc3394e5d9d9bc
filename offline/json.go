package offline

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// encoded marks a string that is not UTF-8: JSON would not give it back as it
// was, and an undo would look for another file.
const encoded = "base64:"

// EncodeText makes any string one that survives JSON; text in UTF-8 stays as it is.
func EncodeText(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, encoded) {
		return s
	}
	return encoded + base64.StdEncoding.EncodeToString([]byte(s))
}

// DecodeText takes what EncodeText gives.
func DecodeText(s string) (string, error) {
	text, ok := strings.CutPrefix(s, encoded)
	if !ok {
		return s, nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("cannot decode %q: %w", s, err)
	}
	return string(data), nil
}

// plainChange and plainFile are encoded field by field.
type (
	plainChange Change
	plainFile   File
)

// MarshalJSON keeps a path of any bytes.
func (c Change) MarshalJSON() ([]byte, error) {
	c.Path = EncodeText(c.Path)
	return json.Marshal(plainChange(c))
}

// UnmarshalJSON takes what MarshalJSON gives.
func (c *Change) UnmarshalJSON(data []byte) error {
	var p plainChange
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	path, err := DecodeText(p.Path)
	if err != nil {
		return err
	}
	p.Path = path
	*c = Change(p)
	return nil
}

// MarshalJSON keeps a label and names of attributes of any bytes.
func (f File) MarshalJSON() ([]byte, error) {
	f.Label = EncodeText(f.Label)
	attributes := f.Xattr
	f.Xattr = nil
	for name, value := range attributes {
		if f.Xattr == nil {
			f.Xattr = map[string][]byte{}
		}
		f.Xattr[EncodeText(name)] = value
	}
	return json.Marshal(plainFile(f))
}

// UnmarshalJSON takes what MarshalJSON gives.
func (f *File) UnmarshalJSON(data []byte) error {
	var p plainFile
	err := json.Unmarshal(data, &p)
	if err != nil {
		return err
	}
	if p.Label, err = DecodeText(p.Label); err != nil {
		return err
	}
	attributes := p.Xattr
	p.Xattr = nil
	for name, value := range attributes {
		if name, err = DecodeText(name); err != nil {
			return err
		}
		if p.Xattr == nil {
			p.Xattr = map[string][]byte{}
		}
		p.Xattr[name] = value
	}
	*f = File(p)
	return nil
}
