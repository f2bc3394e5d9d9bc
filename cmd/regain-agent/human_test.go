package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

var update = flag.Bool("update", false, "write the golden files anew")

const (
	print1 = "SHA256:b3m+NFdkcTJRMQBWBRlYftQ4Cc3FsbKaqnLu3cbddo0"
	public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBTA6LfnwE6WRDnVgPXnXvX2yTxR5N2g2dYdvPE1Oelp regain:r1"
	worse  = "/home/admin/.ssh: has mode 0777, everybody may write"
)

// found is what all reports on one disk share.
func found(command string, outcome offline.Outcome) offline.Report {
	return offline.Report{
		Schema: offline.Schema, Run: "20261122T155300Z-3fa2c1", Command: command, Outcome: outcome,
		OS: offline.OS{Family: "linux", ID: "debian", Name: "Debian GNU/Linux 12 (bookworm)", Arch: "amd64", SSHD: "9.2p1"},
		Filesystems: []offline.Filesystem{
			{Device: "disk.raw", Partition: 1, Type: "ext4", Size: 1879048192, Role: "root", Mountpoint: "/", Dirty: true},
			{Device: "disk.raw", Partition: 14, Size: 3 << 20},
		},
		Users: []offline.User{
			{Name: "admin", UID: 1000, Home: "/home/admin", Chosen: true, Why: "named in cloud-init's system_info; an administrator (group \"sudo\")"},
			{Name: "root", Home: "/root", Why: "sshd lets root in with a key"},
		},
	}
}

func withVerdict(r offline.Report, before, after offline.Answer) offline.Report {
	r.Verdicts = []offline.Verdict{{
		User: "admin", Fingerprint: print1, Before: before, After: after,
		Reasons: []string{"/usr/lib/systemd/system/ssh.service: starts at boot", worse}, Earlier: []string{worse},
	}}
	r.Findings = []offline.Finding{
		{ID: "linux/ssh-dir-mode", Severity: offline.Blocks, Path: "/home/admin/.ssh", Title: "Others may write to .ssh", Evidence: worse, User: "admin", Repaired: after == offline.Accepted},
		{ID: "linux/filesystem-absent", Severity: offline.Warning, Path: "/data", Title: "A filesystem of the system is not here", Evidence: "no such UUID", Hint: "attach it"},
	}
	return r
}

func reports() map[string]offline.Report {
	rescued := withVerdict(found("rescue", offline.Rescued), offline.Denied, offline.Accepted)
	rescued.Key = &offline.Key{Type: "ssh-ed25519", Fingerprint: print1, Public: public, Parameter: "/ec2rl/openssh/i-0/key", Version: 2}
	rescued.Changes = []offline.ChangeSummary{{
		Path: "/home/admin/.ssh/authorized_keys", Action: "create", Why: "a file for the key",
		Diff: "mode /home/admin/.ssh/authorized_keys: - -> 0600\n--- /dev/null\n+++ b/home/admin/.ssh/authorized_keys\n@@ -0,0 +1,1 @@\n+" + public + "\n",
	}}
	rescued.Previous = []offline.PreviousKey{
		{User: "admin", Fingerprint: print1, Run: "r0", Path: "/home/admin/.ssh/authorized_keys", Line: 3},
		{User: "admin", Fingerprint: print1, Run: "r1", Path: "/home/admin/.ssh/authorized_keys", Line: 5, Revoked: true},
	}
	rescued.Warnings = []string{"the filesystem was not unmounted cleanly"}
	rescued.Login = []string{
		"aws ssm get-parameter --with-decryption --name /ec2rl/openssh/i-0/key:2 --query Parameter.Value --output text > regain-key; chmod 600 regain-key",
		"ssh -i regain-key -o IdentitiesOnly=yes admin@HOST", "regain-agent undo --image disk.raw --run 20261122T155300Z-3fa2c1",
	}
	plan := rescued
	plan.Outcome, plan.DryRun, plan.Login = offline.Unchanged, true, nil

	refused := withVerdict(found("rescue", offline.Refused), offline.Denied, offline.Unknown)
	refused.Error = &offline.Problem{Code: "login-unknown", Message: "m", Hint: "h"}

	undone := found("undo", offline.Unchanged)
	undone.Changes = rescued.Changes
	back := found("undo", offline.Unchanged)

	failed := withVerdict(found("rescue", offline.Failed), offline.Denied, offline.Denied)
	failed.Error = &offline.Problem{Code: "failed", Message: "m"}

	diagnosed := withVerdict(found("diagnose", offline.Unchanged), offline.Denied, offline.Denied)
	open := withVerdict(found("diagnose", offline.Unchanged), offline.Accepted, offline.Accepted)
	open.Findings = nil

	hostile := withVerdict(found("inspect", offline.Unchanged), offline.Denied, offline.Denied)
	hostile.OS.Name = "Evil\x1b[2J\u202eLinux\n\nRESCUED"
	hostile.Users[0].Name = "ad\rmin"
	hostile.Verdicts[0].User = "a\x00b"
	hostile.Filesystems[0].Label = "\xff\xfe"
	hostile.Findings[0].Path = "/\x1b]0;title\x07"
	return map[string]offline.Report{
		"windows-armed": armed(), "windows-plan": planned(), "windows-refused": notArmed(), "windows-diagnosed": unarmed(),
		"rescued": rescued, "plan": plan, "refused": refused, "undone": undone, "back": back, "failed": failed,
		"diagnosed": diagnosed, "open": open, "inspected": found("inspect", offline.Unchanged), "hostile": hostile,
		"nothing": {Command: "inspect", Outcome: offline.Refused, Error: &offline.Problem{Code: "usage"}},
	}
}

func TestHuman(t *testing.T) {
	for name, report := range reports() {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", "human", name+".txt")
			got := human(report)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No byte that steers a terminal gets through, and no foreign text starts a line.
func TestHumanIsPlain(t *testing.T) {
	text := human(reports()["hostile"])
	for _, r := range text {
		if r != '\n' && (r < ' ' || r >= 0x7f) {
			t.Errorf("%U is printed", r)
		}
	}
	if strings.Contains(text, "\nRESCUED") {
		t.Errorf("a foreign string poses as a headline:\n%s", text)
	}
}

func TestProseIsWrapped(t *testing.T) {
	p := &page{}
	p.wrapped("    - ", strings.Repeat("word ", 40)+strings.Repeat("x", 100))
	for line := range strings.Lines(p.String()) {
		if len(line) > width+1 && strings.Contains(strings.TrimSpace(line), " ") {
			t.Errorf("too long: %q", line)
		}
	}
}
