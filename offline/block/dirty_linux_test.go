package block

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func syncFS(t testing.TB, dir string) {
	t.Helper()
	run(t, "", "sync", "-f", dir)
}

func writeFiles(t testing.TB, dir, prefix string, n int) {
	t.Helper()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(prefix, i)), []byte("some content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDirtyWhileMounted looks at the real thing: the bytes under a mounted
// filesystem are those of a machine that lost its power.
func TestDirtyWhileMounted(t *testing.T) {
	t.Parallel()
	cases := []struct {
		mkfs, typ string
		size      int64
	}{
		{"mkfs.ext2 -q", "ext2", 16 * mib},
		{"mkfs.ext3 -q", "ext3", 16 * mib},
		{"mkfs.ext4 -q", "ext4", 16 * mib},
		{"mkfs.ext4 -q -O ^has_journal", "ext4", 16 * mib},
		{"mkfs.ext4 -q -O ^metadata_csum", "ext4", 16 * mib},
		{"mkfs.xfs -q", "xfs", 300 * mib},
		{"mkfs.btrfs -q", "btrfs", 128 * mib},
	}
	for _, c := range cases {
		t.Run(c.mkfs, func(t *testing.T) {
			t.Parallel()
			path := blank(t, c.size)
			args := strings.Fields(c.mkfs)
			run(t, "", args[0], append(args[1:], path)...)
			dev := loopDevice(t, path)
			dir, unmount := mounted(t, dev, c.typ)
			if c.typ != "btrfs" {
				writeFiles(t, dir, "synced", 20)
				syncFS(t, dir)
			}
			fsyncedFile(t, dir)
			expectDirty(t, path, true)
			unmount()
			expectDirty(t, path, false)
		})
	}
}

// fsyncedFile makes the log of btrfs, which a sync of everything would empty.
func fsyncedFile(t testing.TB, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "fsynced"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("content"); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// TestXFSLogAgainstLogprint fills a small log several times over, so that its
// head is found at many places of the ring, and asks xfs_logprint each time.
func TestXFSLogAgainstLogprint(t *testing.T) {
	t.Parallel()
	path := blank(t, 48*mib)
	t.Log(runXFSUnsupported(t, path))
	dev := loopDevice(t, path)
	wraps, heads := 0, map[string]bool{}
	for round := range 12 {
		dir, unmount := mounted(t, dev, "xfs")
		for i := range 4 {
			writeFiles(t, dir, fmt.Sprintf("r%d-%d-", round, i), 150+37*round)
			syncFS(t, dir)
			expectDirty(t, path, true)
			heads[logprint(t, path, "DIRTY")] = true
		}
		removeAll(t, dir)
		unmount()
		expectDirty(t, path, false)
		heads[logprint(t, path, "CLEAN")] = true
		wraps = int(xfsLastCycle(t, path))
	}
	t.Logf("%d laps, %d heads", wraps, len(heads))
	if wraps < 2 || len(heads) < 30 {
		t.Errorf("the log was filled %d times, with %d heads: the test shows little", wraps, len(heads))
	}
}

// runXFSUnsupported makes a filesystem smaller than mkfs.xfs allows to users,
// in the way xfstests does, or one of the smallest allowed size.
func runXFSUnsupported(t testing.TB, path string) string {
	t.Helper()
	needTools(t, "mkfs.xfs", "xfs_logprint")
	cmd := exec.Command("mkfs.xfs", "--unsupported", "-f", "-d", "agcount=2", path)
	cmd.Env = append(os.Environ(), "TEST_DIR=x", "TEST_DEV=x", "QA_CHECK_FS=x")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("mkfs.xfs: %v: %s", err, out)
	}
	return string(out)
}

// logprint returns the line with head and tail after it checked the state.
func logprint(t testing.TB, path, state string) string {
	t.Helper()
	out := run(t, "", "xfs_logprint", "-t", path)
	for line := range strings.Lines(out) {
		if strings.Contains(line, "head:") {
			if !strings.Contains(line, "<"+state+">") {
				t.Errorf("xfs_logprint says %q, want %s", line, state)
			}
			return line
		}
	}
	t.Fatalf("no state in %q", out)
	return ""
}

func removeAll(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

func xfsLastCycle(t testing.TB, path string) uint32 {
	t.Helper()
	f, size := opened(t, path)
	src, err := newSource(f, size)
	if err != nil {
		t.Fatal(err)
	}
	b := src.bytes(0, 512)
	log := xfsLog{src: src}
	block := be64(b, 48)
	log.start = int64((block>>b[124]*uint64(be32(b, 84)) + block&(1<<b[124]-1)) * uint64(be32(b, 4)))
	c, err := log.cycle(0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
