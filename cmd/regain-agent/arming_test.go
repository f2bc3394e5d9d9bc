package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
)

// plantWindows makes a disk with a Windows Server 2022 and these agents.
func plantWindows(t *testing.T, path string, agents ...windows.Agent) *testdisk.NTFSImage {
	t.Helper()
	img, err := testdisk.NewNTFSDisk(context.Background(), path, 64<<20, func(root string) error {
		windows.Write(t, root, windows.Machine{Release: "2022", Agents: agents})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// newRSA writes the public half of a new RSA key in PEM, by openssl.
func newRSA(t *testing.T, path string, bits int) {
	t.Helper()
	private := filepath.Join(t.TempDir(), "private.pem")
	for _, args := range [][]string{
		{"genrsa", "-out", private, fmt.Sprint(bits)}, {"rsa", "-in", private, "-pubout", "-out", path},
	} {
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
}

// wantCode calls the program with --json as well and gives the report.
func wantCode(t *testing.T, want int, args ...string) offline.Report {
	t.Helper()
	code, stdout, stderr := call(0, append(args, "--json")...)
	var r offline.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != want {
		t.Fatalf("%q: exit code %d, want %d, %v\n%s%s", args, code, want, err, stdout, stderr)
	}
	return r
}

// TestWindowsAsPeopleDo: looked at, planned, armed, found armed, taken back. It
// needs neither a store nor an instance.
func TestWindowsAsPeopleDo(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	t.Chdir(t.TempDir())
	plantWindows(t, "w.raw", windows.Agent{Kind: windows.EC2LaunchV2})
	source := func(command string, more ...string) []string {
		return append([]string{command, "--image", "w.raw"}, more...)
	}
	rescue := source("rescue", "--state-dir", "state", "--instance", "i-0123456789abcdef0")
	wantCode(t, exitFindings, source("diagnose")...)
	code, text, _ := call(0, append(rescue, "--dry-run")...)
	for _, want := range []string{"PLAN", "Windows Server 2022 Datacenter", "password by: ec2launch-v2", "/ProgramData/Amazon/EC2Launch/state/.run-once", "user data"} {
		if code != exitDone || !strings.Contains(text, want) {
			t.Errorf("dry run: exit code %d, no %q in\n%s", code, want, text)
		}
	}
	armed := wantCode(t, exitDone, rescue...)
	if armed.Outcome != offline.Rescued || armed.Windows.Armed[0] != "ec2launch-v2" || armed.Key != nil ||
		armed.Login[0] != "regain password i-0123456789abcdef0 --key KEY" || !strings.HasPrefix(armed.Login[1], "regain-agent undo ") {
		t.Errorf("%+v, %+v, %q", armed.Outcome, armed.Windows, armed.Login)
	}
	wantCode(t, exitDone, source("diagnose")...)
	if _, text, _ := call(0, source("diagnose")...); !strings.HasPrefix(text, "ARMED: ") {
		t.Errorf("diagnose: %s", text)
	}
	if _, text, _ := call(0, source("rescue", "--state-dir", "state")...); !strings.HasPrefix(text, "NOTHING TO DO: ") {
		t.Errorf("again: %s", text)
	}
	wantCode(t, exitDone, source("undo", "--state-dir", "state", "--run", armed.Run)...)
	wantCode(t, exitFindings, source("diagnose")...)
}

// TestWindowsConsents: what needs a consent is refused without it, with exit code
// 4 and the flag that gives it.
func TestWindowsConsents(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	t.Chdir(t.TempDir())
	plantWindows(t, "w.raw", windows.Agent{Kind: windows.EC2LaunchV2, Start: 4})
	rescue := []string{"rescue", "--image", "w.raw", "--state-dir", "state"}
	refused := wantCode(t, exitFindings, rescue...)
	const consent = "--repair windows/service-disabled"
	if refused.Outcome != offline.Refused || refused.Error.Code != "arming-refused" || !strings.Contains(refused.Error.Hint, consent) {
		t.Errorf("%+v", refused.Error)
	}
	if _, text, _ := call(0, rescue...); !strings.Contains(text, "repaired with: "+consent) {
		t.Errorf("no consent in\n%s", text)
	}
	armed := wantCode(t, exitDone, append(rescue, strings.Fields(consent)...)...)
	if armed.Outcome != offline.Rescued || len(armed.Changes) != 2 {
		t.Errorf("%+v, %+v", armed.Outcome, armed.Changes)
	}
	for _, f := range armed.Findings {
		if f.ID == "windows/service-disabled" && (!f.Repaired || f.Hint != "") {
			t.Errorf("not said to be repaired: %+v", f)
		}
	}
	wantCode(t, exitDone, "undo", "--image", "w.raw", "--state-dir", "state", "--run", armed.Run)
}

// TestWindowsFallback: a start-up script on a Windows without any agent, with a key
// in either flag; and keys that cannot encrypt.
func TestWindowsFallback(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit", "openssl")
	t.Chdir(t.TempDir())
	plantWindows(t, "w.raw")
	newRSA(t, "rsa.pem", 2048)
	newRSA(t, "short.pem", 1024)
	line, err := agent.ReadRSAKey("rsa.pem")
	if err != nil {
		t.Fatal(err)
	}
	rescue := []string{"rescue", "--image", "w.raw", "--state-dir", "state"}
	if r := wantCode(t, exitUsage, append(rescue, "--windows-fallback", "short.pem")...); r.Error.Code != "key-size" {
		t.Errorf("%+v", r.Error)
	}
	const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBTA6LfnwE6WRDnVgPXnXvX2yTxR5N2g2dYdvPE1Oelp"
	if r := wantCode(t, exitFailed, append(rescue, "--public-key", other)...); r.Error.Code != "key-type" || r.Outcome != offline.Refused {
		t.Errorf("%+v", r.Error)
	}
	for _, args := range [][]string{{"--windows-fallback", "rsa.pem"}, {"--public-key", line}} {
		armed := wantCode(t, exitDone, append(rescue, args...)...)
		if armed.Outcome != offline.Rescued || armed.Windows.Agent != "startup-script" || len(armed.Changes) < 4 {
			t.Errorf("%q: %s, %+v", args, armed.Outcome, armed.Windows)
		}
		if want := "regain password INSTANCE --key KEY --run " + armed.Run; armed.Login[0] != want {
			t.Errorf("%q, want %q", armed.Login[0], want)
		}
		wantCode(t, exitDone, "undo", "--image", "w.raw", "--state-dir", "state", "--run", armed.Run)
	}
}
