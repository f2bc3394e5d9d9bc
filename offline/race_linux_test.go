package offline_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// TestSwappedUnderTheWriter lets somebody who may write to the directory put
// another file in the place of the one that is edited, at each step: neither
// content nor attributes of the other one change.
func TestSwappedUnderTheWriter(t *testing.T) {
	need(t)
	old := oldKeys(1)
	owned := old.Clone()
	owned.Mode, owned.UID = 0o400, 7
	secret := &offline.File{Kind: offline.Regular, Data: []byte("secret"), Mode: 0o600}
	swaps := map[string]func(dir string) error{
		"a hard link": func(dir string) error { return os.Link(dir+"/secret", dir+"/d/keys") },
		"a link":      func(dir string) error { return os.Symlink("/secret", dir+"/d/keys") },
		"a FIFO":      func(dir string) error { return unix.Mkfifo(dir+"/d/keys", 0o600) },
		"another":     func(dir string) error { return os.WriteFile(dir+"/d/keys", []byte("new"), 0o600) },
	}
	for name, swap := range swaps {
		for n := range 8 {
			dir := t.TempDir()
			v := openTree(t, dir)
			putBefore(t, v, offline.Change{Path: "/d", Before: dirFile(0o755)})
			putBefore(t, v, offline.Change{Path: "/secret", Before: secret})
			c := offline.Change{Path: "/d/keys", Before: old, After: owned}
			putBefore(t, v, c)
			left, swapped := n, false
			v.OnStep = func(string) {
				if left--; left < 0 && !swapped {
					swapped = true
					if err := errors.Join(os.Remove(filepath.Join(dir, "d/keys")), swap(dir)); err != nil {
						t.Fatal(err)
					}
				}
			}
			err := v.Apply(c)
			v.OnStep = nil
			if swapped && err == nil {
				t.Errorf("%s at step %d: not noticed", name, n)
			}
			wantFile(t, v, "/secret", secret)
		}
	}
}

// A directory above that has become a file or a loop is drift, not a failure.
func TestDriftAbove(t *testing.T) {
	for name, plants := range map[string]map[string]string{
		"a file": {"d": "file"}, "a loop": {"d": "-> d"}, "a link": {"d": "-> e", "e/keys": "old key line\n"},
	} {
		dir := t.TempDir()
		plant(t, dir, plants)
		v := openTree(t, dir)
		c := offline.Change{Path: "/d/keys", Before: oldKeys(1), After: oldKeys(2)}
		if drifted, err := v.Drifted(c); !drifted || err != nil {
			t.Errorf("%s: Drifted = %v, %v", name, drifted, err)
		}
		if err := v.Apply(c); !errors.Is(err, offline.ErrDrift) {
			t.Errorf("%s: Apply = %v", name, err)
		}
	}
}
