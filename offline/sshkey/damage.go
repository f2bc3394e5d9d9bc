package sshkey

import (
	"bytes"
	"errors"
	"strings"
)

const (
	problemNUL   = "a NUL byte: sshd sees the line only up to it"
	problemBOM   = "a UTF-8 byte order mark in front: sshd does not recognise the key type"
	problemUTF16 = "the file is UTF-16: sshd reads no key from it"
	problemGlued = "a further key is glued to this line: sshd takes it for the comment"
)

const utf8BOM = "\xef\xbb\xbf"

// encoding names a file-wide problem with the text encoding. Beside the byte order marks it knows UTF-16 without one by
// the key type in wide letters.
func encoding(b []byte) string {
	head := b[:min(len(b), 4096)]
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return problemUTF16
	}
	if bytes.Contains(head, []byte("s\x00s\x00h\x00-\x00")) || bytes.Contains(head, []byte("\x00s\x00s\x00h\x00-")) {
		return problemUTF16
	}
	return ""
}

// UTF16 reports whether the file looks like UTF-16, from which sshd reads nothing.
func (f File) UTF16() bool {
	for _, l := range f.Lines {
		if l.Problem == problemUTF16 {
			return true
		}
	}
	return false
}

// BOM reports whether the file starts with a UTF-8 byte order mark, which costs its first line.
func (f File) BOM() bool {
	return len(f.Lines) > 0 && bytes.HasPrefix(f.Lines[0].Raw, []byte(utf8BOM))
}

// DamagedNUL returns the numbers of the lines that hold NUL bytes, as a crash leaves them in a zero-filled tail.
func (f File) DamagedNUL() []int {
	var found []int
	for _, l := range f.Lines {
		if bytes.IndexByte(l.Raw, 0) >= 0 {
			found = append(found, l.Number)
		}
	}
	return found
}

// maxGlued bounds how many keys are looked for on one line.
const maxGlued = 64

// Glued returns the offsets in Raw at which a further key begins that lost its own line, in order. It reports a key only
// if all of it parses, and not behind text that may be its options, since a split there would drop a restriction. Comment
// lines are left alone: a key in them was switched off on purpose.
func (l Line) Glued() []int {
	if l.Kind != Key && l.Kind != Junk || bytes.IndexByte(l.Raw, 0) >= 0 {
		return nil
	}
	first := 0
	if l.Key != nil {
		first = l.keyStart()
	}
	var found []int
	for i := first + 1; i < len(l.Raw) && len(found) < maxGlued; i++ {
		n := nextType(l.Raw[i:])
		if n < 0 {
			break
		}
		i += n
		if startsKey(l.Raw[:i], l.Raw[i:]) {
			found = append(found, i)
		}
	}
	return found
}

// nextType finds the next place where a key type name may begin, in one pass.
func nextType(s []byte) int {
	for i, c := range s {
		if c != 's' && c != 'e' {
			continue
		}
		for _, prefix := range []string{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"} {
			if bytes.HasPrefix(s[i:], []byte(prefix)) {
				return i
			}
		}
	}
	return -1
}

// startsKey reports whether rest is a key, and what stands before it cannot be its options.
func startsKey(before, rest []byte) bool {
	j := bytes.IndexAny(rest[:min(len(rest), 64)], " \t")
	if j < 0 || !algorithms[string(rest[:j])].plain {
		return false
	}
	last := lastWord(bytes.TrimRight(before, " \t"))
	apart := len(before) > 0 && (before[len(before)-1] == ' ' || before[len(before)-1] == '\t')
	if len(last) == 0 || mayBeOptions(last, apart) {
		return false
	}
	_, err := readGlued(rest)
	return err == nil
}

// mayBeOptions looks for the end of an option list in the word before a key; a bare flag counts only when a blank follows.
func mayBeOptions(last []byte, apart bool) bool {
	if bytes.ContainsAny(last[len(last)-1:], `",`) || bytes.Contains(last, []byte(`="`)) {
		return true
	}
	for _, f := range flagOptions {
		if n := len(last) - len(f.name); apart && n >= 0 && strings.EqualFold(string(last[n:]), f.name) {
			return true
		}
	}
	return false
}

// readGlued reads a key whose base64 text may run into the next key's type name.
func readGlued(s []byte) (Public, error) {
	key, err := readKey(s)
	if err == nil || !errors.Is(err, errBase64) {
		return key, err
	}
	name, rest := cutBlank(s)
	if n := nextType(rest); n > 0 {
		return readKey(bytes.Join([][]byte{name, rest[:n]}, []byte(" ")))
	}
	return key, err
}

func lastWord(s []byte) []byte {
	return s[bytes.LastIndexAny(s, " \t")+1:]
}

// keyStart returns the offset of the type name of the line's own key.
func (l Line) keyStart() int {
	s := trimBlank(l.Raw)
	lead := len(l.Raw) - len(s)
	if _, err := readKey(s); err == nil {
		return lead
	}
	end, _ := pastOptions(s)
	return lead + end + len(s[end:]) - len(trimBlank(s[end:]))
}

// diagnose words why no key could be read from s.
func diagnose(s []byte, err error) string {
	text := string(s[:min(len(s), 128)])
	switch {
	case strings.HasPrefix(text, utf8BOM):
		return problemBOM
	case looksPrivate(s):
		return "a private key, or a part of one, which does not belong here"
	case strings.HasPrefix(text, "---- BEGIN SSH2"):
		return "SSH2 (RFC 4716) format, which sshd does not read"
	case strings.HasPrefix(text, "-----"):
		return "PEM format, which sshd does not read"
	case !errors.Is(err, errNoKey):
		return err.Error()
	case isBase64(word(s)):
		return "base64 text without a key type: perhaps the rest of a wrapped line"
	case isDigits(word(s)):
		return "an SSH protocol 1 key, which no current sshd reads"
	}
	return "neither a key nor a comment"
}

func isBase64(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlnum(c) && c != '+' && c != '/' && c != '=' && c != '\r' {
			return false
		}
	}
	return len(s) >= 16
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
