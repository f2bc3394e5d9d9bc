package access_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

const secretText = "root:$y$j9T$secret:20000:0:99999:7:::\n"

// TestWhatOnlyPosesAsAKeyFile: a link or a hard link in the home can lead to any
// file. None of these is changed, nor does its content come into a file of the
// user's; the key goes into the root-owned file.
func TestWhatOnlyPosesAsAKeyFile(t *testing.T) {
	oneFile := edit(main, "Include /etc", "AuthorizedKeysFile .ssh/authorized_keys\nInclude /etc")
	secret := write("/etc/secret", secretText, 0o600, 0, 0)
	for name, broken := range map[string][]breakage{
		"link to a secret":                {secret, link("/etc/secret", keyFile)},
		"hard link to a secret":           {secret, hard("/etc/secret", keyFile)},
		"hard link, world-readable":       {write("/etc/secret", secretText, 0o644, 0, 0), hard("/etc/secret", keyFile)},
		"hard link to an empty file":      {write("/etc/secret", "", 0o600, 0, 0), hard("/etc/secret", keyFile)},
		"hard link to another's":          {write("/etc/secret", oldKey+"\n", 0o600, 1001, 1001), hard("/etc/secret", keyFile)},
		"root's file moved into the home": {write(keyFile, secretText, 0o600, 0, 0)},
		"the same with the key in it":     {write(keyFile, secretText+newKey+"\n", 0o600, 0, 0)},
		"another's file in the home":      {write(keyFile, secretText, 0o600, 7, 7)},
		"link to sudoers to be":           {link("/etc/sudoers.d/x", keyFile), mkdir("/etc/sudoers.d", 0o755, 0, 0)},
		"link to a new file in /etc":      {link("/etc/ld.so.preload", keyFile)},
		"link to a new directory in /etc": {link("/etc/new", dotSSH)},
		"link to an empty file of root's": {write("/etc/environment", "", 0o644, 0, 0), link("/etc/environment", keyFile)},
		"link to comments of root's":      {write("/etc/crontab", "# nothing yet\n\n", 0o644, 0, 0), link("/etc/crontab", keyFile)},
		"link to root's keys":             {write("/root/.ssh/authorized_keys", oldKey+"\n", 0o600, 0, 0), link("/root/.ssh/authorized_keys", keyFile)},
		"dir is a link to root's":         {mkdir("/root/.ssh", 0o755, 0, 0), own("/root", 0o755, 0, 0), link("/root/.ssh", dotSSH)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, append([]breakage{oneFile}, broken...)...)
			was := s.photo()
			plan := s.rescue("admin")
			if !plan.Fallback || len(plan.Rejected) == 0 {
				t.Errorf("the key is in %s", plan.Path)
			}
			for _, c := range plan.Changes {
				if !strings.HasPrefix(c.Path, "/etc/ssh/") {
					t.Errorf("changed: %s %s", c.Path, c.Action())
				}
			}
			for p, f := range s.photo() {
				if bytes.Contains(f.Data, []byte("secret")) && !was[p].Equal(f) {
					t.Errorf("%s has got the secret, or shows it to others: %+v", p, f)
				}
			}
		})
	}
}

// TestKeyFilesElsewhere: what a link leads to is used where the user could have
// made it, or where it holds keys and nothing else.
func TestKeyFilesElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		broken []breakage
		path   string
		owner  [2]uint32
		mode   uint32
	}{
		"root's file of keys":      {[]breakage{write("/etc/keys/admin", oldKey+"\n", 0o644, 0, 0), link("/etc/keys/admin", keyFile)}, "/etc/keys/admin", [2]uint32{0, 0}, 0o644},
		"the user's own directory": {[]breakage{mkdir("/data/admin", 0o700, 1000, 1000), link("/data/admin", dotSSH)}, "/data/admin/authorized_keys", [2]uint32{0, 0}, 0o644},
		"home is a link":           {[]breakage{mkdir("/data/u", 0o755, 1000, 1000), link("/data/u", admin)}, "/data/u/.ssh/authorized_keys", [2]uint32{1000, 1000}, 0o600},
		"configured outside":       {[]breakage{edit(main, "Include /etc", "AuthorizedKeysFile /etc/keys/%u/keys\nInclude /etc")}, "/etc/keys/admin/keys", [2]uint32{0, 0}, 0o644},
		"configured through dots":  {[]breakage{edit(main, "Include /etc", "AuthorizedKeysFile .ssh/../keys\nInclude /etc")}, admin + "/keys", [2]uint32{1000, 1000}, 0o600},
		"dots after a link": {[]breakage{mkdir("/data/admin/in", 0o755, 1000, 1000), own("/data/admin", 0o755, 1000, 1000), link("/data/admin/in", dotSSH),
			edit(main, "Include /etc", "AuthorizedKeysFile .ssh/../keys\nInclude /etc")}, "/data/admin/keys", [2]uint32{0, 0}, 0o644},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, c.broken...)
			plan := s.rescue("admin")
			f := find(plan.Changes, c.path)
			if plan.Path != c.path || f == nil || f.UID != c.owner[0] || f.GID != c.owner[1] || f.Mode != c.mode {
				t.Errorf("%s: %+v; rejected: %q", plan.Path, f, plan.Rejected)
			}
		})
	}
}

// TestNewDirectories: each component that is made has the user's uid and gid,
// no more rights than needed, and parents come first.
func TestNewDirectories(t *testing.T) {
	s := newSystem(t, edit("/etc/passwd", "admin:x:1000:1000:", "admin:x:1000:100:"), own(admin, 0o2755, 1000, 100), remove(dotSSH),
		edit(main, "Include /etc", "AuthorizedKeysFile .config/ssh/keys\nInclude /etc"))
	plan := s.rescue("admin")
	want := admin + "/.config create directory\n" + admin + "/.config/ssh create directory\n" + admin + "/.config/ssh/keys create"
	if got := describe(plan.Changes); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	for i, mode := range []uint32{0o700, 0o700, 0o600} {
		if f := plan.Changes[i].After; f.UID != 1000 || f.GID != 100 || f.Mode != mode {
			t.Errorf("%s: %d:%d %o", plan.Changes[i].Path, f.UID, f.GID, f.Mode)
		}
	}
}

// TestKeyIsAddedOnce: a line of its own after the marker, whatever stood last;
// before an earlier line for the same key that would win.
func TestKeyIsAddedOnce(t *testing.T) {
	added := "# regain run run-1\n" + newKey + "\n"
	for name, c := range map[string]struct{ old, now string }{
		"empty":          {"", added},
		"other":          {oldKey + "\n", oldKey + "\n" + added},
		"unterminated":   {oldKey, oldKey + "\n" + added},
		"Latin-1":        {"# J\xf6rg\n", "# J\xf6rg\n" + added},
		"forced command": {"command=\"exit\" " + newKey + "\n", added + "command=\"exit\" " + newKey + "\n"},
		"commented out":  {"#" + newKey + "\n", "#" + newKey + "\n" + added},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, write(keyFile, c.old, 0o600, 1000, 1000))
			plan := s.rescue("admin")
			if got, _ := os.ReadFile(s.path(keyFile)); string(got) != c.now {
				t.Errorf("got  %q\nwant %q", got, c.now)
			}
			if len(plan.Changes) != 1 || plan.Changes[0].Action() != "edit" && c.old != "" {
				t.Errorf("changes: %s", describe(plan.Changes))
			}
		})
	}
}

// A file that is too large, or no file at all, does not stop the other ways.
func TestUnfitFiles(t *testing.T) {
	for name, b := range map[string]breakage{
		"too large": func(s *system) { write(keyFile, strings.Repeat("#\n", offline.MaxKeys/2+1), 0o600, 1000, 1000)(s) },
		"directory": func(s *system) { remove(keyFile)(s); mkdir(keyFile, 0o700, 1000, 1000)(s) },
		"loop":      link("authorized_keys", keyFile),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSystem(t, b)
			if plan := s.rescue("admin"); plan.Path != keyFile+"2" || len(plan.Rejected) != 1 {
				t.Errorf("%s, rejected: %q", plan.Path, plan.Rejected)
			}
		})
	}
}
