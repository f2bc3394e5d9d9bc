package e2e

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A rescue under the policies that regain prints, and no others: out, home, and
// every tag gone.
func TestResetWithinThePolicy(t *testing.T) {
	for _, backup := range []string{"ami", "snapshot"} {
		t.Run(backup, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, "--speed", "20", "--enforce-iam")
			l.permit("everything", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
			id := l.patient(lockedDisk(t, "lost-key,ssh-dir"), "--key-name", "lost")
			policies := l.must(0, "regain", "policy", "controller")
			l.must(0, "regain-lab", "put-policy", "--state", l.state, "--user", "operator", "--name", "everything", "--delete")
			for n, in := 0, json.NewDecoder(strings.NewReader(policies)); ; n++ {
				var document json.RawMessage
				if err := in.Decode(&document); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				l.permit("regain-"+string(rune('a'+n)), string(document))
			}
			r, events := l.follow(append(reset(id, "--state-dir", filepath.Join(t.TempDir(), "s")), "--backup", backup), func(int, event) bool { return false })
			if r.code != 0 {
				t.Fatalf("reset ended with %d\n%s\n%s", r.code, r.stdout, r.stderr)
			}
			l.nothingLeft(events[0].Run)
		})
	}
}

// nothingLeft waits for the volume of the helper, which goes a little after it.
func (l *lab) nothingLeft(run string) {
	l.t.Helper()
	var left result
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if left = l.run(nil, "regain-lab", "leftovers", "--state", l.state, "--run", run); left.code == 0 {
			return
		}
	}
	l.t.Errorf("run %s has left %s%s", run, left.stdout, left.stderr)
}

// permit gives the operator a policy.
func (l *lab) permit(name, document string) {
	l.t.Helper()
	file := filepath.Join(l.t.TempDir(), "policy.json")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.must(0, "regain-lab", "put-policy", "--state", l.state, "--user", "operator", "--name", name, "--policy", file)
}
