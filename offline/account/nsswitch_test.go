package account

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseNSSwitch(t *testing.T) {
	defaults := map[string][]string{"passwd": {"files"}, "group": {"files"}, "shadow": {"files"}}
	for _, c := range []struct {
		name, in string
		change   map[string][]string
	}{
		{"empty", "", nil},
		{"debian", "passwd:         files systemd\ngroup: files systemd\nshadow: files\n", map[string][]string{"passwd": {"files", "systemd"}, "group": {"files", "systemd"}}},
		{"actions", "passwd: sss [NOTFOUND=return SUCCESS=continue] files[!UNAVAIL=return]ldap # why", map[string][]string{"passwd": {"sss", "files", "ldap"}}},
		{"open bracket", "passwd: files [NOTFOUND=return", map[string][]string{"passwd": {"files"}}},
		{"last wins", "passwd: files\npasswd: compat\n", map[string][]string{"passwd": {"compat"}}},
		{"blanks", "  passwd :\tfiles\r\n", nil},
		{"comment", "#passwd: ldap\n", nil},
		{"none", "passwd:\n", map[string][]string{"passwd": nil}},
		{"no colon", "passwd ldap\n", nil},
		{"others", "hosts: files dns\n", map[string][]string{"hosts": {"files", "dns"}}},
	} {
		want := map[string][]string{}
		for _, m := range []map[string][]string{defaults, c.change} {
			for k, v := range m {
				want[k] = v
			}
		}
		if diff := cmp.Diff(want, ParseNSSwitch([]byte(c.in))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	got := OtherSources(ParseNSSwitch([]byte("passwd: compat files sss systemd")), "passwd")
	if diff := cmp.Diff([]string{"sss", "systemd"}, got); diff != "" {
		t.Error(diff)
	}
}
