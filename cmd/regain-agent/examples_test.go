package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// walk calls f for every command that people see.
func walk(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, c := range cmd.Commands() {
		if !c.Hidden && c.Name() != "help" && c.Name() != "completion" {
			walk(c, f)
		}
	}
}

func tree() *cobra.Command { return (&program{}).commands(nil) }

func TestEveryCommandHasHelp(t *testing.T) {
	walk(tree(), func(c *cobra.Command) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s lacks help", c.CommandPath())
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > width+1 {
				t.Errorf("%s: too wide: %q", c.CommandPath(), line)
			}
		}
	})
}

// TestExamples runs every example of the help against a real disk. What this
// machine does not have is replaced: the EBS volume and the NVMe device by the
// image, the mounted tree by one in a directory, the run by a real one.
func TestExamples(t *testing.T) {
	testdisk.Need(t, "ssh-keygen", "mkntfs", "ntfs-3g", "hivexregedit", "openssl")
	ctx, dir := context.Background(), t.TempDir()
	t.Chdir(dir)
	base := filepath.Join(dir, "base.raw")
	if _, err := testdisk.NewImage(ctx, base, testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4); err != nil {
		t.Fatal(err)
	}
	if _, err := testdisk.NewTree(ctx, filepath.Join(dir, "patient"), testdisk.Bookworm); err != nil {
		t.Fatal(err)
	}
	if _, err := testdisk.NewKey(ctx, dir, "id_ed25519", "ed25519"); err != nil {
		t.Fatal(err)
	}
	plantWindows(t, "windows.base", windows.Agent{Kind: windows.EC2LaunchV2})
	newRSA(t, "rsa.pem", 2048)
	instead := strings.NewReplacer(
		"--volume vol-0123456789abcdef0 --wait 15m", "--image disk.raw", "--device /dev/nvme1n1", "--image disk.raw", "/mnt/patient", "patient",
		"--instance i-0123456789abcdef0", "--store file:another-key",
	)
	walk(tree(), func(c *cobra.Command) {
		for example := range strings.Lines(c.Example) {
			fresh(t, base, "disk.raw")
			fresh(t, "windows.base", "windows.raw")
			args := strings.Fields(instead.Replace(example))[1:]
			if c.Name() == "rescue" || c.Name() == "undo" || args[0] == "rescue" {
				args = append(args, "--state-dir", "state")
			}
			if c.Name() == "undo" {
				args[4] = rescueOnce(t)
			}
			if code, stdout, stderr := call(os.Geteuid(), args...); code != exitDone && code != exitFindings {
				t.Errorf("%s: exit code %d\n%s%s", example, code, stdout, stderr)
			}
			if err := os.RemoveAll("another-key"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// fresh gives an example a disk of its own.
func fresh(t *testing.T, base, disk string) {
	t.Helper()
	if out, err := exec.Command("cp", "--sparse=always", base, disk).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func rescueOnce(t *testing.T) string {
	t.Helper()
	const id = "20261122T155300Z-3fa2c1"
	code, stdout, stderr := call(0, "rescue", "--image", "disk.raw", "--public-key", "id_ed25519.pub", "--state-dir", "state", "--json")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	_, run, _ := strings.Cut(stdout, `"run":"`)
	return run[:len(id)]
}
