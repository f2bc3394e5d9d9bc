package offline_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

// look is all that a Volume tells of a name.
type look struct {
	Kind   offline.Kind
	Mode   uint32
	Owner  [2]uint32
	Nlink  uint64
	Data   string
	At     string // two bytes from the second on
	Names  []string
	Link   string
	Label  string
	Note   string
	Flags  uint32
	Absent bool
}

func lookAt(t *testing.T, v *offline.Volume, p string) look {
	t.Helper()
	info, err := v.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		for what, err := range lookups(v, p) {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s of %q, which is not there: %v", what, p, err)
			}
		}
		return look{Absent: true}
	}
	if err != nil {
		t.Fatal(err)
	}
	l := look{Kind: info.Kind, Mode: info.Mode, Owner: [2]uint32{info.UID, info.GID}}
	if info.Kind == offline.Regular {
		l.Nlink = info.Nlink
		l.Data = string(must(v.ReadFile(p, 100)))
		buf := make([]byte, 2)
		l.At = string(buf[:must(v.ReadAt(p, buf, 1))])
	} else {
		l.Names = must(v.ReadDir(p))
	}
	l.Link, _ = v.Readlink(p)
	l.Label = must(v.Label(p))
	l.Note = string(must(v.Xattr(p, "user.note")))
	l.Flags = must(v.Flags(p))
	return l
}

func lookups(v *offline.Volume, p string) map[string]error {
	errs := map[string]error{}
	_, errs["ReadFile"] = v.ReadFile(p, 1)
	_, errs["ReadAt"] = v.ReadAt(p, make([]byte, 1), 0)
	_, errs["ReadDir"] = v.ReadDir(p)
	_, errs["Xattr"] = v.Xattr(p, "user.note")
	_, errs["Label"] = v.Label(p)
	_, errs["Flags"] = v.Flags(p)
	_, errs["Realpath"] = v.Realpath(p)
	return errs
}

// TestPreviewTellsWhatApplyMakes compares every answer of a preview with that
// of the volume once the changes are made, through links too.
func TestPreviewTellsWhatApplyMakes(t *testing.T) {
	need(t)
	dir := t.TempDir()
	plant(t, dir, map[string]string{
		"home/u/old": "old", "home/u/stay": "stay", "home/u/d/": "", "l": "-> home/u", "home/u/to": "-> .ssh/keys", "linked": "many", "home/u/twice/": "",
	})
	if err := os.Link(dir+"/linked", dir+"/home/u/linked"); err != nil {
		t.Fatal(err)
	}
	v := openTree(t, dir)
	before := func(p string) *offline.File { return must(v.Snapshot(p, 100)) }
	home, stay := before("/home/u").Clone(), before("/home/u/stay").Clone()
	home.Mode = 0o2711
	stay.Data, stay.UID, stay.Label = []byte("changed"), 7, "a:b:c:s0"
	changes := []offline.Change{
		{Path: "/home/u", Before: before("/home/u"), After: home},
		{Path: "/home/u/.ssh", After: dirFile(0o700)},
		{Path: "/home/u/.ssh/keys", After: keyFile("key\n", 0o640)},
		{Path: "/home/u/old", Before: before("/home/u/old")},
		{Path: "/home/u/stay", Before: before("/home/u/stay"), After: stay},
		{Path: "/home/u/d", Before: before("/home/u/d")},
		{Path: "/home/u/linked", Before: before("/home/u/linked"), After: keyFile("parted", 0o600)},
	}
	paths := []string{"/", "/home/u", "/l", "/home/u/.ssh", "/home/u/.ssh/keys", "/l/to", "/home/u/old", "/home/u/stay", "/home/u/d", "/l/.ssh/../stay", "/home/u/linked", "/home/u/twice"}
	first := v.Preview(changes[:2])
	previews := map[string]*offline.Volume{"at once": v.Preview(changes), "one on the other": first.Preview(changes[2:])}
	said := map[string]map[string]look{}
	for name, p := range previews {
		said[name] = map[string]look{}
		for _, at := range paths {
			said[name][at] = lookAt(t, p, at)
		}
	}
	for _, c := range changes {
		if err := v.Apply(c); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range paths {
		want := lookAt(t, v, at)
		for name := range previews {
			if diff := cmp.Diff(want, said[name][at]); diff != "" {
				t.Errorf("%s: %q (-volume +preview):\n%s", name, at, diff)
			}
		}
	}
}

// The helper's own SELinux policy labels what is written, also on a system
// without labels, and lets nobody take that off: neither the change nor its
// inverse is drift for it.
func TestLabelsOfTheHelperAreNoDrift(t *testing.T) {
	need(t)
	before, after := keyFile("old\n", 0o600), keyFile("old\nnew\n", 0o600)
	before.Label, after.Label = "", ""
	for name, c := range map[string]offline.Change{"edit": {Before: before, After: after}, "create": {After: after}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			v := openTree(t, dir)
			c.Path = "/keys"
			putBefore(t, v, c)
			labelled := keyFile("old\nnew\n", 0o600)
			if err := v.Apply(c); err != nil {
				t.Fatal(err)
			}
			if err := v.Apply(offline.Change{Path: c.Path, Before: after, After: labelled}); err != nil {
				t.Fatal(err)
			}
			if got := must(v.Snapshot(c.Path, 100)); !got.Shows(after) || after.Shows(got) {
				t.Error("a label counts where none is wanted, or does not where one is")
			}
			for _, c := range []offline.Change{c, c.Invert()} {
				if drifted, err := v.Drifted(c); drifted || err != nil {
					t.Errorf("Drifted = %v, %v", drifted, err)
				}
				if err := v.Apply(c); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
