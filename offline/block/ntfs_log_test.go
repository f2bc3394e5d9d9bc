package block_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline/block"
)

// What the log says is what ntfs-3g.probe says.
func TestNTFSLogAgainstTool(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "ntfs-3g.probe")
	nothing := func(*testdisk.NTFSImage) error { return nil }
	cases := map[string]struct {
		make func(*testdisk.NTFSImage) error
		why  string
		exit int
		info block.NTFSInfo
	}{
		"unused": {nothing, "", 0, block.NTFSInfo{Log: block.LogClosed}},
		"closed": {func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, true) }, "", 0, block.NTFSInfo{Log: block.LogClosed}},
		"open":   {func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, "the log was not closed", 15, block.NTFSInfo{Log: block.LogOpen}},
		"cached": {func(img *testdisk.NTFSImage) error { return img.SetLog(2, 0, true) },
			"Windows keeps a part of the volume in its memory (fast start-up or hibernation)", 14, block.NTFSInfo{Log: block.LogKept}},
		"open and dirty": {func(img *testdisk.NTFSImage) error { return errors.Join(img.SetLog(1, 1, false), img.MarkDirty()) },
			"the volume is marked dirty, the log was not closed", 15, block.NTFSInfo{Marked: true, Log: block.LogOpen}},
		"not a log": {func(img *testdisk.NTFSImage) error {
			return errors.Join(img.SetLog(1, 1, false), replaceAll(img.Path, "RSTR", "XXXX"))
		}, "", 15, block.NTFSInfo{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			img, err := testdisk.NewNTFS(context.Background(), filepath.Join(t.TempDir(), "ntfs.img"), 64<<20)
			if err := errors.Join(err, c.make(img)); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("ntfs-3g.probe", "--readwrite", img.Path)
			_ = cmd.Run() // the code is what counts
			if got := cmd.ProcessState.ExitCode(); got != c.exit {
				t.Errorf("ntfs-3g.probe ends with %d, want %d", got, c.exit)
			}
			f, err := os.Open(img.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			sb, err := block.Probe(f, 64<<20)
			if err != nil {
				t.Fatal(err)
			}
			if !sb.DirtyKnown || sb.Dirty != (c.why != "") || sb.Why != c.why {
				t.Errorf("dirty: %v, %q, want %q", sb.Dirty, sb.Why, c.why)
			}
			if *sb.NTFS != c.info {
				t.Errorf("it is %+v, want %+v", *sb.NTFS, c.info)
			}
			if said := strings.Join(sb.Warnings, "; "); (said == "$LogFile cannot be read") != (name == "not a log") {
				t.Errorf("warnings %q", said)
			}
		})
	}
}

func replaceAll(path, old, now string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.ReplaceAll(string(data), old, now)), 0o600)
}
