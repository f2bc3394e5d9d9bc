package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// replacedWithin launches it anew: the policy for that is needed, and enough.
func (s *server) replacedWithin(t testing.TB) {
	t.Helper()
	other := rsaKey(t)
	s.l.keyPair("replacer", other)
	controller := s.l.printed("controller")
	s.l.role("onlooker", controller)
	s.l.role("replacer", slices.Concat(controller, s.l.printed("replace", "--role", "web")))
	replace := []string{"replace", s.id, "--key-name", "replacer", "--yes", "--state-dir", s.state}
	if r := s.l.run(nil, "regain", as("onlooker", replace...)...); r.code != 1 || !strings.Contains(r.stderr, "UnauthorizedOperation") {
		t.Errorf("without its policy it ended with %d: %s", r.code, r.stderr)
	}
	out := s.l.must(0, "regain", as("replacer", replace...)...)
	anew := &server{l: s.l, id: regexp.MustCompile(`i-[0-9a-f]{17}`).FindString(out), state: s.state}
	anew.awaitReady()
	if password := anew.password(other, as("replacer")...); !anew.opens(password) {
		t.Errorf("its password does not open %s", anew.id)
	}
}

// back resets the server as the rescuer, who gets the password, too.
func (s *server) back(t testing.TB, key string, flags ...string) {
	t.Helper()
	end := s.l.watch(asRescuer(s.reset(flags...)...), undisturbed)
	if end.code != 0 || end.state != "rescued" {
		t.Errorf("with %q it ended with %d, %s\n%s%s", flags, end.code, end.state, tail(end.stdout), end.stderr)
	}
	s.judge(t, end.run, end, key, asRescuer()...)
}
