package sshkey

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"
)

func TestFormatLineReadsBack(t *testing.T) {
	key := newKey(t, "ed25519")
	options := []Option{{Name: "no-pty"}, {Name: "command", Value: []byte(`say "hi, all" \o/`), HasValue: true}}
	line := FormatLine(options, key, "caf\xe9 x\nssh-rsa AAAA\x00")
	f := Parse(line)
	if len(f.Lines) != 1 || f.Lines[0].Problem != "" || string(f.Lines[0].Comment) != "caf\xe9 x ssh-rsa AAAA " {
		t.Fatalf("%q", line)
	}
	if diff := cmp.Diff(options, f.Lines[0].Options); diff != "" {
		t.Error(diff)
	}
	_, _, theirs, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil || len(theirs) != 2 {
		t.Errorf("x/crypto/ssh reads %q, %v", theirs, err)
	}
}

func TestExpiryOption(t *testing.T) {
	at := time.Date(2026, 6, 15, 23, 30, 5, 0, time.UTC)
	for _, c := range []struct {
		v    Version
		loc  *time.Location
		want string
	}{
		{Version{9, 2}, nil, "20260615233005Z"},
		{Version{10, 0}, time.FixedZone("", 3600), "20260615233005Z"},
		{Version{9, 0}, time.FixedZone("", 3600), "20260616003005"},
		{Version{7, 7}, nil, "20260616133005"},
		{Version{7, 6}, nil, ""},
		{Version{}, nil, ""},
	} {
		o, err := ExpiryOption(at, c.v, c.loc)
		if string(o.Value) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%v: %q %v", c.v, o.Value, err)
		}
		if c.want == "" {
			continue
		}
		line := FormatLine([]Option{o}, newKey(t, "rsa"), "")
		before := Parse(line).Match(newKey(t, "rsa"), MatchContext{Now: at.Add(-time.Second), Location: c.loc, Version: c.v})
		after := Parse(line).Match(newKey(t, "rsa"), MatchContext{Now: at.Add(50 * time.Hour), Location: c.loc, Version: c.v})
		if before.Verdict == NotFound || after.Verdict != NotFound {
			t.Errorf("%v: before %v, after %v", c.v, before.Verdict, after.Verdict)
		}
	}
	if _, err := ExpiryOption(at, Version{7, 6}, nil); !errors.Is(err, ErrNoExpiry) {
		t.Errorf("%v", err)
	}
}

// TestOptionsSurviveFormatting holds for every value without a final backslash, which no option can carry.
func TestOptionsSurviveFormatting(t *testing.T) {
	key := newKey(t, "p256")
	value := rapid.StringMatching("[^\n\r\x00\\\\]{0,12}|([^\n\r\x00]{0,8}[^\\\\\n\r\x00])")
	rapid.Check(t, func(rt *rapid.T) {
		want := Option{Name: "command", Value: []byte(value.Draw(rt, "value")), HasValue: true}
		l := Parse(FormatLine([]Option{want, {Name: "no-pty"}}, key, "c")).Lines[0]
		if l.Problem != "" || len(l.Options) != 2 || string(l.Options[0].Value) != string(want.Value) {
			rt.Fatalf("%q: %+v %s", want.Value, l.Options, l.Problem)
		}
	})
}
