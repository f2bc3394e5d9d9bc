package windows

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// TestMend: what was not closed is, nothing else is touched, and hivex reads it.
func TestMend(t *testing.T) {
	testdisk.Need(t, "hivexget")
	for name, tt := range map[string]struct {
		breaks func(path string)
		want   bool
	}{
		"sound":           {func(string) {}, false},
		"sequence":        {func(path string) { hive.SetSequences(t, path, 3, 2) }, true},
		"other sequence":  {func(path string) { hive.SetSequences(t, path, 2, 3) }, true},
		"checksum":        {func(path string) { hive.BreakChecksum(t, path) }, true},
		"another's bytes": {func(path string) { overwrite(t, path, "xxxx") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hive")
			hive.Create(t, path, "[Key]\nValue = sz:text\n")
			tt.breaks(path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			block := bytes.Clone(before[:baseBlock])
			if got := mend(block); got != tt.want || got == bytes.Equal(block, before[:baseBlock]) {
				t.Fatalf("mended: %v, want %v", got, tt.want)
			}
			if !tt.want {
				return
			}
			if mend(bytes.Clone(block)) {
				t.Error("it is mended once more")
			}
			overwrite(t, path, string(block))
			if out, err := exec.CommandContext(t.Context(), "hivexget", path, `Key`, "Value").CombinedOutput(); err != nil || string(out) != "text\n" {
				t.Errorf("hivexget says %q, %v", out, err)
			}
		})
	}
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestSum: the two sums that a hive cannot have.
func TestSum(t *testing.T) {
	if got := sum(make([]byte, baseBlock)); got != 1 {
		t.Errorf("0 gives %#x", got)
	}
	if got := sum(append(bytes.Repeat([]byte{0xff}, 4), make([]byte, baseBlock)...)); got != 0xfffffffe {
		t.Errorf("0xffffffff gives %#x", got)
	}
}

// TestRuns: the clusters of a file, as ntfscluster lists them.
func TestRuns(t *testing.T) {
	const listing = "Dump: /$LogFile\n    0x10 - resident\n    0x80 - non-resident\n             VCN     LCN     Length\n" +
		"               0     8192      512\n             512      100        8\n"
	if first, clusters := runs(listing); first != 8192 || clusters != 520 {
		t.Errorf("%d clusters from %d on", clusters, first)
	}
	if first, clusters := runs("nothing"); first != 0 || clusters != 0 {
		t.Errorf("%d clusters from %d on", clusters, first)
	}
}
