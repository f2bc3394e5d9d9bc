package offline_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
)

// chainPaths are what random chains work on: parents before children.
var chainPaths = []string{"/d", "/d/e", "/d/e/keys", "/d/keys", "/keys"}

// drawFile makes any file that a change may ask for.
func drawFile(r *rapid.T, kind offline.Kind) *offline.File {
	f := &offline.File{
		Kind: kind, Mode: rapid.Uint32Range(0, 0o7777).Draw(r, "mode"), UID: rapid.SampledFrom([]uint32{0, 7, 1000}).Draw(r, "uid"),
		GID: rapid.SampledFrom([]uint32{0, 8, 1001}).Draw(r, "gid"), Label: rapid.SampledFrom([]string{"", "a:b:c:s0", "system_u:object_r:ssh_home_t:s0"}).Draw(r, "label"),
	}
	if kind == offline.Regular {
		f.Data = rapid.SampledFrom([][]byte{nil, []byte("one\n"), []byte("one\ntwo\n"), []byte("two"), {0xff, 0}}).Draw(r, "data")
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"user.a", "user.\xff"}), 0, 2, rapid.ID).Draw(r, "xattrs") {
		if f.Xattr == nil {
			f.Xattr = map[string][]byte{}
		}
		f.Xattr[name] = []byte{0xfe}
	}
	return f
}

// drawChange makes a change that is possible on the tree as it is.
func drawChange(r *rapid.T, v *offline.Volume) offline.Change {
	p := rapid.SampledFrom(chainPaths).Draw(r, "path")
	for p != "/" && must(v.Snapshot(filepath.Dir(p), 100)) == nil {
		p = filepath.Dir(p)
	}
	c := offline.Change{Path: p, Before: must(v.Snapshot(p, 100))}
	kind := offline.Regular
	if !strings.HasSuffix(p, "keys") {
		kind = offline.Dir
	}
	empty := c.Before != nil && (kind == offline.Regular || len(must(v.ReadDir(p))) == 0)
	if !empty || rapid.Bool().Draw(r, "keep") {
		c.After = drawFile(r, kind)
	}
	return c
}

// photograph notes everything about every file but times.
func photograph(t *testing.T, v *offline.Volume) map[string]*offline.File {
	t.Helper()
	all := map[string]*offline.File{"/": must(v.Snapshot("/", 100))}
	var walk func(dir string)
	walk = func(dir string) {
		for _, name := range must(v.ReadDir(dir)) {
			p := filepath.Join(dir, name)
			all[p] = must(v.Snapshot(p, 100))
			if all[p].Kind == offline.Dir {
				walk(p)
			}
		}
	}
	walk("/")
	return all
}

// TestChainsAreTakenBack applies random chains of changes, each some times over,
// and takes them back from any point: the tree is as it was.
func TestChainsAreTakenBack(t *testing.T) {
	need(t)
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o755); err != nil {
			r.Fatal(err)
		}
		umask := unix.Umask(rapid.SampledFrom([]int{0, 0o22, 0o77, 0o777}).Draw(r, "umask"))
		defer unix.Umask(umask)
		v := openTree(t, dir)
		apply := func(c offline.Change) {
			for range rapid.IntRange(1, 2).Draw(r, "times") {
				if err := v.Apply(c); err != nil {
					r.Fatalf("%+v: %v", c, err)
				}
			}
		}
		for range rapid.IntRange(0, 3).Draw(r, "before") {
			apply(drawChange(r, v))
		}
		was := photograph(t, v)
		var done []offline.Change
		for range rapid.IntRange(1, 8).Draw(r, "changes") {
			c := drawChange(r, v)
			apply(c)
			done = append(done, c)
			if got := must(v.Snapshot(c.Path, 100)); !got.Equal(c.After) {
				r.Fatalf("%s: %+v, want %+v", c.Path, got, c.After)
			}
		}
		for _, c := range slices.Backward(done) {
			apply(c.Invert())
		}
		if diff := cmp.Diff(was, photograph(t, v)); diff != "" {
			r.Fatalf("not as it was:\n%s", diff)
		}
	})
}
