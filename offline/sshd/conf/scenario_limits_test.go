package conf

import (
	"errors"
	"strings"
	"testing"
)

const penaltiesEnd = " max:600 min:15 max-sources4:65536 max-sources6:65536 overflow:permissive overflow6:permissive"

// limitScenarios are about what holds clients off: penalties, sources, startups,
// timeouts, refusal.
var limitScenarios = []scenario{
	{"one penalty", 909, 0, "PerSourcePenalties authfail:30s\n", map[string]string{"ann": "persourcepenalties crash:90 authfail:30 noauth:1 grace-exceeded:10 refuseconnection:10" + penaltiesEnd}},
	{"each penalty on its own line, the first of each stands", 909, 0, "PerSourcePenalties authfail:1m crash:2m\nPerSourcePenalties authfail:9m noauth:7\n", map[string]string{
		"ann": "persourcepenalties crash:120 authfail:60 noauth:7 grace-exceeded:10 refuseconnection:10" + penaltiesEnd,
	}},
	{"no penalties", 909, 0, "PerSourcePenalties no\n", map[string]string{"ann": "persourcepenalties no"}},
	{"no penalties beside one", 909, 0, "PerSourcePenalties no crash:5\n", map[string]string{"ann": refused}},
	{"an unknown penalty", 909, 0, "PerSourcePenalties typo:5\n", map[string]string{"ann": refused}},
	{"a penalty without its time", 909, 0, "PerSourcePenalties crash\n", map[string]string{"ann": refused}},
	{"a penalty of an unknown unit", 909, 0, "PerSourcePenalties crash:5y\n", map[string]string{"ann": refused}},
	{"a negative count of sources", 909, 0, "PerSourcePenalties max-sources4:-1\n", map[string]string{"ann": refused}},
	{"an unknown way to overflow", 909, 0, "PerSourcePenalties overflow:maybe\n", map[string]string{"ann": refused}},
	{"penalties in a block", 909, 0, "Match User ann\nPerSourcePenalties no\n", map[string]string{"bob": refused}},
	{"sources without penalties", 909, 0, "PerSourcePenaltyExemptList 10.0.0.0/8,2001:db8::/32\n", map[string]string{"ann": "persourcepenaltyexemptlist 10.0.0.0/8,2001:db8::/32"}},
	{"sources without penalties with host bits", 909, 0, "PerSourcePenaltyExemptList 10.0.0.1/8\n", map[string]string{"ann": refused}},
	{"refused by place", 909, 0, "Match Address 10.0.0.0/8\nRefuseConnection yes\n", map[string]string{"ann": "refuseconnection yes", "ann 11.0.0.1": "refuseconnection no"}},
	{"startups by source", 805, 0, "PerSourceMaxStartups 5\nPerSourceNetBlockSize 24:64\n", map[string]string{"ann": "persourcemaxstartups 5; persourcenetblocksize 24:64"}},
	{"a block of too many bits", 805, 0, "PerSourceNetBlockSize 33:128\n", map[string]string{"ann": refused}},
	{"startups with a rate of nothing", 0, 0, "MaxStartups 10:0:60\n", map[string]string{"ann": refused}},
	{"startups that shrink", 0, 0, "MaxStartups 60:30:10\n", map[string]string{"ann": refused}},
	{"startups of two parts", 0, 0, "MaxStartups 10:30\n", map[string]string{"ann": refused}},
	{"timeouts of channels", 902, 0, "ChannelTimeout session:*=5m agent-connection=1h\nMatch User bob\nChannelTimeout none\n", map[string]string{
		"ann": "channeltimeout session:*=5m agent-connection=1h", "bob": "channeltimeout none",
	}},
	{"a timeout without its channel", 902, 0, "ChannelTimeout =5m\n", map[string]string{"ann": refused}},
	{"a timeout beside none", 902, 0, "ChannelTimeout none session=5m\n", map[string]string{"ann": refused}},
	{"an unused connection", 902, 0, "UnusedConnectionTimeout 1m30s\n", map[string]string{"ann": "unusedconnectiontimeout 90"}},
	{"masks of sockets", 0, 0, "StreamLocalBindMask 0117\n", map[string]string{"ann": "streamlocalbindmask 0117"}},
	{"a mask that is not octal", 0, 0, "StreamLocalBindMask 8\n", map[string]string{"ann": refused}},
	{"a mask of too many bits", 0, 0, "StreamLocalBindMask 01777\n", map[string]string{"ann": refused}},
	{"a tunnel of both kinds", 0, 0, "PermitTunnel yes\nMatch User bob\nPermitTunnel ethernet\n", map[string]string{"ann": "permittunnel yes", "bob": "permittunnel ethernet"}},
	{"keys that must be touched", 802, 0, "PubkeyAuthOptions verify-required touch-required\n", map[string]string{"ann": "pubkeyauthoptions touch-required verify-required"}},
	{"a tilde in a principals' file", 0, 0, "AuthorizedPrincipalsFile ~/names\n", map[string]string{"ann": "authorizedprincipalsfile /root/names"}},
	{"a tilde of nobody", 0, 0, "AuthorizedPrincipalsFile ~nosuch/names\n", map[string]string{"ann": refused}},
	{"an ignored switch needs a value all the same", 807, 0, "KerberosGetAFSToken\n", map[string]string{"ann": refused}},
}

// TestTokens: %h, %u, %U and %% in file names; all else drops the connection.
func TestTokens(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"/etc/keys/%u":         "/etc/keys/ann",
		"%h/.ssh/k":            "/home/ann/.ssh/k",
		"/k/%U/%u":             "/k/1000/ann",
		"/100%%":               "/100%",
		"%%u":                  "%u",
		"%u%u%%%h":             "annann%/home/ann",
		".ssh/authorized_keys": ".ssh/authorized_keys",
	} {
		if got, err := ExpandToken(in, "ann", "/home/ann", 1000); got != want || err != nil {
			t.Errorf("%q: got %q %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"%", "/k/%", "%k", "%H", "%i", "%f", "% u", "%%%"} {
		if got, err := ExpandToken(in, "ann", "/home/ann", 1000); !errors.Is(err, ErrToken) {
			t.Errorf("%q: got %q %v, want ErrToken", in, got, err)
		}
	}
}

// TestKeyPaths: relative paths are below the home, and only 10.0 takes patterns.
func TestKeyPaths(t *testing.T) {
	for _, tt := range []struct {
		line string
		v    Version
		want string // a star marks a pattern
	}{
		{"", bookworm, "/home/ann/.ssh/authorized_keys /home/ann/.ssh/authorized_keys2"},
		{"AuthorizedKeysFile /etc/ssh/keys/%u .ssh/k", bookworm, "/etc/ssh/keys/ann /home/ann/.ssh/k"},
		{"AuthorizedKeysFile none", bookworm, ""},
		{"AuthorizedKeysFile none .ssh/k", bookworm, "/home/ann/.ssh/k"},
		{"AuthorizedKeysFile \"/etc/with space/%u\"", bookworm, "/etc/with space/ann"},
		{"AuthorizedKeysFile .ssh/*.pub", bookworm, "/home/ann/.ssh/*.pub"},
		{"AuthorizedKeysFile .ssh/*.pub .ssh/k", Version{Major: 10}, "/home/ann/.ssh/*.pub* /home/ann/.ssh/k"},
		{"Match User ann\nAuthorizedKeysFile /a\nMatch User bob\nAuthorizedKeysFile /b", bookworm, "/a"},
	} {
		list, err := conf(t, tt.line+"\n", tt.v).Evaluate(Connection{User: "ann"}).KeyPaths("ann", "/home/ann", 1000)
		var got []string
		for _, k := range list {
			if k.Glob {
				k.Path += "*"
			}
			got = append(got, k.Path)
		}
		if strings.Join(got, " ") != tt.want || err != nil {
			t.Errorf("%q: got %q %v, want %q", tt.line, got, err, tt.want)
		}
	}
}
