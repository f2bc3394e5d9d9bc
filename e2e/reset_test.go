package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The whole job: from an instance id to a login, and nothing left over.
func TestReset(t *testing.T) {
	l := newLab(t, "--speed", "20")
	id := l.patient(lockedDisk(t, "lost-key,ssh-dir"), "--key-name", "lost")
	other := newKey(t)
	if r := l.login(id, "admin", other); r.code == 0 || !strings.Contains(r.stderr, "Permission denied") {
		t.Fatalf("the door is not locked: %+v", r)
	}
	before := l.description(id)
	state := filepath.Join(t.TempDir(), "s")
	r, events := l.follow(append(reset(id, "--state-dir", state), "--backup", "snapshot"), func(int, event) bool { return false })
	if r.code != 0 {
		t.Fatalf("reset ended with %d\n%s\n%s", r.code, r.stdout, r.stderr)
	}
	key := filepath.Join(t.TempDir(), "key")
	l.must(0, "regain", "key", id, "--out", key)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info, err)
	}
	if r := l.login(id, "admin", key); r.code != 0 || r.stdout != "in: admin\n" {
		t.Errorf("cannot log in: %+v", r)
	}
	if diff := cmp.Diff(before, l.description(id)); diff != "" {
		t.Errorf("the instance is not as it was:\n%s", diff)
	}
	if out := l.must(0, "regain", "list"); !strings.HasPrefix(out, "No run") {
		t.Errorf("list says %q", out)
	}
	if out := l.must(0, "regain", "list", "--all", "--state-dir", state); !strings.Contains(out, "aws ec2 delete-snapshot --snapshot-id snap-") {
		t.Errorf("list --all says %q", out)
	}
	l.must(0, "regain-lab", "leftovers", "--state", l.state, "--run", events[0].Run)
	noSecret(t, l, key, r.stdout+r.stderr, l.state)
}
