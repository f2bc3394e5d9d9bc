package offline_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// TestPowerCutAtEveryStep copies the disk before each step of a write and once
// after it, as a helper that dies there would leave it, and opens the copy with
// its journal replayed: the file is the old or the new one, whole, and after
// the write it is the new one.
func TestPowerCutAtEveryStep(t *testing.T) {
	old := oldKeys(400)
	c := offline.Change{Path: "/keys", Before: old, After: appended(old, "new\n")}
	for _, mkfs := range []string{"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"} {
		t.Run(mkfs, func(t *testing.T) {
			at := mountNew(t, mkfs, "-q")
			image := filepath.Join(filepath.Dir(at), "image")
			v := openTree(t, at)
			putBefore(t, v, offline.Change{Path: "/keys", Before: old})
			if err := v.Sync(); err != nil {
				t.Fatal(err)
			}
			var cuts []string
			v.OnStep = func(string) { cuts = append(cuts, copyDisk(t, image, len(cuts))) }
			if err := v.Apply(c); err != nil {
				t.Fatal(err)
			}
			if len(cuts) < 6 {
				t.Fatalf("only %d steps", len(cuts))
			}
			cuts = append(cuts, copyDisk(t, image, len(cuts)))
			for i, cut := range cuts {
				got := readCut(t, cut)
				isNew := bytes.Equal(got, c.After.Data)
				if !isNew && !bytes.Equal(got, old.Data) {
					t.Errorf("cut %d: neither old nor new: %d bytes", i, len(got))
				}
				if i == len(cuts)-1 && !isNew {
					t.Error("what Apply reported as done did not survive")
				}
			}
		})
	}
}

func copyDisk(t *testing.T, image string, n int) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), fmt.Sprintf("cut%d", n))
	if out, err := exec.Command("cp", "--sparse=always", image, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	return to
}

func readCut(t *testing.T, image string) []byte {
	t.Helper()
	at := t.TempDir()
	options := "loop"
	if fs, err := exec.Command("blkid", "-p", "-o", "value", "-s", "TYPE", image).Output(); err == nil && string(fs) == "xfs\n" {
		options += ",nouuid"
	}
	if out, err := exec.Command("mount", "-o", options, image, at).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	}()
	data, err := os.ReadFile(filepath.Join(at, "keys"))
	if err != nil {
		t.Error(err)
	}
	return data
}
