package agent

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

func TestLoginLines(t *testing.T) {
	verdicts := []offline.Verdict{
		{User: "admin", After: offline.Accepted}, {User: "it's me", After: offline.Unknown}, {User: "root", After: offline.Denied},
	}
	for name, tt := range map[string]struct {
		key  offline.Key
		want []string
	}{
		"parameter": {offline.Key{Parameter: "/ec2rl/openssh/i-0/key", Version: 2}, []string{
			"aws ssm get-parameter --with-decryption --name /ec2rl/openssh/i-0/key:2 --query Parameter.Value --output text > regain-key; chmod 600 regain-key",
			"ssh -i regain-key -o IdentitiesOnly=yes admin@HOST", `ssh -i regain-key -o IdentitiesOnly=yes 'it'\''s me'@HOST`,
		}},
		"file": {offline.Key{File: "/root/my key"}, []string{
			"ssh -i '/root/my key' -o IdentitiesOnly=yes admin@HOST", `ssh -i '/root/my key' -o IdentitiesOnly=yes 'it'\''s me'@HOST`,
		}},
		"own key": {offline.Key{}, []string{"ssh -i KEY -o IdentitiesOnly=yes admin@HOST", `ssh -i KEY -o IdentitiesOnly=yes 'it'\''s me'@HOST`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, loginLines(offline.Report{Key: &tt.key, Verdicts: verdicts})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdviceFitsTheOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		outcome         offline.Outcome
		dry             bool
		login, warnings int
	}{
		"rescued":      {offline.Rescued, false, 2, 0},
		"in already":   {offline.Unchanged, false, 1, 0},
		"refused":      {offline.Refused, false, 0, 0},
		"plan":         {offline.Unchanged, true, 0, 1},
		"refused plan": {offline.Refused, true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := &work{task: offline.Task{Command: Rescue, Image: "d", Run: "r", StateDir: DefaultStateDir}}
			r := offline.Report{Outcome: tt.outcome, DryRun: tt.dry, Key: &offline.Key{}, Verdicts: []offline.Verdict{{User: "a", After: offline.Accepted}}}
			w.advise(&r)
			if len(r.Login) != tt.login || len(r.Warnings) != tt.warnings {
				t.Errorf("login %q, warnings %q", r.Login, r.Warnings)
			}
		})
	}
}

func TestUndoCommand(t *testing.T) {
	for want, task := range map[string]offline.Task{
		"regain-agent undo --volume vol-0 --run r":                         {Volume: "vol-0", StateDir: DefaultStateDir},
		"regain-agent undo --root '/mnt/a b' --run r --state-dir /s":       {Root: "/mnt/a b", StateDir: "/s"},
		`regain-agent undo --image $'a\x1b[2Jb\x27' --run r --state-dir s`: {Image: "a\x1b[2Jb'", StateDir: "s"},
	} {
		task.Run = "r"
		if got := undoCommand(task); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// What is quoted comes out of a shell as it went in.
func FuzzShellQuote(f *testing.F) {
	for _, s := range []string{"", "plain", "a b", "it's", "$(id)", "a\nb", "\xff\x01", `\'`, "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i := range len(s) {
			if s[i] == 0 {
				t.Skip("no argument holds a NUL")
			}
		}
		out, err := exec.Command("bash", "-c", "printf %s "+shellQuote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q came back as %q from %s: %v", s, out, shellQuote(s), err)
		}
	})
}
