package offline

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
)

// secret lists the names of files whose content is never shown: password
// hashes and private host keys print as digests.
var secret = []string{"shadow", "shadow-", "gshadow", "gshadow-", "SAM", "SECURITY"}

// holdsPrivateKey finds the keys that get pasted into files of public ones
// (RFC 7468, and OpenSSH's own form).
func holdsPrivateKey(data []byte) bool { return bytes.Contains(data, []byte("PRIVATE KEY-----")) }

func isSecret(p string) bool {
	name := path.Base(p)
	return slices.Contains(secret, name) || strings.HasPrefix(name, "ssh_host_") && !strings.HasSuffix(name, ".pub")
}

// Summary is the change as the report shows it: digests, attributes and a
// unified diff in which every byte that could steer a terminal is escaped.
func (c Change) Summary() ChangeSummary {
	return ChangeSummary{
		Path: c.Path, Action: c.Action(), Why: c.Why,
		Before: c.state(c.Before), After: c.state(c.After), Diff: c.Diff(),
	}
}

func (c Change) state(f *File) *FileState {
	if f == nil {
		return nil
	}
	sum := f.SHA256()
	if len(c.Patches) > 0 { // the content is not here
		sum = ""
	}
	return &FileState{SHA256: sum, Mode: fmt.Sprintf("%04o", f.Mode), UID: f.UID, GID: f.GID, Label: f.Label}
}

// Diff is the change as a unified diff: attributes first, in the manner of git,
// then the content.
func (c Change) Diff() string {
	var b strings.Builder
	for _, line := range c.attributeLines() {
		b.WriteString(line + "\n")
	}
	old, now := c.contents()
	if len(c.Patches) > 0 && c.Shown == nil && !isSecret(c.Path) {
		fmt.Fprintf(&b, "--- %s\n+++ %s\n%s", diffName(c.Before, "a", c.Path), diffName(c.After, "b", c.Path), c.patchLines())
	}
	if !bytes.Equal(old, now) {
		text := diff.Diff(diffName(c.Before, "a", c.Path), old, diffName(c.After, "b", c.Path), now)
		_, hunks, _ := bytes.Cut(text, []byte("\n")) // the first line names a diff command
		b.Write(hunks)
	}
	return b.String()
}

// contents are both sides in printable lines. Where what may be shown is the same
// and the content is not, the sums tell.
func (c Change) contents() (old, now []byte) {
	if c.Shown == nil {
		return c.Before.shown(c.Path), c.After.shown(c.Path)
	}
	if c.Shown.Before == c.Shown.After && c.Before != nil && c.After != nil && !bytes.Equal(c.Before.Data, c.After.Data) {
		return sumLine(c.Before), sumLine(c.After)
	}
	if c.Before != nil {
		old = printableLines(c.Shown.Before)
	}
	if c.After != nil {
		now = printableLines(c.Shown.After)
	}
	return old, now
}

func sumLine(f *File) []byte { return []byte("sha256 " + f.SHA256() + "\n") }

func diffName(f *File, side, p string) string {
	if f == nil {
		return "/dev/null"
	}
	return side + Printable(p)
}

func (c Change) attributeLines() []string {
	var lines []string
	say := func(what, old, now string) {
		if old != now {
			lines = append(lines, fmt.Sprintf("%s %s: %s -> %s", what, Printable(c.Path), old, now))
		}
	}
	old, now := c.Before.attributes(), c.After.attributes()
	for i, name := range []string{"kind", "mode", "owner", "label", "acl", "flags", "descriptor", "windows attributes"} {
		say(name, old[i], now[i])
	}
	return lines
}

func (f *File) attributes() [8]string {
	if f == nil {
		return [8]string{"absent", "-", "-", "-", "-", "-", "-", "-"}
	}
	or := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	descriptor := f.Xattr[XattrNTFSDescriptor]
	mode, owner := fmt.Sprintf("%04o", f.Mode), fmt.Sprintf("%d:%d", f.UID, f.GID)
	if descriptor != nil { // NTFS has neither
		mode, owner = "-", "-"
	}
	return [8]string{
		string(f.Kind), mode, owner, or(Printable(f.Label)),
		or(fmt.Sprintf("%x", f.Xattr[XattrACL])), flagText(f.Flags), or(descriptorText(descriptor)), or(attributeText(f.Xattr[XattrNTFSAttributes])),
	}
}

func flagText(flags uint32) string {
	text := ""
	if flags&FlagImmutable != 0 {
		text += "i"
	}
	if flags&FlagAppend != 0 {
		text += "a"
	}
	if text == "" {
		return "-"
	}
	return text
}

// shown is the content in printable lines.
func (f *File) shown(p string) []byte {
	switch {
	case f == nil || f.Kind == Dir || len(f.Data) == 0:
		return nil
	case isSecret(p) || holdsPrivateKey(f.Data):
		return sumLine(f)
	}
	return printableLines(string(f.Data))
}

func printableLines(text string) []byte {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		body, end := strings.CutSuffix(line, "\n")
		lines[i] = Printable(body)
		if end {
			lines[i] += "\n"
		}
	}
	return []byte(strings.Join(lines, ""))
}

// Printable escapes every byte and rune that is not plain text, so that foreign
// strings can neither steer a terminal nor hide what they say. A tab stays.
func Printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || r != '\t' && !strconv.IsPrint(r) }) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\t' || strconv.IsPrint(r):
			b.WriteString(s[:n])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		s = s[n:]
	}
	return b.String()
}
