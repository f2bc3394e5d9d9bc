package agentconf

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDecode(t *testing.T) {
	for name, tt := range map[string]struct {
		raw, want string
		code      Code
	}{
		"empty":                {"", "", ""},
		"UTF-8":                {"é", "é", ""},
		"only a mark":          {"\xef\xbb\xbf", "", ""},
		"code page":            {"a\xe9\x80b", "a\ufffd\ufffdb", ""},
		"marked code page":     {"\xef\xbb\xbfa\xe9", "a\ufffd", ""},
		"UTF-16LE":             {"\xff\xfea\x00\xe9\x00=\xd8\x00\xde", "aé\U0001f600", ""},
		"UTF-16BE":             {"\xfe\xff\x00a\x00\xe9\xd8=\xde\x00", "aé\U0001f600", ""},
		"half a pair":          {"\xff\xfe=\xd8a\x00", "\ufffda", ""},
		"half a unit":          {"\xff\xfea\x00b", "", BadEncoding},
		"UTF-16 without mark":  {"a\x00b\x00", "", BadEncoding},
		"UTF-32":               {"\xff\xfe\x00\x00a\x00\x00\x00", "", BadEncoding},
		"two marks":            {"\xef\xbb\xbf\xef\xbb\xbfa", "", BadEncoding},
		"NUL":                  {"a\x00b", "", BadEncoding},
		"a mark in the middle": {"a\ufeffb", "a\ufeffb", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode("x", []byte(tt.raw))
			var r *Refusal
			if errors.As(err, &r) != (tt.code != "") || r != nil && r.Code != tt.code {
				t.Fatal(err)
			}
			if err == nil && got.s != tt.want {
				t.Errorf("%q, want %q", got.s, tt.want)
			}
		})
	}
}

// TestSplice puts a word between any two characters: the bytes around it stay, also
// halves of surrogate pairs and bytes of a code page.
func TestSplice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mark := rapid.SampledFrom([]string{"", "\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"}).Draw(t, "mark")
		units := rapid.SliceOf(rapid.SampledFrom([]string{"a\x01", "\x01\x02", "\xd8\x3d", "\xde\x01", "=\xd8", "\x01\xde", "é", "\r\n"})).Draw(t, "units")
		raw := []byte(mark + strings.Join(units, ""))
		text, err := decode("x", raw)
		if err != nil {
			return // a pair that makes NUL
		}
		at := rapid.IntRange(0, utf8.RuneCountInString(text.s)).Draw(t, "at")
		head := len(string([]rune(text.s)[:at]))
		edit := text.splice(head, head, "Random")
		word := text.encode("Random")
		i := text.rawOffset(head)
		if !bytes.Equal(edit.After[:i], raw[:i]) || !bytes.HasPrefix(edit.After[i:], word) || !bytes.Equal(edit.After[i+len(word):], raw[i:]) {
			t.Fatalf("%q became %q", raw, edit.After)
		}
		again, err := decode("x", edit.After)
		if err != nil || text.form == again.form && again.s != text.s[:head]+"Random"+text.s[head:] {
			t.Fatalf("%q reads %q", edit.After, again.s)
		}
	})
}
