package block

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// updateSeeds makes testdata/seeds anew with the real tools:
// go test ./offline/block -run TestSeeds -update-seeds
var updateSeeds = flag.Bool("update-seeds", false, "rewrite testdata/seeds from the output of the real tools")

// seedLimit keeps the long copies of text and JSON out of the repository.
const seedLimit = 24 << 10

// A seed is what Scan reads of a real image. The file's name is
// "what_SIZE_TYPE" with blanks as "-".
type seed struct {
	name string
	size int64
	typ  Type
	data []byte
}

func loadSeeds(t testing.TB) []seed {
	t.Helper()
	paths, err := filepath.Glob("testdata/seeds/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no seeds: %v", err)
	}
	var seeds []seed
	for _, path := range paths {
		parts := strings.SplitN(filepath.Base(path), "_", 3)
		size, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seed{parts[0], size, Type(parts[2]), data})
	}
	return seeds
}

// TestSeeds shows that what the tools made once is still recognised, on
// machines that do not have the tools.
func TestSeeds(t *testing.T) {
	if *updateSeeds {
		writeSeeds(t)
	}
	for _, s := range loadSeeds(t) {
		d, err := Scan(decodeSparse(s.data, s.size), s.size)
		if err != nil {
			t.Fatal(err)
		}
		if s.typ == "table" {
			if len(d.Table.Partitions) == 0 {
				t.Errorf("%s: no partitions: %q", s.name, d.Table.Warnings)
			}
			continue
		}
		if len(d.Contents) != 1 || d.Contents[0].Superblock == nil || d.Contents[0].Superblock.Type != s.typ {
			t.Errorf("%s: got %+v", s.name, d.Contents)
		}
	}
}

func writeSeeds(t *testing.T) {
	if err := os.RemoveAll("testdata/seeds"); err != nil {
		t.Fatal(err)
	}
	for _, c := range mkfsCases {
		path := blank(t, c.size)
		args := strings.Fields(strings.ReplaceAll(c.command, "IMAGE", path))
		run(t, "", args[0], args[1:]...)
		saveSeed(t, c.name, path, c.typ)
	}
	for _, c := range scripts {
		if path := blank(t, 256*mib); !strings.Contains(c.name, "empty") {
			run(t, c.script, "sfdisk", "-q", path)
			saveSeed(t, c.name, path, "table")
		}
	}
	for _, v := range []string{"0.90.0", "1.0", "1.1", "1.2"} {
		saveSeed(t, "md "+v, mdImage(t, v, 16*mib), LinuxRAID)
	}
	saveSeed(t, "luks1", luksImage(t, "--type luks1"), LUKS)
	saveSeed(t, "luks2", luksImage(t, "--type luks2"), LUKS)
	path := blank(t, 64*mib)
	dev := loopDevice(t, path)
	lvm(t, dev, "pvcreate", "-q", dev)
	lvm(t, dev, "vgcreate", "-q", "vg0", dev)
	lvm(t, dev, "lvcreate", "-q", "-an", "-Zn", "-Wn", "-n", "root", "-L", "32M", "vg0")
	saveSeed(t, "lvm", path, LVM2)
}

func saveSeed(t *testing.T, name, path string, typ Type) {
	f, size := opened(t, path)
	r := &recorder{f, map[int64][]byte{}}
	if _, err := Scan(r, size); err != nil {
		t.Fatal(err)
	}
	data := r.encode(slices.Sorted(maps.Keys(r.seen)))
	data = data[:min(len(data), seedLimit)]
	if err := os.MkdirAll("testdata/seeds", 0o755); err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("%s_%d_%s", strings.NewReplacer(" ", "-", "_", "-").Replace(name), size, typ)
	if err := os.WriteFile(filepath.Join("testdata/seeds", base), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
