package sshd_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/sshd"
)

func wantCause(t *testing.T, r sshd.Reason) {
	t.Helper()
	listed := slices.ContainsFunc(sshd.Causes, func(c sshd.Cause) bool {
		prefix, star := strings.CutSuffix(c.ID, "*")
		return r.ID == c.ID || star && strings.HasPrefix(r.ID, prefix)
	})
	if !listed || r.Answer == "" || r.Text == "" {
		t.Errorf("reason %q is not in Causes, or not whole: %+v", r.ID, r)
	}
}

func TestCausesAreListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range sshd.Causes {
		if seen[c.ID] || c.Title == "" || !strings.HasPrefix(c.ID, "linux/") {
			t.Errorf("bad cause %+v", c)
		}
		seen[c.ID] = true
	}
}

func TestReasonString(t *testing.T) {
	for want, r := range map[string]sshd.Reason{
		`/etc/ssh/sshd_config:12: no`: {Path: "/etc/ssh/sshd_config", Line: 12, Text: "no"},
		`/etc/hosts.deny: no`:         {Path: "/etc/hosts.deny", Text: "no"},
		`no`:                          {Text: "no"},
		`"/home/a\x1b[2J b": no`:      {Path: "/home/a\x1b[2J b", Text: "no"},
	} {
		if got := r.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
