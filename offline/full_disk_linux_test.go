package offline_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// need skips without root; where REGAIN_MUST_RUN is set it fails.
func need(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatal("needs root, and REGAIN_MUST_RUN is set")
	}
	t.Skip("needs root")
}

// mountNew makes a small filesystem and mounts it.
func mountNew(t *testing.T, mkfs string, args ...string) string {
	t.Helper()
	need(t)
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	if err := exec.Command("truncate", "-s", "320M", image).Run(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, append(args, image)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", mkfs, err, out)
	}
	at := filepath.Join(dir, "mnt")
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	return at
}

// fill writes until the filesystem has no block left, reserved ones included.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 512; {
		_, err := f.Write(make([]byte, size))
		if err == nil {
			err = f.Sync()
		}
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			t.Fatal(err)
		}
	}
}

// exhaust uses up all inodes.
func exhaust(t *testing.T, dir string) {
	t.Helper()
	sub := filepath.Join(dir, "many")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(sub, strings.Repeat("x", 1+i%100)+string(rune('a'+i/100%26))+string(rune('a'+i/2600))))
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

func oldKeys(n int) *offline.File {
	return &offline.File{Kind: offline.Regular, Data: bytes.Repeat([]byte("old key line\n"), n), Mode: 0o600, UID: 1000, GID: 1001}
}

func appended(f *offline.File, line string) *offline.File {
	g := f.Clone()
	g.Data = append(g.Data, line...)
	return g
}

// Without an inode for a second file the line is appended in place.
func TestNoInodes(t *testing.T) {
	dir := mountNew(t, "mkfs.ext4", "-q", "-N", "64")
	v := openTree(t, dir)
	old := oldKeys(3)
	putBefore(t, v, offline.Change{Path: "/keys", Before: old})
	exhaust(t, dir)
	c := offline.Change{Path: "/keys", Before: old, After: appended(old, "new\n")}
	for _, c := range []offline.Change{c, c, c.Invert()} {
		if err := v.Apply(c); err != nil {
			t.Fatal(err)
		}
		wantFile(t, v, "/keys", c.After)
	}
	if err := v.Apply(offline.Change{Path: "/other", After: old}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a new file: %v", err)
	}
}

// On a full disk the file is changed where its last block has room, and
// otherwise stays exactly as it was; never is it shorter.
func TestFullDisk(t *testing.T) {
	for name, c := range map[string]struct {
		mkfs  string
		args  []string
		lines int
		line  string
		fits  bool
	}{
		"room in the last block": {"mkfs.ext4", []string{"-q", "-m", "0", "-b", "4096"}, 10, "new\n", true},
		"no room":                {"mkfs.ext4", []string{"-q", "-m", "0", "-b", "4096"}, 10, strings.Repeat("n", 8192) + "\n", false},
		"xfs":                    {"mkfs.xfs", []string{"-q"}, 10, strings.Repeat("n", 1<<20) + "\n", false},
		"btrfs":                  {"mkfs.btrfs", []string{"-q"}, 10, strings.Repeat("n", 1<<20) + "\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := mountNew(t, c.mkfs, c.args...)
			v := openTree(t, dir)
			old := oldKeys(c.lines)
			putBefore(t, v, offline.Change{Path: "/keys", Before: old})
			fill(t, dir)
			change := offline.Change{Path: "/keys", Before: old, After: appended(old, c.line)}
			err := v.Apply(change)
			if (err == nil) != c.fits {
				t.Fatalf("Apply = %v", err)
			}
			want := old
			if c.fits {
				want = change.After
			}
			wantFile(t, v, "/keys", want)
			for _, e := range must(os.ReadDir(dir)) {
				if offline.IsTemp(e.Name()) {
					t.Errorf("left behind: %s", e.Name())
				}
			}
		})
	}
}

// Immutable and append-only files are edited, and closed again.
func TestFlagsAreRestored(t *testing.T) {
	for _, mkfs := range []string{"mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"} {
		for _, flag := range []uint32{offline.FlagImmutable, offline.FlagAppend, offline.FlagImmutable | offline.FlagAppend} {
			v := openTree(t, mountNew(t, mkfs, "-q"))
			old := oldKeys(1)
			old.Flags = flag
			putBefore(t, v, offline.Change{Path: "/keys", Before: old})
			c := offline.Change{Path: "/keys", Before: old, After: appended(old, "new\n")}
			for _, c := range []offline.Change{c, c.Invert()} {
				if err := v.Apply(c); err != nil {
					t.Fatalf("%s, flags %#x: %v", mkfs, flag, err)
				}
				wantFile(t, v, "/keys", c.After)
			}
			free := old.Clone()
			free.Flags = 0
			if err := v.Apply(offline.Change{Path: "/keys", Before: old, After: free}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A hard link is parted, never written through: neither content nor owner of
// the other name changes.
func TestHardLinksAreParted(t *testing.T) {
	need(t)
	dir := t.TempDir()
	v := openTree(t, dir)
	shadow := &offline.File{Kind: offline.Regular, Data: []byte("secret\n"), Mode: 0o640, GID: 42}
	putBefore(t, v, offline.Change{Path: "/shadow", Before: shadow})
	for name, after := range map[string]*offline.File{
		"content": appended(shadow, "new\n"),
		"owner":   {Kind: offline.Regular, Data: shadow.Data, Mode: 0o600, UID: 1000, GID: 1000},
	} {
		link := "/" + name
		if err := unix.Link(filepath.Join(dir, "shadow"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := v.Apply(offline.Change{Path: link, Before: shadow, After: after}); err != nil {
			t.Fatal(err)
		}
		wantFile(t, v, link, after)
		wantFile(t, v, "/shadow", shadow)
	}
}

// What a directory's default ACL would give to new files does not count: they
// are as the change says.
func TestInheritedACLsAreDropped(t *testing.T) {
	at := mountNew(t, "mkfs.ext4", "-q")
	dir := filepath.Join(at, "d")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("setfacl", "-d", "-m", "u:1234:rwx", dir).CombinedOutput(); err != nil {
		t.Fatalf("setfacl: %v\n%s", err, out)
	}
	v := openTree(t, at)
	for _, c := range []offline.Change{{Path: "/d/keys", After: oldKeys(1)}, {Path: "/d/dir", After: dirFile(0o700)}} {
		if err := v.Apply(c); err != nil {
			t.Fatal(err)
		}
		wantFile(t, v, c.Path, c.After)
	}
}
