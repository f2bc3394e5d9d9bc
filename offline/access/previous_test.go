package access_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
)

func revoke(w *access.Wish) { w.Revoke = true }

// marked is a key as an earlier run has left it.
func marked(run, key string) string { return "# regain run " + run + "\n" + key + "\n" }

// TestPreviousKeys: what counts as a key of an earlier run, and what goes with
// --revoke-previous.
func TestPreviousKeys(t *testing.T) {
	added := marked("run-1", newKey)
	for name, c := range map[string]struct {
		old   string
		found string // runs, with the lines of their keys
		left  string // what stays before the new key
	}{
		"none":               {oldKey + "\n", "", oldKey + "\n"},
		"one":                {"# mine\n" + marked("run-0", oldKey), "run-0:3", "# mine\n"},
		"two":                {marked("a", oldKey) + "# mine\n" + marked("b", "expiry-time=\"20300101\" "+oldKey), "a:2 b:5", "# mine\n"},
		"CRLF":               {"# regain run x\r\n" + oldKey + "\r\n# mine\r\n", "x:2", "# mine\r\n"},
		"marker alone":       {"# regain run x\n\n" + oldKey + "\n", "", "# regain run x\n\n" + oldKey + "\n"},
		"not a run":          {"# regain run x y\n" + oldKey + "\n", "", "# regain run x y\n" + oldKey + "\n"},
		"key without marker": {oldKey + "\n# regain run x\n", "", oldKey + "\n# regain run x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, write(keyFile, c.old, 0o600, 1000, 1000))
			plan := s.decide("admin")
			var found []string
			for _, p := range plan.Previous {
				found = append(found, p.Run+":"+string(rune('0'+p.Line)))
				if p.Path != keyFile || p.Fingerprint != public(t, oldKey).Fingerprint() {
					t.Errorf("%+v", p)
				}
			}
			if got := strings.Join(found, " "); got != c.found {
				t.Errorf("found %q, want %q", got, c.found)
			}
			if got := find(plan.Changes, keyFile); !strings.HasPrefix(string(got.Data), c.old) {
				t.Errorf("without being asked, something went: %q", got.Data)
			}
			s.rescue("admin", revoke)
			data, err := os.ReadFile(s.path(keyFile))
			s.must(err)
			if got, want := strings.ReplaceAll(string(data), "\r", ""), strings.ReplaceAll(c.left, "\r", "")+added; got != want {
				t.Errorf("left %q, want %q", got, want)
			}
		})
	}
}

// TestRevokeInEveryFile: keys of earlier runs go from all files that sshd reads
// for the user, and from the root-owned one, even when the key is in already.
func TestRevokeInEveryFile(t *testing.T) {
	s := newSystem(t, write(keyFile, marked("run-0", newKey)+marked("a", oldKey), 0o600, 1000, 1000),
		write(keyFile+"2", marked("b", oldKey)+"# mine\n", 0o600, 1000, 1000),
		write("/etc/ssh/regain.d/admin", marked("c", oldKey), 0o644, 0, 0))
	if plan := s.decide("admin"); len(plan.Changes) != 0 || len(plan.Previous) != 4 {
		t.Errorf("%d changes, %d previous keys", len(plan.Changes), len(plan.Previous))
	}
	s.rescue("admin", revoke)
	for p, want := range map[string]string{keyFile: marked("run-0", newKey), keyFile + "2": "# mine\n", "/etc/ssh/regain.d/admin": ""} {
		if got, _ := os.ReadFile(s.path(p)); string(got) != want {
			t.Errorf("%s holds %q, want %q", p, got, want)
		}
	}
	if v := s.judge("admin", oldKey); v.Answer == offline.Accepted {
		t.Error("the old key still opens the door")
	}
}

// TestRevokeTouchesNoStrangers: a link in the home cannot make a run take keys
// out of somebody else's file.
func TestRevokeTouchesNoStrangers(t *testing.T) {
	text := marked("b", oldKey)
	for name, broken := range map[string][]breakage{
		"link to another's fallback": {write("/etc/ssh/regain.d/bob", text, 0o644, 0, 0), link("/etc/ssh/regain.d/bob", keyFile)},
		"link to another's file":     {write("/home/bob/keys", text, 0o644, 1001, 1001), link("/home/bob/keys", keyFile)},
		"hard link":                  {write("/home/bob/keys", text, 0o644, 1001, 1001), hard("/home/bob/keys", keyFile)},
		"file with more in it":       {write("/etc/secret", secretText+text, 0o644, 0, 0), link("/etc/secret", keyFile)},
		"fallback is a link":         {write("/home/bob/admin", text, 0o644, 1001, 1001), link("/home/bob", "/etc/ssh/regain.d")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, append([]breakage{person("bob", "1001", "/home/bob")}, broken...)...)
			was := s.photo()
			plan := s.rescue("admin", revoke)
			for p, f := range s.photo() {
				if old := was[p]; old != nil && strings.Contains(string(old.Data), text) && p != keyFile && !old.Equal(f) {
					t.Errorf("%s has been changed: %q", p, f.Data)
				}
			}
			if len(plan.Previous) != 0 {
				t.Errorf("listed as this user's: %+v", plan.Previous)
			}
		})
	}
}
