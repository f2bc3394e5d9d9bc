package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// TestDisks: hivex reads the release on the first partition of each disk, and the
// launch agent is there.
func TestDisks(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "sfdisk", "hivexregedit", "hivexget")
	for agent, settings := range map[string]string{
		windows.EC2Config: windows.ConfigXML, windows.EC2LaunchV1: windows.LaunchConfig, windows.EC2LaunchV2: windows.AgentConfig,
	} {
		path := filepath.Join(t.TempDir(), "disk.raw")
		if err := mkwindows(t.Context(), []string{"-release", "2012 R2", "-agent", agent, "-o", path}); err != nil {
			t.Fatal(err)
		}
		img := testdisk.NTFSImage{Path: path, Offset: 1 << 20}
		err := img.View(func(root string) error {
			if _, err := os.Stat(filepath.Join(root, settings)); err != nil {
				return err
			}
			name, err := exec.CommandContext(t.Context(), "hivexget", filepath.Join(root, windows.SoftwareHive), `Microsoft\Windows NT\CurrentVersion`, "ProductName").Output()
			if got := strings.TrimSpace(string(name)); got != "Windows Server 2012 R2 Datacenter" {
				t.Errorf("%s: %q", agent, got)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestRefused(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "sfdisk")
	for want, args := range map[string][]string{
		"without -o FILE":                  {},
		`no Windows Server "3.11"`:         {"-release", "3.11"},
		`no launch agent "scripts"`:        {"-agent", "ec2config,scripts"},
		"cannot write the image: /dev/nul": {"-o", os.DevNull},
	} {
		out := filepath.Join(t.TempDir(), "disk.raw")
		if len(args) > 0 && args[0] != "-o" {
			args = append(args, "-o", out)
		}
		if err := mkwindows(t.Context(), args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%q left a disk behind", args)
		}
	}
}
