package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// disks makes the patients' disks, each once.
var disks struct {
	mu   sync.Mutex
	made map[string]string
}

// lockedDisk is a Debian disk of a user who has lost the key. Labs copy it.
func lockedDisk(t testing.TB, breakages string) string {
	t.Helper()
	broken, err := testdisk.BreakagesNamed(breakages)
	if err != nil {
		t.Fatal(err)
	}
	return disk(t, breakages, broken...)
}

// keptDisk is a disk on which sshd refuses the user's key, because everybody may
// write to ~/.ssh. The key is kept: it shows what else a run has done.
func keptDisk(t testing.TB) (image, key string) {
	t.Helper()
	key = filepath.Join(programs, "kept")
	return disk(t, "kept", func(root string) error {
		if _, err := testdisk.NewKey(context.Background(), programs, "kept", "ed25519"); err != nil {
			return err
		}
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			return err
		}
		dir := filepath.Join(root, "home/admin/.ssh")
		if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), public, 0o600); err != nil {
			return err
		}
		return os.Chmod(dir, 0o777)
	}), key
}

func disk(t testing.TB, name string, mutations ...testdisk.Mutation) string {
	t.Helper()
	return madeOnce(t, name, func(path string) error {
		_, err := testdisk.NewImage(context.Background(), path, testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4, mutations...)
		return err
	})
}

// madeOnce is a disk that one test makes for all.
func madeOnce(t testing.TB, name string, write func(path string) error) string {
	t.Helper()
	disks.mu.Lock()
	defer disks.mu.Unlock()
	if path := disks.made[name]; path != "" {
		return path
	}
	path := filepath.Join(programs, fmt.Sprintf("disk-%d.raw", len(disks.made)))
	if err := write(path); err != nil {
		t.Fatal(err)
	}
	if disks.made == nil {
		disks.made = map[string]string{}
	}
	disks.made[name] = path
	return path
}

// rootStart is where the root filesystem of the disks begins.
func rootStart(t testing.TB, image string) string {
	t.Helper()
	out, err := exec.Command("sfdisk", "--dump", image).Output()
	if err != nil {
		t.Fatalf("cannot read the partition table of %s: %v", image, err)
	}
	for line := range strings.Lines(string(out)) {
		var sector int64
		if strings.Contains(line, "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709") { // a root of x86-64
			if _, err := fmt.Sscanf(line[strings.Index(line, "start="):], "start=%d", &sector); err == nil {
				return fmt.Sprint(sector * 512)
			}
		}
	}
	t.Fatalf("%s has no root: %s", image, out)
	return ""
}

// files are what decides who may log in, as it lies on a disk: names, modes,
// owners and contents. debugfs reads them, which shares no code with the agent
// and mounts nothing.
func files(t testing.TB, image string) string {
	t.Helper()
	into := t.TempDir()
	request := "rdump /home/admin /etc/ssh /etc/passwd /etc/shadow /etc/group /etc/pam.d " + into
	out, err := exec.Command("debugfs", "-c", "-R", request, image+"?offset="+rootStart(t, image)).CombinedOutput()
	if lines := bytes.Count(out, []byte("\n")); err != nil || lines > 1 { // its version, and complaints
		t.Fatalf("cannot read %s: %v %s", image, err, out)
	}
	var text strings.Builder
	err = filepath.WalkDir(into, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil || path == into {
			return err
		}
		content := ""
		switch owner := info.Sys().(*syscall.Stat_t); {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = fmt.Sprintf("%x", sha256.Sum256(data))
			fallthrough
		default:
			fmt.Fprintf(&text, "%s %s %d:%d %s\n", strings.TrimPrefix(path, into), info.Mode(), owner.Uid, owner.Gid, content)
		}
		return nil
	})
	if err != nil || !strings.Contains(text.String(), "/admin/.ssh/authorized_keys") {
		t.Fatalf("cannot read %s: %v %s", image, err, text.String())
	}
	return text.String()
}
