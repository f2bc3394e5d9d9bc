package testdisk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ntfsImage makes a small NTFS whose tree the mutations change.
func ntfsImage(t *testing.T, mutations ...Mutation) *NTFSImage {
	t.Helper()
	Need(t, "mkntfs", "ntfs-3g", "ntfs-3g.probe")
	img, err := NewNTFS(context.Background(), filepath.Join(t.TempDir(), "ntfs.img"), 64<<20, mutations...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Each hazard is what ntfs-3g's own programs take it for.
func TestNTFSHazards(t *testing.T) {
	cases := map[string]struct {
		make  func(*NTFSImage) error
		probe int
		info  string // ntfsinfo says
	}{
		"sound":      {func(*NTFSImage) error { return nil }, 0, "Volume Flags: 0x0000"},
		"hibernated": {func(img *NTFSImage) error { return img.Mount(Hibernated) }, 14, ""},
		"dirty":      {(*NTFSImage).MarkDirty, 0, "Volume is scheduled for check"},
		"log clean":  {func(img *NTFSImage) error { return img.SetLog(1, 1, true) }, 0, ""},
		"log open":   {func(img *NTFSImage) error { return img.SetLog(1, 1, false) }, 15, ""},
		"log cached": {func(img *NTFSImage) error { return img.SetLog(2, 0, true) }, 14, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			img := ntfsImage(t)
			if err := c.make(img); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("ntfs-3g.probe", "--readwrite", img.Path)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.probe {
				t.Errorf("ntfs-3g.probe ends with %d, want %d: %s", got, c.probe, out)
			}
			if c.info == "" {
				return
			}
			if out, _ := exec.Command("ntfsinfo", "-m", img.Path).CombinedOutput(); !strings.Contains(string(out), c.info) {
				t.Errorf("ntfsinfo does not say %q: %s", c.info, out)
			}
		})
	}
}

// A junction shows as a link, and what is written stays, at an offset too.
func TestNTFSDisk(t *testing.T) {
	Need(t, "mkntfs", "ntfs-3g", "sfdisk")
	path := filepath.Join(t.TempDir(), "disk.img")
	img, err := NewNTFSDisk(context.Background(), path, 64<<20, func(root string) error {
		if err := os.Mkdir(filepath.Join(root, "Users"), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, "Users", "a.txt"), []byte("kept"), 0o644)
	}, Junction("Documents and Settings", "Users"))
	if err != nil {
		t.Fatal(err)
	}
	err = img.View(func(root string) error {
		if target, err := os.Readlink(filepath.Join(root, "Documents and Settings")); err != nil || !strings.HasSuffix(target, "/Users") {
			t.Errorf("the junction leads to %q, %v", target, err)
		}
		if got, err := os.ReadFile(filepath.Join(root, "Users", "a.txt")); err != nil || string(got) != "kept" {
			t.Errorf("the file holds %q, %v", got, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
