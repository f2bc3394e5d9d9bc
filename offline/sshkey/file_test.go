package sshkey

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseLines(t *testing.T) {
	ed, rsaText := text(t, "ed25519"), text(t, "rsa")
	type row struct {
		name, in string
		kind     Kind
		problem  string // part of
		comment  string
	}
	for _, c := range []row{
		{"blank", "", Blank, "", ""},
		{"spaces", " \t ", Blank, "", ""},
		{"comment", "  # hello ", Comment, "", "hello"},
		{"disabled key is a comment", "#" + ed, Comment, "", ed},
		{"plain", ed + " me@host", Key, "", "me@host"},
		{"no comment", ed, Key, "", ""},
		{"leading blanks", " \t" + ed + " c", Key, "", "c"},
		{"latin-1 comment", ed + " caf\xe9", Key, "", "caf\xe9"},
		{"sha2 name in front", strings.Replace(rsaText, "ssh-rsa ", "rsa-sha2-256 ", 1) + " c", Key, "", "c"},
		{"options", `command="a b",no-pty ` + ed + " c d", Key, "", "c d"},
		{"unknown option", "shiny " + ed, Key, "unknown key option \"shiny\"", ""},
		{"mismatch", "ssh-rsa " + strings.Fields(ed)[1], Junk, "the key inside is", ""},
		{"bad base64", ed[:30] + "*" + ed[31:], Junk, "base64", ""},
		{"cut", ed[:len(ed)-8], Junk, "ends early", ""},
		{"open quote", `command="x ` + ed, Junk, "quote in the options is not closed", ""},
		{"bom", "\xef\xbb\xbf" + ed, Junk, "byte order mark", ""},
		{"nul before", "\x00" + ed, Junk, "NUL", ""},
		{"nul in comment", ed + " a\x00b", Key, "NUL", "a"},
		{"private", "-----BEGIN OPENSSH PRIVATE KEY-----", Junk, "private key", ""},
		{"private body", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", Junk, "private key", ""},
		{"ssh2", "---- BEGIN SSH2 PUBLIC KEY ----", Junk, "RFC 4716", ""},
		{"pem", "-----BEGIN PUBLIC KEY-----", Junk, "PEM", ""},
		{"wrapped rest", "AAAAB3NzaC1yc2EAAAADAQABAAABgQC", Junk, "wrapped", ""},
		{"protocol 1", "1024 35 1203 me", Junk, "protocol 1", ""},
		{"words", "hello world", Junk, "neither", ""},
		{"certificate", certText(t), Key, "certificate", ""},
	} {
		for _, end := range []string{"\n", "\r\n", ""} {
			f := Parse([]byte(c.in + end))
			if c.in+end == "" {
				continue
			}
			l := f.Lines[0]
			if len(f.Lines) != 1 || l.Kind != c.kind || !strings.Contains(l.Problem, c.problem) || (c.problem == "") != (l.Problem == "") || string(l.Comment) != c.comment {
				t.Errorf("%s, end %q: got %v %q comment %q, want %v %q %q", c.name, end, l.Kind, l.Problem, l.Comment, c.kind, c.problem, c.comment)
			}
			if string(l.Raw) != c.in || string(l.End) != end {
				t.Errorf("%s: raw %q end %q", c.name, l.Raw, l.End)
			}
		}
	}
}

func TestUTF16AndNULDetection(t *testing.T) {
	var wide []byte
	for _, c := range []byte(text(t, "ed25519") + "\r\n") {
		wide = append(wide, c, 0)
	}
	for name, b := range map[string][]byte{"mark": append([]byte{0xff, 0xfe}, wide...), "no mark": wide, "big": append([]byte{0}, wide[:len(wide)-1]...)} {
		f := Parse(b)
		if !f.UTF16() || f.BOM() || len(f.DamagedNUL()) == 0 {
			t.Errorf("%s: UTF16 %v BOM %v NUL %v", name, f.UTF16(), f.BOM(), f.DamagedNUL())
		}
		g, err := f.Append([]byte(text(t, "rsa")))
		if err != nil || g.Match(newKey(t, "rsa"), MatchContext{}).Verdict != Accepted {
			t.Errorf("%s: a key appended to a UTF-16 file is not found: %v", name, err)
		}
	}
	if f := Parse([]byte("\xef\xbb\xbf# x\n")); !f.BOM() || f.UTF16() {
		t.Error("UTF-8 mark not seen")
	}
}

func TestAppendTerminatesAndKeepsStyle(t *testing.T) {
	key := text(t, "ed25519")
	for _, c := range []struct{ in, want string }{
		{"", key + "\n"},
		{"a", "a\n" + key + "\n"},
		{"a\n", "a\n" + key + "\n"},
		{"a\r\nb", "a\r\nb\r\n" + key + "\r\n"},
		{"a\r\nb\nc", "a\r\nb\nc\n" + key + "\n"},
		{"a\x00\x00", "a\x00\x00\n" + key + "\n"},
	} {
		got, err := Parse([]byte(c.in)).Append([]byte(key))
		if err != nil || string(got.Bytes()) != c.want {
			t.Errorf("%q: got %q, %v", c.in, got.Bytes(), err)
		}
		if !got.Terminated() {
			t.Errorf("%q: not terminated", c.in)
		}
	}
	if _, err := Parse(nil).Append([]byte("a\nb")); !errors.Is(err, ErrNotOneLine) {
		t.Errorf("two lines: %v", err)
	}
	if got, err := Parse([]byte("a")).Append(); err != nil || string(got.Bytes()) != "a" {
		t.Errorf("nothing appended: %q %v", got.Bytes(), err)
	}
}

func TestRemoveAndFind(t *testing.T) {
	ed, other := text(t, "ed25519"), text(t, "other")
	f := Parse([]byte("# run 7\n" + ed + " bob\n" + other + " bob\n" + `no-pty ` + ed))
	if got := f.Find(newKey(t, "ed25519")); len(got) != 2 || got[0].Number != 2 || got[1].Number != 4 {
		t.Errorf("Find: %v", got)
	}
	if got := f.FindComment("b?b"); len(got) != 2 {
		t.Errorf("FindComment: %d lines", len(got))
	}
	if got := f.FindComment("run *"); len(got) != 1 || got[0].Kind != Comment {
		t.Errorf("FindComment: %v", got)
	}
	g := Remove(f, 2)
	if want := "# run 7\n" + other + " bob\n" + `no-pty ` + ed; string(g.Bytes()) != want || g.Lines[1].Number != 2 {
		t.Errorf("Remove: %q", g.Bytes())
	}
	if !bytes.Equal(Remove(f, 0).Bytes(), f.Bytes()) || !bytes.Equal(Remove(f, 9).Bytes(), f.Bytes()) {
		t.Error("removing an unknown line changed the file")
	}
}

func TestTooManyLinesStayInTheFile(t *testing.T) {
	b := bytes.Repeat([]byte("#\n"), maxLines+10)
	b = append(b, text(t, "ed25519")...)
	f := Parse(b)
	if len(f.Lines) != maxLines+1 || !bytes.Equal(f.Bytes(), b) {
		t.Fatalf("%d lines", len(f.Lines))
	}
	if got := f.Match(newKey(t, "ed25519"), MatchContext{}).Verdict; got != Unknown {
		t.Errorf("verdict %v for a file not read to its end", got)
	}
}

// lineGen makes lines of the kinds that occur, damaged ones included.
func lineGen(t testing.TB) *rapid.Generator[string] {
	pieces := []string{text(t, "ed25519"), text(t, "rsa"), text(t, "p256"), "# c", "", " ", "\x00", "\xef\xbb\xbf", `command="a\"b" `, "no-pty,", "from=\"1.2.3.4\" ", "\"", "\\", "\r", "x", "=", " me@host", "\xe9"}
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 5).Draw(t, "pieces"), "")
	})
}

func TestAppendThenParseFindsBoth(t *testing.T) {
	lines := lineGen(t)
	first, second := newKey(t, "p384"), newKey(t, "other")
	rapid.Check(t, func(rt *rapid.T) {
		before := strings.Join(rapid.SliceOfN(lines, 0, 6).Draw(rt, "lines"), rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(rt, "end"))
		f := Parse([]byte(before))
		one, err1 := f.Append(FormatLine(nil, first, "first"))
		two, err2 := one.Append([]byte("# marker"), FormatLine(nil, second, "second"))
		if err1 != nil || err2 != nil {
			rt.Fatal(err1, err2)
		}
		if !bytes.HasPrefix(two.Bytes(), []byte(before)) {
			rt.Fatalf("bytes before changed: %q", two.Bytes())
		}
		for _, key := range []Public{first, second} {
			if got := two.Match(key, MatchContext{}); got.Verdict != Accepted || got.Grants.HasForced {
				rt.Fatalf("%q: %+v", two.Bytes(), got)
			}
		}
		if back := Remove(two, len(two.Lines)); len(back.Find(second)) != 0 || len(back.Find(first)) != 1 {
			rt.Fatalf("Remove took the wrong line of %q", two.Bytes())
		}
	})
}

func FuzzParse(f *testing.F) {
	key := text(f, "ed25519")
	for _, s := range []string{"", "\n", key, key + key, "command=\"x\",from=\"10.0.0.0/8,!x\" " + key + "\r\n", "\xff\xfes\x00s\x00h\x00-\x00\n\x00", "expiry-time=\"20300101Z\",permitopen=\"[::1]:22\",tunnel=\"any\" " + key + " c\x00"} {
		f.Add([]byte(s))
	}
	want := newKey(f, "other")
	f.Fuzz(func(t *testing.T, b []byte) {
		file := Parse(b)
		if !bytes.Equal(file.Bytes(), b) {
			t.Fatalf("round trip: %q became %q", b, file.Bytes())
		}
		for _, l := range file.Lines {
			for _, i := range l.Glued() {
				if i <= 0 || i >= len(l.Raw) {
					t.Fatalf("offset %d in %q", i, l.Raw)
				}
			}
			if l.Kind == Key {
				file.Match(*l.Key, MatchContext{})
			}
		}
		g, err := file.Append(FormatLine(nil, want, "c"))
		if err != nil || len(g.Find(want)) == 0 {
			t.Fatalf("appended key not found: %v", err)
		}
	})
}
