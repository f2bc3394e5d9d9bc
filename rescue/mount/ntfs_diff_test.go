package mount_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

const (
	ntfsSmall = "/Windows/System32/config/small.yml"
	ntfsHive  = "/Windows/System32/config/SOFTWARE"
)

// ntfsTree has a file in its own record, and one in clusters.
func ntfsTree(root string) error {
	dir := filepath.Join(root, filepath.Dir(ntfsHive))
	hive := make([]byte, 1<<20)
	for i := 0; i < len(hive); i += 8 {
		binary.LittleEndian.PutUint64(hive[i:], uint64(i)|0xfeed<<48)
	}
	return errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(root, ntfsSmall), []byte("type: doNothing\r\n"), 0o644),
		os.WriteFile(filepath.Join(root, ntfsHive), hive, 0o644))
}

// onNTFS opens the image for writing as a rescue does.
func onNTFS(t *testing.T, img *testdisk.NTFSImage, f func(v *offline.Volume)) {
	t.Helper()
	loop := attach(t, img.Path, false)
	if err := mountAndUse(t, loop.Path, f); err != nil {
		t.Fatal(err)
	}
	if err := loop.Detach(deadline(t)); err != nil {
		t.Fatal(err)
	}
}

// What a change writes to the disk is what it means to: bytes of the file itself,
// its record and its name's entry in the directory; where the file grows the
// bitmap of clusters; for a new file a record and a descriptor. Nothing else on the
// whole volume, the log included, moves.
func TestNTFSWritesNothingElse(t *testing.T) {
	testdisk.Need(t, "ntfscluster")
	img := ntfsImage(t, ntfsTree)
	long := strings.Repeat("longer\r\n", 1024)
	name := map[uint64]string{0: "$MFT", 9: "$Secure", 69: "new"}
	for _, c := range []struct {
		what   string
		change func(v *offline.Volume) offline.Change
		wrote  []string
	}{
		{"nothing", nil, nil},
		{"edit in the record", edit(ntfsSmall, "type: random   \r\n"), []string{"record of config", "record of small.yml"}},
		{"edit that grows", edit(ntfsSmall, long), []string{"$Bitmap", "clusters of small.yml", "record of config", "record of small.yml"}},
		{"edit of clusters", edit(ntfsSmall, "S"+long[1:]), []string{"clusters of small.yml", "record of config", "record of small.yml"}},
		{"create", create, []string{"$MFTMirr", "clusters of $MFT", "clusters of $Secure", "record of $MFT", "record of $Secure", "record of System32", "record of config"}},
		{"remove", func(v *offline.Volume) offline.Change { return create(v).Invert() }, []string{"clusters of $MFT", "record of System32", "record of config", "record of new"}},
		{"patch", patch, []string{"clusters of SOFTWARE", "record of SOFTWARE", "record of config"}},
	} {
		before := read(t, img.Path)
		onNTFS(t, img, func(v *offline.Volume) {
			for _, p := range []string{ntfsSmall, ntfsHive, path.Dir(ntfsHive), "/Windows/System32"} {
				info, err := v.Lstat(p)
				if err != nil {
					t.Error(err)
				}
				name[info.Ino] = path.Base(p)
			}
			if c.change == nil {
				return
			}
			if err := v.Apply(c.change(v)); err != nil {
				t.Error(err)
			}
		})
		after := read(t, img.Path)
		if diff := cmp.Diff(c.wrote, owners(t, img.Path, before, after, name)); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
		if c.what == "patch" {
			onlyPatched(t, before, after)
		}
	}
}

func edit(at, content string) func(v *offline.Volume) offline.Change {
	return func(v *offline.Volume) offline.Change {
		f, err := v.Snapshot(at, 1<<20)
		if err != nil {
			return offline.Change{}
		}
		g := f.Clone()
		g.Data = []byte(content)
		return offline.Change{Path: at, Before: f, After: g}
	}
}

func create(*offline.Volume) offline.Change {
	return offline.Change{Path: path.Dir(ntfsHive) + "/new", After: offline.NTFSFile([]byte("new"))}
}

const patchAt = 0x80020

func patch(v *offline.Volume) offline.Change {
	old := make([]byte, 4)
	f, err := v.SnapshotAttributes(ntfsHive)
	if err == nil {
		_, err = v.ReadAt(ntfsHive, old, patchAt)
	}
	if err != nil {
		return offline.Change{}
	}
	return offline.Change{Path: ntfsHive, Before: f, After: f, Patches: []offline.Patch{{Offset: patchAt, Before: old, After: []byte("1234")}}}
}

// onlyPatched compares the hive's clusters byte by byte.
func onlyPatched(t *testing.T, before, after []byte) {
	t.Helper()
	start := bytes.Index(before, []byte("\x00\x00\x00\x00\x00\x00\xed\xfe\x08"))
	for i := range 1 << 20 {
		was, is := before[start+i], after[start+i]
		if i >= patchAt && i < patchAt+4 {
			was = "1234"[i-patchAt]
		}
		if is != was {
			t.Fatalf("byte %#x of the hive is %#x", i, is)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var clusterOwner = regexp.MustCompile(`(?m)^Inode (\d+) (\S+)$`)

// owners names, sorted, to whom the bytes belong that differ: records by their
// number, other clusters by what ntfscluster says.
func owners(t *testing.T, image string, before, after []byte, name map[uint64]string) (found []string) {
	t.Helper()
	const cluster, record = 4096, 1024
	table := int(binary.LittleEndian.Uint64(before[48:])) * cluster
	seen := map[string]bool{}
	for at := 0; at < len(before); at += record {
		if bytes.Equal(before[at:at+record], after[at:at+record]) {
			continue
		}
		owner := ""
		if inode := uint64(at-table) / record; at >= table && string(before[at:at+4]) == "FILE" && inode < 1000 {
			owner = "record of " + orElse(name[inode], fmt.Sprint(inode))
		} else {
			owner = clusterOf(t, image, at/cluster, name)
		}
		if !seen[owner] {
			seen[owner] = true
			found = append(found, owner)
		}
	}
	slices.Sort(found)
	return found
}

func clusterOf(t *testing.T, image string, cluster int, name map[uint64]string) string {
	t.Helper()
	out := run(t, "ntfscluster", "-f", "-c", fmt.Sprintf("%d-%d", cluster, cluster), image)
	m := clusterOwner.FindStringSubmatch(out)
	if m == nil {
		return "nobody: " + out
	}
	if inode, err := strconv.ParseUint(m[1], 10, 64); err == nil && name[inode] != "" {
		return "clusters of " + name[inode]
	}
	return strings.Split(m[2], "/")[1]
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
