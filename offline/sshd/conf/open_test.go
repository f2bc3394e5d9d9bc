package conf

import (
	"slices"
	"strings"
	"testing"
)

// TestOpenConditions: what is not known of the client leaves values open. Each
// case lists every value the keyword may have, the likeliest first.
func TestOpenConditions(t *testing.T) {
	const block = "PasswordAuthentication no\nMatch %\nPasswordAuthentication yes\n"
	tests := []struct {
		condition string
		conn      Connection
		want      string
	}{
		{"Address 10.0.0.0/8", Connection{User: "ann"}, "no yes"},
		{"Address 10.0.0.0/8", Connection{User: "ann", Address: "10.1.1.1"}, "yes"},
		{"Address 10.0.0.0/8", Connection{User: "ann", Address: "11.1.1.1"}, "no"},
		{"Address *", Connection{User: "ann"}, "yes"},
		{"Address 0.0.0.0/0,::/0", Connection{User: "ann"}, "yes"},
		{"Address !10.0.0.0/8", Connection{User: "ann"}, "no"},
		{"Address *,!10.0.0.0/8", Connection{User: "ann"}, "no yes"},
		{"Host *.example.org", Connection{User: "ann"}, "no yes"},
		{"Host *.example.org", Connection{User: "ann", Address: "10.1.1.1"}, "no yes"},
		{"Host *.example.org", Connection{User: "ann", Host: "a.example.org"}, "yes"},
		{"Host *", Connection{User: "ann"}, "yes"},
		{"LocalAddress 10.0.0.5", Connection{User: "ann"}, "no yes"},
		{"LocalAddress 10.0.0.5", Connection{User: "ann", LocalAddress: "10.0.0.5"}, "yes"},
		{"LocalPort 2222", Connection{User: "ann"}, "no yes"},
		{"LocalPort 2222", Connection{User: "ann", LocalPort: 22}, "no"},
		{"RDomain blue", Connection{User: "ann"}, "no yes"},
		{"RDomain *", Connection{User: "ann"}, "yes"},
		{"RDomain blue", Connection{User: "ann", RDomain: "red"}, "no"},
		{"User bob Address 10.0.0.0/8", Connection{User: "ann"}, "no"},
		{"User ann Address 10.0.0.0/8", Connection{User: "ann"}, "no yes"},
		{"Group wheel Host x", Connection{User: "ann", Groups: []string{"ann"}}, "no"},
		{"Group wheel Host x", Connection{User: "ann", Groups: []string{"wheel"}}, "no yes"},
		{"Address 10.0.0.0/8 LocalPort 22", Connection{User: "ann", LocalPort: 23}, "no"},
	}
	for _, tt := range tests {
		e := conf(t, strings.Replace(block, "%", tt.condition, 1), bookworm).Evaluate(tt.conn)
		var got []string
		for _, a := range e.Possible("PasswordAuthentication") {
			got = append(got, a.Value.Text)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("Match %s for %+v: got %q, want %q", tt.condition, tt.conn, s, tt.want)
		}
		if worlds, complete := e.Worlds(); !complete || (len(worlds) > 1) != strings.Contains(tt.want, " ") {
			t.Errorf("Match %s for %+v: %d worlds, complete %v", tt.condition, tt.conn, len(worlds), complete)
		}
	}
}

// TestWorldsAgree: the worlds of several open conditions are consistent over
// keywords, and the first block that holds wins in each.
func TestWorldsAgree(t *testing.T) {
	text := "AllowUsers ann\nMatch Address 10.0.0.0/8\nAllowUsers bob\nBanner /ten\nMatch Host *.example.org\nBanner /name\nMaxSessions 2\nMatch User carl Host x\nMaxAuthTries 1\n"
	tests := []struct {
		conn Connection
		want []string // because: banner, sessions, users
	}{
		{Connection{User: "ann"}, []string{
			": none 10 ann", "Match Address 10.0.0.0/8: /ten 10 bob", "Match Host *.example.org: /name 2 ann",
			"Match Address 10.0.0.0/8 and Match Host *.example.org: /ten 2 bob",
		}},
		{Connection{User: "ann", Address: "10.1.1.1"}, []string{": /ten 10 bob", "Match Host *.example.org: /ten 2 bob"}},
		{Connection{User: "ann", Address: "10.1.1.1", Host: "a.example.org"}, []string{": /ten 2 bob"}},
		{Connection{User: "ann", Address: "11.1.1.1", Host: "a.example.net"}, []string{": none 10 ann"}},
	}
	c := conf(t, text, bookworm)
	for _, tt := range tests {
		worlds, _ := c.Evaluate(tt.conn).Worlds()
		var got []string
		for _, w := range worlds {
			got = append(got, w.Because+": "+w.First("banner").Text+" "+w.First("maxsessions").Text+" "+strings.Join(texts(w.All("allowusers")), " "))
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(tt.want))
		if !slices.Equal(got, want) {
			t.Errorf("%+v: got %q, want %q", tt.conn, got, want)
		}
	}
}

// TestOpenInIncludes: a condition around an Include holds for the whole file, and
// the same line written twice is one condition.
func TestOpenInIncludes(t *testing.T) {
	c := load(t, map[string]string{
		"etc/ssh/sshd_config": "Match Address 10.0.0.0/8\nInclude ten.conf\nMatch all\nBanner /all\nMatch Address 10.0.0.0/8\nMaxAuthTries 1\n",
		"etc/ssh/ten.conf":    "Banner /ten\nMatch User ann\nMaxSessions 2\nMatch User bob Host x\nMaxSessions 3\n",
	}, Options{Version: bookworm})
	for client, want := range map[string]int{"ann": 2, "bob": 4, "root": 2} {
		worlds, _ := c.Evaluate(Connection{User: client}).Worlds()
		if len(worlds) != want {
			t.Errorf("%s: %d worlds, want %d", client, len(worlds), want)
		}
	}
	a := c.Evaluate(Connection{User: "ann"}).Possible("maxsessions")
	if len(a) != 2 || a[0].Value.Text != "10" || a[1].Value.Text != "2" || a[1].Because != "Match Address 10.0.0.0/8" || a[1].Path != MainFile || a[1].Line != 1 || a[1].Value.Path != "/etc/ssh/ten.conf" {
		t.Errorf("got %+v", a)
	}
	if b := c.Evaluate(Connection{User: "ann"}).Possible("banner"); len(b) != 2 || b[0].Value.Text != "/all" || b[1].Value.Text != "/ten" {
		t.Errorf("got %+v", b)
	}
}

// TestAllowAndDeny goes through users and places as one pattern after another
// sees them: user, host and address, the pattern, the answer.
func TestAllowAndDeny(t *testing.T) {
	tests := []struct {
		user, host, address, pattern string
		want                         Tri
	}{
		{"ann", "h.example.org", "10.1.1.1", "ann", Yes},
		{"ann", "h.example.org", "10.1.1.1", "annx", No},
		{"ann", "h.example.org", "10.1.1.1", "an", No},
		{"ann", "h.example.org", "10.1.1.1", "Ann", No},
		{"ann", "h.example.org", "10.1.1.1", "a*", Yes},
		{"ann", "h.example.org", "10.1.1.1", "?nn", Yes},
		{"ann", "h.example.org", "10.1.1.1", "*", Yes},
		{"ann", "h.example.org", "10.1.1.1", "!ann", No}, // no negation of users here
		{"ann", "h.example.org", "10.1.1.1", "ann@10.1.1.1", Yes},
		{"ann", "h.example.org", "10.1.1.1", "ann@10.1.1.0/24", Yes},
		{"ann", "h.example.org", "10.1.1.1", "ann@10.1.2.0/24", No},
		{"ann", "h.example.org", "10.1.1.1", "ann@h.example.org", Yes},
		{"ann", "h.example.org", "10.1.1.1", "ann@H.EXAMPLE.ORG", Yes},
		{"ann", "h.example.org", "10.1.1.1", "ann@*.example.org,!h.*", No},
		{"ann", "h.example.org", "10.1.1.1", "ann@!10.1.1.0/24,10.*", No},
		{"ann", "h.example.org", "10.2.1.1", "ann@!10.1.1.0/24,10.*", Yes},
		{"ann", "h.example.org", "2001:db8::7", "ann@2001:db8::/64", Yes},
		{"ann", "h.example.org", "2001:db8::7", "ann@10.0.0.0/8", No},
		{"bob", "h.example.org", "10.1.1.1", "ann@10.1.1.1", No},
		{"bob", "h.example.org", "10.1.1.1", "*@10.1.1.1", Yes},
		{"ann", "", "", "ann@10.1.1.1", Maybe},
		{"ann", "", "", "ann@*.example.org", Maybe},
		{"ann", "", "", "ann@*", Yes},
		{"ann", "", "", "ann@*,!10.0.0.0/8", Maybe},
		{"bob", "", "", "ann@*", No},
		{"ann", "", "10.1.1.1", "ann@10.1.1.1", Yes},
		{"ann", "", "10.1.1.1", "ann@h.example.org", Maybe},
		{"ann", "", "10.1.1.1", "ann@11.0.0.0/8", No},
		{"ann", "", "10.1.1.1", "ann@!10.1.1.1,*", No},
		{"ann", "h.example.org", "", "ann@h.example.org", Yes},
		{"ann", "h.example.org", "", "ann@10.0.0.0/8", Maybe},
		{"ann", "h.example.org", "", "ann@!h.example.org,*", No},
	}
	for _, tt := range tests {
		if got, err := MatchUser(tt.user, tt.host, tt.address, tt.pattern, bookworm); got != tt.want || err != nil {
			t.Errorf("%s from %q %q against %q: got %v %v, want %v", tt.user, tt.host, tt.address, tt.pattern, got, err, tt.want)
		}
	}
	mail := "ann@corp@10.0.0.0/8" // the last at sign counts since 9.9
	if got, err := MatchUser("ann@corp", "x", "10.1.1.1", mail, Version{Major: 9, Minor: 9}); got != Yes || err != nil {
		t.Errorf("9.9: got %v %v", got, err)
	}
	if got, _ := MatchUser("ann@corp", "x", "10.1.1.1", mail, bookworm); got != No {
		t.Errorf("9.2: got %v", got)
	}
}
