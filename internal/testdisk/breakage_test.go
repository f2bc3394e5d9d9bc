package testdisk

import (
	"testing"
)

// TestBreakages shows that sshd refuses the user's key after each of them, and
// that it would have let the user in before.
func TestBreakages(t *testing.T) {
	Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	right, _ := newKeys(t)
	for _, b := range append(Breakages(), Breakage{Name: "none", Break: func(string) error { return nil }}) {
		t.Run(b.Name, func(t *testing.T) {
			tree, err := NewTree(t.Context(), t.TempDir(), Bookworm)
			if err != nil {
				t.Fatal(err)
			}
			authorize(t, tree.Dir, right)
			if err := b.Break(tree.Dir); err != nil {
				t.Fatal(err)
			}
			sshd, err := tree.Sshd(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer closeOrFail(t, sshd)
			if got, want := login(t, sshd, right), b.Name == "none"; got.OK != want {
				t.Errorf("login: %+v, want %v; sshd said:\n%s", got, want, sshd.Log())
			}
		})
	}
}

func TestBreakagesNamed(t *testing.T) {
	for list, want := range map[string]int{"": 0, "lost-key": 1, "lost-key,ssh-dir": 2} {
		if got, err := BreakagesNamed(list); err != nil || len(got) != want {
			t.Errorf("%q: %d mutations and %v, want %d", list, len(got), err, want)
		}
	}
	for _, list := range []string{"lost", "lost-key,", ","} {
		if _, err := BreakagesNamed(list); err == nil {
			t.Errorf("%q: no error", list)
		}
	}
}
