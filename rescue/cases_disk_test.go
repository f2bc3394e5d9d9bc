package rescue_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

const immutable, appendOnly = offline.FlagImmutable, offline.FlagAppend

func TestFlags(t *testing.T) { onDisks(t, flagTrials, bootable) }

func TestFullDisks(t *testing.T) { onDisks(t, fullTrials, bootable) }

func TestNoInodes(t *testing.T) { onDisks(t, inodeTrials, tiny) }

type diskPatient struct{ *testdisk.Image }

func (p diskPatient) path() string { return p.Path }

func (p diskPatient) see(t *testing.T, f func(string)) {
	t.Helper()
	if err := p.View(func(root string) error { f(root); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (p diskPatient) logsIn(b *bench, user string, args ...string) bool {
	return b.logInWith(user, func() (*testdisk.Sshd, error) { return p.Sshd(b.t.Context(), args...) })
}

// bootable is a whole root on ext4.
func bootable(t *testing.T, path string) *testdisk.Image {
	img, err := testdisk.NewImage(t.Context(), path, testdisk.Bookworm, testdisk.Small, testdisk.BareExt4)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// tiny is a tree on a small ext4 with few inodes: what login programs need is
// not there.
func tiny(t *testing.T, path string) *testdisk.Image {
	tree, err := testdisk.NewTree(t.Context(), filepath.Join(t.TempDir(), "tree"), testdisk.Bookworm)
	if err != nil {
		t.Fatal(err)
	}
	mkfs := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-d", tree.Dir, "-N", "4096", path, "64M")
	if out, err := mkfs.CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	return &testdisk.Image{Path: path, Layout: testdisk.BareExt4}
}

func onDisks(t *testing.T, table []trial, build func(*testing.T, string) *testdisk.Image) {
	testdisk.Need(t, "ssh", "ssh-keygen", "mmdebstrap", "mkfs.ext4")
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			img := build(t, filepath.Join(t.TempDir(), "disk"))
			err := img.Mount(func(root string) error {
				w := &world{t: t, root: root, pub: b.pub.String()}
				for _, change := range c.in {
					change(w)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			c.run(b, diskPatient{img})
		})
	}
}

// full takes every block that is left, the last ones one by one.
func full(w *world) {
	f, err := os.Create(w.path("/ballast"))
	w.must(err)
	defer f.Close()
	var size int64
	for step := int64(1 << 30); step >= 1024; {
		err := unix.Fallocate(int(f.Fd()), 0, size, step)
		switch {
		case err == nil:
			size += step
		case errors.Is(err, unix.ENOSPC):
			step /= 2
		default:
			w.must(err)
		}
	}
	w.must(f.Sync())
}

// noInodes takes every inode that is left.
func noInodes(w *world) {
	for i := 0; ; i++ {
		f, err := os.Create(w.path(fmt.Sprintf("/tmp/%d", i)))
		if errors.Is(err, unix.ENOSPC) {
			return
		}
		w.must(err)
		w.must(f.Close())
	}
}

var flagTrials = []trial{
	{name: "file immutable", in: []change{flags(immutable, keyFile)}, live: true},
	{name: "file append-only", in: []change{flags(appendOnly, keyFile)}, live: true},
	{name: "file immutable and append-only, 0666", in: []change{chmod(keyFile, 0o666), flags(immutable|appendOnly, keyFile)}, out: is("mode 0666 -> 0644, +{key}")},
	{name: "ssh dir immutable", in: []change{flags(immutable, dotSSH)}, live: true},
	{name: "ssh dir append-only", in: []change{flags(appendOnly, dotSSH)}},
	{name: "ssh dir immutable, 0777", in: []change{chmod(dotSSH, 0o777), flags(immutable, dotSSH)}, out: and(dotSSH + ": mode 0777 -> 0755"), live: true},
	{name: "ssh dir immutable, no file", in: []change{remove(keyFile), flags(immutable, dotSSH)}, out: is("new file 0600 1000:1000 {key}")},
	{name: "home immutable, no ssh dir", in: []change{remove(dotSSH), flags(immutable, admin)}, live: true,
		out: []string{dotSSH + ": new dir 0700 1000:1000", keyFile + ": new file 0600 1000:1000 {key}"}},
	{name: "everything immutable, 0777", in: []change{chmod(admin, 0o777), chmod(dotSSH, 0o777), chmod(keyFile, 0o777), flags(immutable, keyFile, dotSSH, admin)}, live: true,
		out: []string{admin + ": mode 0777 -> 0755", dotSSH + ": mode 0777 -> 0755", keyFile + ": mode 0777 -> 0755, +{key}"}},
	{name: "drop-in directory immutable", in: []change{remove(admin), flags(immutable, "/etc/ssh/sshd_config.d", "/etc/ssh", "/etc/ssh/sshd_config")}, out: viaDropIn},
	{name: "the key is there, immutable", in: []change{keys("{pub}\n"), flags(immutable, keyFile)}, outcome: offline.Unchanged},
}

var fullTrials = []trial{
	{name: "full", in: []change{full}, live: true},
	{name: "full, file immutable", in: []change{full, flags(immutable, keyFile)}},
	{name: "full, home 0777", in: []change{chmod(admin, 0o777), chmod(keyFile, 0o777), full}, live: true,
		out: []string{admin + ": mode 0777 -> 0755", keyFile + ": mode 0777 -> 0755, +{key}"}},
	{name: "full, the file's last block too", in: []change{keys(fmt.Sprintf("# %4093s\n", "")), full}, outcome: offline.Failed},
	{name: "full, an earlier line would win", in: []change{keys("command=\"exit 1\" {pub}\n"), full}, outcome: offline.Failed},
}

var inodeTrials = []trial{
	{name: "none left", in: []change{noInodes}},
	{name: "none left, no line break at the end", in: []change{keys("{one}"), noInodes}, out: is(`+"\n{key}\n"`)},
	{name: "none left, file immutable and 0777", in: []change{chmod(keyFile, 0o777), flags(immutable, keyFile), noInodes}, out: is("mode 0777 -> 0755, +{key}")},
	{name: "none left, no ssh dir", in: []change{remove(dotSSH), noInodes}, outcome: offline.Failed},
	{name: "neither inodes nor blocks", in: []change{full, noInodes}},
}
