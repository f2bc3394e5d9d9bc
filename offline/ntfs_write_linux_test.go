package offline_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// snapshot is the file now; a test that cannot look ends.
func snapshot(t testing.TB, v *offline.Volume, path string) *offline.File {
	t.Helper()
	f, err := v.Snapshot(path, 1<<24)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// edited is a change of the file's content alone.
func edited(t testing.TB, v *offline.Volume, path, content string) offline.Change {
	t.Helper()
	before := snapshot(t, v, path)
	after := before.Clone()
	after.Data = []byte(content)
	return offline.Change{Path: path, Before: before, After: after, Why: "test"}
}

// ntfsChanges are one of each kind.
func ntfsChanges(t testing.TB, v *offline.Volume) map[string]offline.Change {
	t.Helper()
	long := strings.Repeat("another configuration\r\n", 1000)
	hive, err := v.SnapshotAttributes(software)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]offline.Change{
		"edit, same size":      edited(t, v, agentConfig, "password:\r\n  type: random   \r\n"),
		"edit, longer":         edited(t, v, agentConfig, long),
		"edit, shorter":        edited(t, v, agentConfig, "type: random\r\n"),
		"edit, emptied":        edited(t, v, agentConfig, ""),
		"edit, no archive bit": edited(t, v, runOnce, "2"),
		"remove":               {Path: runOnce, Before: snapshot(t, v, runOnce)},
		"create":               {Path: "/Windows/System32/gpt.ini", After: offline.NTFSFile([]byte(long))},
		"create empty":         {Path: "/Windows/System32/empty", After: offline.NTFSFile(nil)},
		"create directory":     {Path: "/Windows/System32/GroupPolicy", After: offline.NTFSDir()},
		"patch": {Path: software, Before: hive, After: hive, Patches: []offline.Patch{
			{Offset: 0, Before: []byte("hive"), After: []byte("hive")},
			{Offset: 508, Before: []byte("hivehive"), After: []byte("HIVEHIVE")}, // two sectors
			{Offset: 8192, Before: []byte("hive"), After: []byte("\x02\x00\x00\x00")},
		}},
	}
}

// Each change is made, is not made twice, and is taken back; the inode stays.
func TestNTFSChanges(t *testing.T) {
	img := windowsImage(t)
	onNTFS(t, img, func(v *offline.Volume, root string) {
		for name, c := range ntfsChanges(t, v) {
			before, ino := snapshot(t, v, c.Path), inode(root, c.Path)
			for _, c := range []offline.Change{c, c, c.Invert(), c.Invert(), c, c.Invert()} {
				drifted, err := v.Drifted(c)
				if err == nil && drifted {
					err = errors.New("drifted")
				}
				if err := errors.Join(err, v.Apply(c)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if len(c.Patches) == 0 {
					if diff := cmp.Diff(c.After, snapshot(t, v, c.Path)); diff != "" {
						t.Fatalf("%s: %s", name, diff)
					}
				}
				if c.Before != nil && c.After != nil && inode(root, c.Path) != ino {
					t.Errorf("%s: another inode", name)
				}
			}
			if diff := cmp.Diff(before, snapshot(t, v, c.Path)); diff != "" {
				t.Errorf("%s, taken back: %s", name, diff)
			}
		}
	})
}

func inode(root, path string) uint64 {
	var st syscall.Stat_t
	if syscall.Stat(filepath.Join(root, path), &st) != nil {
		return 0
	}
	return st.Ino
}

func TestNTFSDrift(t *testing.T) {
	img := windowsImage(t)
	write := func(path, content string) testdisk.Mutation {
		return func(root string) error { return os.WriteFile(filepath.Join(root, path), []byte(content), 0o644) }
	}
	cases := map[string]struct {
		change string
		spoil  testdisk.Mutation
		want   error
	}{
		"other content":       {"edit, longer", write(agentConfig, "password:\r\n  type: doNothing!\r\n"), offline.ErrDrift},
		"longer than both":    {"edit, shorter", write(agentConfig, strings.Repeat("x", 100)), offline.ErrDrift},
		"gone":                {"edit, longer", func(root string) error { return os.Remove(filepath.Join(root, agentConfig)) }, offline.ErrDrift},
		"another name":        {"edit, longer", func(root string) error { return os.Link(filepath.Join(root, agentConfig), filepath.Join(root, "x")) }, offline.ErrDrift},
		"somebody made it":    {"create", write("/Windows/System32/gpt.ini", "other"), offline.ErrDrift},
		"a twin":              {"edit, longer", write(filepath.Dir(agentConfig)+"/AGENT-CONFIG.YML", "x"), offline.ErrAmbiguous},
		"a twin of a new one": {"create", write("/Windows/System32/GPT.INI", "x"), offline.ErrDrift},
		"not empty": {"create directory, taken back", func(root string) error {
			return os.WriteFile(filepath.Join(root, "Windows/System32/GroupPolicy/x"), nil, 0o644)
		}, offline.ErrDrift},
		"guard":   {"patch", write(software, "HIVE"+strings.Repeat("hive", hiveSize/4-1)), offline.ErrDrift},
		"size":    {"patch", write(software, strings.Repeat("hive", hiveSize/4+1)), offline.ErrDrift},
		"no file": {"patch", func(root string) error { return os.Remove(filepath.Join(root, software)) }, offline.ErrDrift},
		"descriptor": {"edit, longer", func(root string) error {
			return syscall.Setxattr(filepath.Join(root, agentConfig), testdisk.NTFSDescriptor, offline.NTFSDir().Xattr[offline.XattrNTFSDescriptor], 0)
		}, offline.ErrDrift},
		"junction": {"create", func(root string) error {
			at := filepath.Join(root, "Windows/System32")
			return errors.Join(os.Rename(at, at+"2"), os.Symlink("System322", at))
		}, offline.ErrReparse},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			copied := &testdisk.NTFSImage{Path: clone(t, img.Path)}
			onNTFS(t, copied, func(v *offline.Volume, root string) {
				kind, back := strings.CutSuffix(c.change, ", taken back")
				change := ntfsChanges(t, v)[kind]
				if back {
					if err := v.Apply(change); err != nil {
						t.Error(err)
					}
					change = change.Invert()
				}
				if err := c.spoil(root); err != nil {
					t.Error(err)
				}
				w, err := openNTFS(root)
				if err != nil {
					t.Error(err)
					return
				}
				defer w.Close()
				if err := w.Apply(change); !errors.Is(err, c.want) {
					t.Errorf("Apply says %v, want %v", err, c.want)
				}
				drifted, err := w.Drifted(change)
				if drifted != errors.Is(c.want, offline.ErrDrift) && name != "not empty" {
					t.Errorf("Drifted says %v, %v", drifted, err)
				}
			})
		})
	}
}

func clone(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "clone.img")
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// Whatever sectors of old and new a cut-off write has left, the change is
// finished, or taken back.
func TestNTFSMixedContent(t *testing.T) {
	img := windowsImage(t)
	onNTFS(t, img, func(v *offline.Volume, root string) {
		before := snapshot(t, v, agentConfig)
		rapid.Check(t, func(t *rapid.T) {
			old, now := contentOf(t, "old"), contentOf(t, "new")
			b, a := before.Clone(), before.Clone()
			b.Data, a.Data = old, now
			c := offline.Change{Path: agentConfig, Before: b, After: a}
			mix := mixture(t, old, now)
			if err := os.WriteFile(filepath.Join(root, agentConfig), mix, 0o644); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "back") {
				c = c.Invert()
			}
			if err := v.Apply(c); err != nil {
				t.Fatal(err)
			}
			if got, err := v.Snapshot(agentConfig, 1<<24); err != nil || !bytes.Equal(got.Data, c.After.Data) {
				t.Fatalf("it is not what was wanted (%v)", err)
			}
		})
	})
}

func contentOf(t *rapid.T, label string) []byte {
	n := rapid.IntRange(0, 3000).Draw(t, label)
	return bytes.Repeat([]byte(rapid.StringN(1, 4, 8).Draw(t, label+" text")), n)[:n]
}

// mixture takes each sector from the one or the other, perhaps with the other's
// bytes behind its end, and ends between them.
func mixture(t *rapid.T, a, b []byte) []byte {
	n := rapid.IntRange(min(len(a), len(b)), max(len(a), len(b))).Draw(t, "length")
	out := make([]byte, n)
	for at := 0; at < n; at += 512 {
		one, other := a, b
		if rapid.Bool().Draw(t, "sector") {
			one, other = b, a
		}
		end := min(at+512, n)
		if rapid.Bool().Draw(t, "uncut") {
			copy(out[at:end], other[min(at, len(other)):])
		}
		copy(out[at:end], one[min(at, len(one)):])
	}
	return out
}

// A writer killed at any step leaves a file that a second run finishes and that
// an undo takes back.
func TestNTFSKilledAtEachStep(t *testing.T) {
	img := windowsImage(t)
	t.Setenv(childNTFS, "1")
	onNTFS(t, img, func(v *offline.Volume, root string) {
		for name, c := range ntfsChanges(t, v) {
			for _, c := range []offline.Change{c, c.Invert()} {
				killedNTFS(t, name, root, c)
			}
			prepare(t, name, root, c)
		}
	})
}

func killedNTFS(t *testing.T, name, root string, c offline.Change) {
	t.Helper()
	for n := 0; ; n++ {
		for _, finish := range []offline.Change{c, c.Invert()} {
			prepare(t, name, root, c)
			died := dieAt(t, root, c, n)
			v, err := openNTFS(root)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Apply(finish); err != nil {
				t.Errorf("%s, killed at step %d: %v", name, n, err)
			}
			if got := snapshot(t, v, c.Path); len(c.Patches) == 0 && !cmp.Equal(finish.After, got) {
				t.Errorf("%s, killed at step %d: %s", name, n, cmp.Diff(finish.After, got))
			}
			v.Close()
			if !died {
				return
			}
		}
	}
}

// prepare brings the file to where c begins.
func prepare(t *testing.T, name, root string, c offline.Change) {
	t.Helper()
	v, err := openNTFS(root)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Apply(c.Invert()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestPatchJSON(t *testing.T) {
	c := offline.Change{Path: "/a", Before: &offline.File{Kind: offline.Regular, Size: 9}, After: &offline.File{Kind: offline.Regular, Size: 9},
		Patches: []offline.Patch{{Offset: 3, Before: []byte{0}, After: []byte{255}}}, Shown: &offline.Shown{Before: "a", After: "b"}}
	data, err := json.Marshal(c)
	var back offline.Change
	if err := errors.Join(err, json.Unmarshal(data, &back)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(c, c.Invert().Invert()); diff != "" {
		t.Error(diff)
	}
}

// Nothing is left to the driver, which would let everybody in.
func TestNTFSWantsADescriptor(t *testing.T) {
	img := windowsImage(t)
	onNTFS(t, img, func(v *offline.Volume, _ string) {
		for name, f := range map[string]*offline.File{
			"bare":          {Kind: offline.Regular, Mode: 0o777},
			"no attributes": {Kind: offline.Regular, Mode: 0o777, Xattr: map[string][]byte{offline.XattrNTFSDescriptor: {1}}},
		} {
			if err := v.Apply(offline.Change{Path: "/new", After: f}); err == nil {
				t.Errorf("%s: accepted", name)
			}
			c := edited(t, v, agentConfig, "x")
			c.After = f
			if err := v.Apply(c); err == nil {
				t.Errorf("%s, for a file that is there: accepted", name)
			}
		}
		bad := offline.NTFSFile([]byte("secret"))
		bad.Xattr[offline.XattrNTFSDescriptor] = []byte{1, 0, 4, 0x80}
		if err := v.Apply(offline.Change{Path: "/new", After: bad}); err == nil {
			t.Error("a descriptor that is none: accepted")
		}
		if f := snapshot(t, v, "/new"); f != nil {
			t.Errorf("it has left %+v", f)
		}
	})
}
