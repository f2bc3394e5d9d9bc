package sshkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
)

// Kind says what sshd takes a line for.
type Kind int

// The kinds of line. Junk is a line that is neither empty nor a comment and from which sshd reads no key.
const (
	Blank Kind = iota
	Comment
	Key
	Junk
)

// String returns the lower-case name of the kind.
func (k Kind) String() string { return [...]string{"blank", "comment", "key", "junk"}[k] }

// Line is one line of an authorized_keys file. Raw and End together are the bytes of the file; the rest is what they mean.
type Line struct {
	Number  int    // from 1
	Raw     []byte // without terminator
	End     []byte // "\n", "\r\n", or empty for an unterminated last line
	Kind    Kind
	Options []Option // in order, as far as they could be read
	Key     *Public  // set for Kind Key
	Comment []byte   // text behind the key, or behind the # of a comment line
	Problem string   // what a person should know about the line; empty when it is fine

	optionError string // sshd skips the line for this reason although the key is readable
	grants      grants
}

var (
	errNoKey  = errors.New("no key type in front")
	errBase64 = blobError("the base64 text is damaged")
)

// readKey reads "type base64 comment" as sshkey.c sshkey_read does: blanks are space and tab only, and the base64 text may
// contain other white space (b64_pton skips it, which is why CRLF files work).
func readKey(s []byte) (key Public, err error) {
	i := bytes.IndexAny(s, " \t")
	if i < 0 {
		return Public{}, errNoKey
	}
	name := family(string(s[:min(i, 64)]))
	if _, ok := algorithms[name]; !ok {
		return Public{}, errNoKey
	}
	text, comment := cutBlank(trimBlank(s[i:]))
	blob, err := decode(text)
	if err != nil {
		return Public{}, err
	}
	key, err = ParseBlob(blob)
	if err != nil {
		return Public{}, err
	}
	if key.Algorithm != name {
		return Public{}, blobError("the line says " + quote(name) + ", the key inside is " + quote(key.Algorithm))
	}
	key.Comment = bytes.TrimRight(comment, "\r")
	return key, nil
}

func decode(text []byte) ([]byte, error) {
	if len(text) > maxText {
		return nil, blobError("the base64 text is longer than any key")
	}
	clean := bytes.Map(func(r rune) rune {
		if strings.ContainsRune("\n\r\v\f", r) {
			return -1
		}
		return r
	}, text)
	if len(clean) == 0 {
		return nil, blobError("there is no base64 text behind the key type")
	}
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(clean)))
	n, err := base64.StdEncoding.Strict().Decode(blob, clean)
	if err != nil {
		return nil, errBase64
	}
	return blob[:n], nil
}

func trimBlank(s []byte) []byte { return bytes.TrimLeft(s, " \t") }

// cutBlank splits at the first blank and drops the blanks.
func cutBlank(s []byte) (word, rest []byte) {
	i := bytes.IndexAny(s, " \t")
	if i < 0 {
		return s, nil
	}
	return s[:i], trimBlank(s[i:])
}

// pastOptions returns the index of the first unquoted blank, or ok=false for an unterminated quote (authfile.c
// sshkey_advance_past_options; it honours \" outside quotes too).
func pastOptions(s []byte) (end int, ok bool) {
	quoted := false
	i := 0
	for ; i < len(s) && (quoted || s[i] != ' ' && s[i] != '\t'); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		case s[i] == '"':
			quoted = !quoted
		}
	}
	return min(i, len(s)), i < len(s) || !quoted
}

// parseLine fills in what the bytes mean to sshd (auth2-pubkeyfile.c auth_check_authkey_line).
func parseLine(number int, raw, end []byte) Line {
	l := Line{Number: number, Raw: raw, End: end, grants: defaultGrants()}
	seen, nul := raw, false
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		seen, nul = raw[:i], true // getline keeps the byte, but C strings end there
	}
	s := trimBlank(seen)
	switch {
	case len(bytes.TrimRight(s, "\r")) == 0:
		l.Kind = Blank
	case s[0] == '#':
		l.Kind, l.Comment = Comment, bytes.TrimRight(bytes.TrimLeft(s, "# \t"), " \t\r")
	default:
		l.parseKey(s)
	}
	switch {
	case nul && l.Kind == Blank:
		l.Kind, l.Problem = Junk, problemNUL
	case nul:
		l.Problem = problemNUL
	case l.Problem == "" && len(l.Glued()) > 0:
		l.Problem = problemGlued
	}
	return l
}

func (l *Line) parseKey(s []byte) {
	key, err := readKey(s)
	if err != nil {
		key, err = l.parseOptionsAndKey(s, err)
	}
	if err != nil {
		l.Kind, l.Problem = Junk, diagnose(s, err)
		return
	}
	l.Kind, l.Key, l.Comment = Key, &key, key.Comment
	if l.optionError != "" {
		l.Problem = "sshd skips this line: " + l.optionError
	} else if key.IsCertificate() {
		l.Problem = "a certificate here admits nobody; the file takes plain keys"
	}
}

func (l *Line) parseOptionsAndKey(s []byte, first error) (Public, error) {
	end, ok := pastOptions(s)
	if !ok {
		if errors.Is(first, errNoKey) {
			first = blobError("a quote in the options is not closed")
		}
		return Public{}, first
	}
	key, err := readKey(trimBlank(s[end:]))
	if err != nil {
		if errors.Is(first, errNoKey) {
			first = err
		}
		return Public{}, first
	}
	l.Options, l.grants, l.optionError = parseOptions(s)
	return key, nil
}
