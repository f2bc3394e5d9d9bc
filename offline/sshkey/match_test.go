package sshkey

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// KEY stands for the key asked for, OTHER for another one.
func fill(t testing.TB, s string) []byte {
	return []byte(strings.NewReplacer("KEY", text(t, "ed25519"), "OTHER", text(t, "other")).Replace(s))
}

func TestMatch(t *testing.T) {
	home := MatchContext{Now: noon, Address: netip.MustParseAddr("192.0.2.7"), Host: "192.0.2.7", Version: Version{9, 2}}
	nowhere := MatchContext{Now: noon}
	for _, c := range []struct {
		name, file string
		ctx        MatchContext
		want       Verdict
		line       int
		skipped    int
		forced     string
	}{
		{"empty", "", home, NotFound, 0, 0, ""},
		{"plain", "# c\nOTHER\nKEY me\n", home, Accepted, 3, 0, ""},
		{"crlf", "OTHER\r\nKEY\r\n", home, Accepted, 2, 0, ""},
		{"nul in an earlier line", "junk\x00junk\nKEY\n", home, Accepted, 2, 0, ""},
		{"nul before the key", "\x00KEY\n", home, NotFound, 0, 0, ""},
		{"nul behind the key", "KEY a\x00b\n", home, Accepted, 1, 0, ""},
		{"bom", "\xef\xbb\xbfKEY\nOTHER\n", home, NotFound, 0, 0, ""},
		{"glued", "OTHER meKEY\n", home, NotFound, 0, 0, ""},
		{"3 MB of junk before", strings.Repeat("x", 3<<20) + "\nKEY\n", home, Accepted, 2, 0, ""},
		{"command first", "command=\"echo \\\"hi\\\"\" KEY\nKEY\n", home, Accepted, 1, 0, `echo "hi"`},
		{"command second", "KEY\ncommand=\"x\" KEY\n", home, Accepted, 1, 0, ""},
		{"command twice on a line", "command=\"x\",command=\"y\" KEY\nKEY\n", home, Accepted, 2, 1, ""},
		{"from elsewhere, then plain", "from=\"10.0.0.0/8\" KEY\nKEY\n", home, Accepted, 2, 1, ""},
		{"from here", "from=\"192.0.2.0/24\" KEY\n", home, Accepted, 1, 0, ""},
		{"from unknown", "from=\"192.0.2.0/24\" KEY\n", nowhere, Unknown, 1, 0, ""},
		{"from unknown, then plain", "from=\"192.0.2.0/24\",command=\"z\" KEY\nKEY\n", nowhere, Accepted, 2, 0, ""},
		{"from anywhere", "from=\"*\" KEY\n", nowhere, Accepted, 1, 0, ""},
		{"from broken", "from=\"192.0.2.7/24,*\" KEY\n", nowhere, NotFound, 0, 1, ""},
		{"expired, then plain", "expiry-time=\"20200101\" KEY\nKEY\n", home, Accepted, 2, 1, ""},
		{"expires later", "expiry-time=\"20270101Z\" KEY\n", home, Accepted, 1, 0, ""},
		{"expires today in some zones", "expiry-time=\"20260615\" KEY\n", home, Unknown, 1, 0, ""},
		{"earliest expiry counts", "expiry-time=\"20270101\",expiry-time=\"20200101\" KEY\n", home, NotFound, 0, 1, ""},
		{"expiry for an old sshd", "expiry-time=\"20270101\" KEY\n", MatchContext{Now: noon, Version: Version{7, 6}}, NotFound, 0, 1, ""},
		{"UTC expiry before 9.1", "expiry-time=\"20270101Z\" KEY\n", MatchContext{Now: noon, Version: Version{9, 0}}, NotFound, 0, 1, ""},
		{"restrict before 7.2", "restrict KEY\n", MatchContext{Now: noon, Version: Version{6, 6}}, NotFound, 0, 1, ""},
		{"no-pty before 7.2", "no-pty KEY\n", MatchContext{Now: noon, Version: Version{6, 6}}, Accepted, 1, 0, ""},
		{"unknown option, then plain", "shiny KEY\nKEY\n", home, Accepted, 2, 1, ""},
		{"known option with a tail", "no-ptyx KEY\n", home, NotFound, 0, 1, ""},
		{"case does not matter", "No-PTY,CoMMand=\"x\" KEY\n", home, Accepted, 1, 0, "x"},
		{"cert-authority", "cert-authority KEY\nOTHER\n", home, NotFound, 0, 1, ""},
		{"principals without it", "principals=\"root\" KEY\n", home, NotFound, 0, 1, ""},
		{"value without quotes", "command=ls KEY\n", home, NotFound, 0, 1, ""},
		{"flag with a value", "no-pty=\"x\" KEY\n", home, NotFound, 0, 1, ""},
		{"empty options", ",, KEY\n", home, Accepted, 1, 0, ""},
		{"comma at the end", "no-pty, KEY\n", home, Accepted, 1, 0, ""},
		{"blank behind a comma", "no-pty, no-user-rc KEY\n", home, NotFound, 0, 0, ""},
		{"all the rest", "permitopen=\"h:22\",permitlisten=\"8080\",tunnel=\"0\",environment=\"A_1=b\",no-touch-required,verify-required KEY\n", home, Accepted, 1, 0, ""},
		{"permitopen without port", "permitopen=\"h\" KEY\n", home, NotFound, 0, 1, ""},
		{"permitopen port 0", "permitopen=\"h:0\" KEY\n", home, NotFound, 0, 1, ""},
		{"permitopen service", "permitopen=\"h:ssh\" KEY\n", home, Unknown, 1, 0, ""},
		{"permitopen IPv6", "permitopen=\"[::1]:22\" KEY\n", home, Accepted, 1, 0, ""},
		{"tunnel", "tunnel=\"-1\" KEY\n", home, NotFound, 0, 1, ""},
		{"environment", "environment=\"A-B=c\" KEY\n", home, NotFound, 0, 1, ""},
	} {
		got := Parse(fill(t, c.file)).Match(newKey(t, "ed25519"), c.ctx)
		if got.Verdict != c.want || got.Line != c.line || len(got.Skipped) != c.skipped || got.Grants.Forced != c.forced || got.Grants.HasForced != (c.forced != "") {
			t.Errorf("%s: got %+v, want %v at line %d, %d skipped, forced %q", c.name, got, c.want, c.line, c.skipped, c.forced)
		}
		for _, r := range got.Skipped {
			if r.Text == "" || r.Line == 0 {
				t.Errorf("%s: reason %+v", c.name, r)
			}
		}
	}
}

func TestMatchNamesTheLineThatMayWin(t *testing.T) {
	f := Parse(fill(t, "from=\"192.0.2.0/24\",command=\"z\" KEY\nKEY\n"))
	got := f.Match(newKey(t, "ed25519"), MatchContext{Now: noon})
	if len(got.Maybe) != 1 || got.Maybe[0].Line != 1 || got.Maybe[0].Grants.Forced != "z" || got.Grants.HasForced {
		t.Errorf("%+v", got)
	}
}

func TestGrants(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{"", "pty port agent x11 rc"},
		{"restrict ", "restricted"},
		{"restrict,pty,agent-forwarding ", "pty agent restricted"},
		{"pty,restrict ", "restricted"},
		{"no-pty,no-x11-forwarding,no-port-forwarding,no-agent-forwarding,no-user-rc ", ""},
		{"no-pty,pty ", "pty port agent x11 rc"},
		{"verify-required ", "pty port agent x11 rc verify"},
	} {
		g := Parse(fill(t, c.options+"KEY")).Match(newKey(t, "ed25519"), MatchContext{}).Grants
		var words []string
		for _, w := range []struct {
			name string
			on   bool
		}{{"pty", g.PTY}, {"port", g.PortForwarding}, {"agent", g.AgentForwarding}, {"x11", g.X11Forwarding}, {"rc", g.UserRC}, {"restricted", g.Restricted}, {"verify", g.VerifyRequired}} {
			if w.on {
				words = append(words, w.name)
			}
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.options, got, c.want)
		}
	}
}

func TestEmptyForcedCommandIsForced(t *testing.T) {
	got := Parse(fill(t, `command="" KEY`)).Match(newKey(t, "ed25519"), MatchContext{})
	if got.Verdict != Accepted || !got.Grants.HasForced {
		t.Errorf("%+v", got)
	}
}
