package offline_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
)

// kernelRealpath is where the kernel itself says that p leads, confined to dir
// as in a chroot: openat2(2) with RESOLVE_IN_ROOT.
func kernelRealpath(t *testing.T, dir, p string) (string, error) {
	t.Helper()
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(root, p, &how)
	for errors.Is(err, unix.EAGAIN) { // something was renamed on this machine meanwhile
		fd, err = unix.Openat2(root, p, &how)
	}
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	real, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	rel, inside := strings.CutPrefix(real, dir)
	if !inside {
		t.Fatalf("the kernel left %q for %q", dir, real)
	}
	return "/" + strings.TrimPrefix(rel, "/"), nil
}

// wantAsKernel compares one resolution with the kernel's: the same place, or
// no place for both.
func wantAsKernel(t *testing.T, v *offline.Volume, dir, p string) (problem string) {
	t.Helper()
	want, kernelErr := kernelRealpath(t, dir, p)
	got, err := v.Realpath(p)
	switch {
	case (err == nil) != (kernelErr == nil):
		return fmt.Sprintf("%q: %q, %v; the kernel: %q, %v", p, got, err, want, kernelErr)
	case err == nil && got != want:
		return fmt.Sprintf("%q leads to %q; the kernel: %q", p, got, want)
	case errors.Is(kernelErr, fs.ErrNotExist) != errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%q: %v; the kernel: %v", p, err, kernelErr)
	}
	return ""
}

func TestResolvesAsTheKernel(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{
		"a/b/c/f": "f", "x": "x", "a/x": "other",
		"l":     "-> a/b",
		"abs":   "-> /a/b/c",
		"climb": "-> ../../../a",
		"slash": "-> x/", "dot": "-> x/.", "up": "-> x/..",
		"dirs":    "-> a//b/./",
		"nowhere": "-> missing/..",
		"self":    "-> .",
		"root":    "-> /",
		"a/deep":  "-> ../l/../x",
		"slow":    "-> self/self/self/l",
	})
	v := openTree(t, dir)
	for _, p := range []string{
		"/", ".", "..", "/..", "//x", "x/", "x/.", "x/..", "l/..", "l/../x", "l/../../x", "abs/../..", "climb", "climb/../..", "slash", "dot", "up",
		"dirs", "dirs/", "dirs/c/f/", "nowhere", "missing/..", "missing/../x", "self", "self/../l/c", "root/x", "root/../root/a", "a/deep", "a/deep/", "slow/c",
		"l/c/f/..", "l/c/f/../f", "a/b/../../x", "./l/./c/../c/f",
	} {
		if problem := wantAsKernel(t, v, dir, p); problem != "" {
			t.Error(problem)
		}
	}
}

// A link with an empty target cannot be made, but can stand on a damaged disk;
// chains of exactly the kernel's limit resolve, longer ones do not.
func TestLinkLimitIsTheKernels(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"l0": "end"}
	for i := 1; i <= 42; i++ {
		files[fmt.Sprintf("l%d", i)] = fmt.Sprintf("-> l%d", i-1)
	}
	plant(t, dir, files)
	v := openTree(t, dir)
	for i := 38; i <= 42; i++ {
		if problem := wantAsKernel(t, v, dir, fmt.Sprintf("/l%d", i)); problem != "" {
			t.Error(problem)
		}
	}
}

// TestResolvesRandomTreesAsTheKernel plants random links, and asks both.
func TestResolvesRandomTreesAsTheKernel(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	part := rapid.OneOf(rapid.SampledFrom(names), rapid.SampledFrom([]string{".", "..", ""}))
	somePath := rapid.Map(rapid.SliceOfN(part, 1, 6), func(parts []string) string { return strings.Join(parts, "/") })
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o755); err != nil {
			r.Fatal(err)
		}
		root, err := os.OpenRoot(dir) // a link that was planted must not lead the next plant out
		if err != nil {
			r.Fatal(err)
		}
		defer root.Close()
		for range rapid.IntRange(1, 12).Draw(r, "files") {
			at := filepath.Join(rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(r, "at")...)
			switch rapid.IntRange(0, 2).Draw(r, "kind") { // what is in the way of another is left out
			case 0:
				_ = root.MkdirAll(at, 0o755)
			case 1:
				_ = root.WriteFile(at, nil, 0o644)
			case 2:
				target := rapid.SampledFrom([]string{"", "/", "../"}).Draw(r, "from") + somePath.Draw(r, "target")
				_ = root.Symlink(target, at)
			}
		}
		v := openTree(t, dir)
		for range 8 {
			if problem := wantAsKernel(t, v, dir, "/"+somePath.Draw(r, "path")); problem != "" {
				r.Error(problem)
			}
		}
	})
}

func TestResolveMissing(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"data/u/f": "f", "home": "-> data", "broken": "-> /not/here", "gone": "-> data/gone"})
	v := openTree(t, dir)
	for p, want := range map[string]string{
		"/home/u/.ssh/authorized_keys": "/data/u/.ssh/authorized_keys", "/home/u/f": "/data/u/f", "/home/new/": "/data/new", "/gone": "/data/gone",
		"/gone/x/y": "/data/gone/x/y", "/broken/x": "/broken/x", "/home/../a/b": "/a/b", "/home/u/../../a/./b": "/a/b", "/new/.": "/new", "/": "/",
		"/new/../x": "", "/home/u/f/x": "", "/new/..": "",
	} {
		got, err := v.ResolveMissing(p)
		if (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("ResolveMissing(%q) = %q, %v, want %q", p, got, err, want)
		}
	}
}

// What is named through a link is absent at the place where it really lies.
func TestAbsentThroughALink(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"data/u/f": "hidden", "home": "-> data", "data/v/f": "v"})
	v := openTree(t, dir)
	v.MarkAbsent("/home/u")
	for _, p := range []string{"/home/u/f", "/data/u/f", "/data/v/../u/f"} {
		if _, err := v.ReadFile(p, 10); !errors.Is(err, offline.ErrAbsentVolume) {
			t.Errorf("ReadFile(%q): %v", p, err)
		}
	}
	if got, err := v.ReadFile("/home/v/f", 10); err != nil || string(got) != "v" {
		t.Errorf("ReadFile = %q, %v", got, err)
	}
}
