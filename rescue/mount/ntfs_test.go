package mount_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/block"
	"github.com/seed-77750964/regain/rescue/mount"
)

func ntfsImage(t *testing.T, mutations ...testdisk.Mutation) *testdisk.NTFSImage {
	t.Helper()
	testdisk.Need(t, "mkntfs", "ntfs-3g", "ntfs-3g.probe")
	img, err := testdisk.NewNTFS(deadline(t), filepath.Join(t.TempDir(), "ntfs.img"), 64<<20, mutations...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// openNTFS mounts the loop; the test's end unmounts.
func openNTFS(t *testing.T, loop *mount.Loop, readonly bool) (*tree, *mount.NTFS) {
	t.Helper()
	n, err := mount.OpenNTFS(deadline(t), loop.Path, readonly)
	if err != nil {
		t.Fatal(err)
	}
	m := &tree{t, n.Root, loop}
	t.Cleanup(m.close)
	return m, n
}

// served lists the processes that have the device on their command line.
func served(t *testing.T, device string) (found []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "\x00"+device+"\x00") {
			found = append(found, f)
		}
	}
	return found
}

func TestNTFS(t *testing.T) {
	img := ntfsImage(t)
	loop := attach(t, img.Path, false)
	if err := mount.ProbeNTFS(deadline(t), loop.Path); err != nil {
		t.Fatal(err)
	}
	m, n := openNTFS(t, loop, false)
	m.write("written", "in place")
	if strings.Contains(mountinfo(t), loop.Path+" ") {
		t.Error("the mount shows in the mount table")
	}
	for _, f := range served(t, loop.Path) {
		if b, err := os.ReadFile(filepath.Join(filepath.Dir(f), "mountinfo")); err != nil || strings.Contains(string(b), loop.Path) {
			t.Errorf("the mount is in the table of ntfs-3g: %v", err)
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if group, err2 := unix.Getpgid(pid); errors.Join(err, err2) != nil || group == unix.Getpgrp() {
			t.Errorf("Ctrl-C would end ntfs-3g: %v %v", err, err2)
		}
	}
	m.close()
	if err := n.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if left := served(t, loop.Path); left != nil {
		t.Errorf("still there: %q", left)
	}
	if err := mount.ProbeNTFS(deadline(t), loop.Path); err != nil {
		t.Error(err)
	}
	if err := loop.Detach(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "ntfscat", img.Path, "written"); out != "in place" {
		t.Errorf("ntfscat reads %q", out)
	}
}

// To look changes no byte, and nothing can be written.
func TestNTFSReadOnly(t *testing.T) {
	img := ntfsImage(t, func(root string) error { return os.WriteFile(filepath.Join(root, "a"), []byte("alpha"), 0o644) })
	old := sum(t, img.Path)
	loop := attach(t, img.Path, true)
	m, n := openNTFS(t, loop, true)
	if got := m.read("a"); got != "alpha" {
		t.Errorf("read %q", got)
	}
	if _, err := unix.Openat(m.fd, "b", unix.O_CREAT|unix.O_WRONLY, 0o600); !errors.Is(err, unix.EROFS) {
		t.Errorf("creating gives %v", err)
	}
	m.close()
	if err := n.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if sum(t, img.Path) != old {
		t.Error("the image has changed")
	}
	_, err := mount.OpenNTFS(deadline(t), loop.Path, false)
	if !errors.Is(err, mount.ErrReadOnlyDevice) {
		t.Errorf("to write on a read-only device gives %v", err)
	}
	if left := served(t, loop.Path); left != nil {
		t.Errorf("still there: %q", left)
	}
}

func TestNTFSRefusals(t *testing.T) {
	cases := map[string]struct {
		make   func(*testdisk.NTFSImage) error
		reason error
		code   string
		looks  bool // it can be looked at
	}{
		"hibernated": {func(img *testdisk.NTFSImage) error { return img.Mount(testdisk.Hibernated) }, mount.ErrHibernated, "hibernated", true},
		"log open":   {func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, mount.ErrUncleanLog, "unclean", true},
		"log cached": {func(img *testdisk.NTFSImage) error { return img.SetLog(2, 0, true) }, mount.ErrHibernated, "hibernated", true},
		"no NTFS":    {func(img *testdisk.NTFSImage) error { return os.Truncate(img.Path, 0) }, mount.ErrNotNTFS, "not-ntfs", false},
		"no mirror": {func(img *testdisk.NTFSImage) error { return overwrite(img.Path, "FILE", "BAAD") }, mount.ErrDamaged,
			"inconsistent", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			img := ntfsImage(t)
			if err := c.make(img); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(img.Path, 64<<20); err != nil {
				t.Fatal(err)
			}
			loop := attach(t, img.Path, false)
			old := sum(t, img.Path)
			err := mount.ProbeNTFS(deadline(t), loop.Path)
			if code, advice := mount.NTFSAdvice(err); !errors.Is(err, c.reason) || code != c.code || advice == "" {
				t.Errorf("the probe says %v (%s: %s)", err, code, advice)
			}
			if _, err := mount.OpenNTFS(deadline(t), loop.Path, false); err == nil {
				t.Error("it was mounted for writing")
			}
			if sum(t, img.Path) != old {
				t.Error("a refusal has changed the image")
			}
			look := attach(t, img.Path, true)
			err = mount.ProbeNTFS(deadline(t), look.Path)
			if !errors.Is(err, c.reason) {
				t.Errorf("on a read-only device the probe says %v", err)
			}
			if !c.looks {
				return
			}
			m, n := openNTFS(t, look, true)
			m.close()
			if err := n.Close(deadline(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// overwrite replaces every occurrence in the first MiB.
func overwrite(path, old, now string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, 1<<20)
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(strings.ReplaceAll(string(head), old, now)), 0)
	return err
}

func TestNTFSInUse(t *testing.T) {
	img := ntfsImage(t)
	loop := attach(t, img.Path, false)
	openNTFS(t, loop, false)
	_, err := mount.OpenNTFS(deadline(t), loop.Path, false)
	if !errors.Is(err, mount.ErrInUse) {
		t.Errorf("a second mount gives %v", err)
	}
}

// An ntfs-3g that does not answer is ended, and not waited for without end.
func TestNTFSCloseHasADeadline(t *testing.T) {
	img := ntfsImage(t)
	loop := attach(t, img.Path, false)
	m, n := openNTFS(t, loop, true)
	ctx, cancel := context.WithTimeout(deadline(t), 50*time.Millisecond)
	defer cancel()
	err := n.Close(ctx)
	if !errors.Is(err, context.DeadlineExceeded) { // Root is still open
		t.Errorf("Close says %v", err)
	}
	if err := n.Close(deadline(t)); err == nil {
		t.Error("closing again says that all is well")
	}
	m.close()
	if left := served(t, loop.Path); left != nil {
		t.Errorf("still there: %q", left)
	}
}

// An ntfs-3g that ends by a null pointer is judged by the volume. Who is still at
// work is told by what fails then.
func TestNTFSStrays(t *testing.T) {
	for _, readonly := range []bool{true, false} {
		for signal, well := range map[unix.Signal]bool{unix.SIGSEGV: true, unix.SIGKILL: false} {
			img := ntfsImage(t)
			loop := attach(t, img.Path, readonly)
			m, n := openNTFS(t, loop, readonly)
			for _, file := range served(t, loop.Path) {
				pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
				if err != nil {
					t.Fatal(err)
				}
				if err := unix.Kill(pid, signal); err != nil {
					t.Fatal(err)
				}
			}
			if fd, err := unix.Openat(n.Root, "nothing", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil || errors.Is(err, unix.ENOENT) {
				unix.Close(fd)
				t.Errorf("%v: a file is looked for, and the answer is %v", signal, err)
			}
			m.close()
			if err := n.Close(deadline(t)); (err == nil) != well {
				t.Errorf("%v, read-only %v: Close says %v", signal, readonly, err)
			}
		}
	}
}

func TestNTFSWithoutItsPrograms(t *testing.T) {
	img := ntfsImage(t)
	loop := attach(t, img.Path, true)
	t.Setenv("PATH", t.TempDir())
	if fd, err := unix.Fsopen("ntfs3", unix.FSOPEN_CLOEXEC); err == nil { // TestNTFS3InAVM begins on a kernel without it
		unix.Close(fd)
		if err := mount.ProbeNTFS(deadline(t), loop.Path); err != nil {
			t.Error(err)
		}
		return
	}
	for what, err := range map[string]error{"probe": mount.ProbeNTFS(deadline(t), loop.Path), "mount": second(mount.OpenNTFS(deadline(t), loop.Path, true))} {
		if code, _ := mount.NTFSAdvice(err); code != "no-ntfs-3g" || !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("%s says %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func mountAndUse(t *testing.T, device string, f func(v *offline.Volume)) error {
	t.Helper()
	n, err := mount.OpenNTFS(deadline(t), device, false)
	if err != nil {
		return err
	}
	v, err := offline.OpenNTFS(n.Root)
	if err != nil {
		unix.Close(n.Root)
		return errors.Join(err, n.Close(deadline(t)))
	}
	f(v)
	return errors.Join(v.Sync(), v.Close(), n.Close(deadline(t)))
}

// The volume has no say in how its files are shown and made.
func TestNTFSIgnoresTheVolumesMapping(t *testing.T) {
	img := ntfsImage(t, func(root string) error {
		return errors.Join(os.Mkdir(filepath.Join(root, ".NTFS-3G"), 0o755),
			os.WriteFile(filepath.Join(root, ".NTFS-3G", "UserMapping"), []byte("1000:1000:S-1-5-21-1-2-3-1001\n"), 0o644))
	})
	loop := attach(t, img.Path, false)
	err := mountAndUse(t, loop.Path, func(v *offline.Volume) {
		create := offline.Change{Path: "/new", After: offline.NTFSFile([]byte("new"))}
		if err := v.Apply(create); err != nil {
			t.Error(err)
		}
		if f, err := v.Snapshot("/new", 10); err != nil || !f.Equal(create.After) {
			t.Errorf("%+v, %v", f, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// What is unclean after an edit is not called closed.
func TestNTFSCloseProbes(t *testing.T) {
	loop := attach(t, ntfsImage(t).Path, false)
	m, n := openNTFS(t, loop, false)
	m.write("hiberfil.sys", "hibr"+strings.Repeat("\x00", 4092))
	m.close()
	if err := n.Close(deadline(t)); !errors.Is(err, mount.ErrHibernated) {
		t.Errorf("Close says %v", err)
	}
}

// A disk as Windows has it: found by its bytes, and opened where it lies.
func TestNTFSInAPartition(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "sfdisk")
	path := filepath.Join(t.TempDir(), "disk.img")
	if _, err := testdisk.NewNTFSDisk(deadline(t), path, 64<<20, ntfsTree); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	disk, err := block.Scan(f, 64<<20)
	if err != nil || len(disk.Contents) != 1 || disk.Contents[0].Superblock.Type != block.NTFS {
		t.Fatalf("%+v, %v", disk, err)
	}
	at := disk.Contents[0].Partition
	loop := attachRange(t, f, at.Start, at.Size, false)
	err = mountAndUse(t, loop.Path, func(v *offline.Volume) {
		if err := v.Apply(edit(ntfsSmall, "type: random\r\n")(v)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
