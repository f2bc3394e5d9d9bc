package winroot_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline/winroot"
)

// grow makes a hive as large as those of real machines, in bins of one page, of
// which there are the most that a hive of that size can have.
func grow(size int) func(dir string) error {
	return func(dir string) error {
		const page = 4096
		name := filepath.Join(dir, windows.SoftwareHive)
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		b = slices.Grow(b, size)
		for len(b) < size {
			bin := make([]byte, page)
			copy(bin, "hbin")
			binary.LittleEndian.PutUint32(bin[4:], uint32(len(b)-page))
			binary.LittleEndian.PutUint32(bin[8:], page)
			binary.LittleEndian.PutUint32(bin[32:], page-32) // one free cell
			b = append(b, bin...)
		}
		binary.LittleEndian.PutUint32(b[40:], uint32(len(b)-page))
		hive.Seal(b[:page])
		return os.WriteFile(name, b, 0o644)
	}
}

// TestLargeHive: SOFTWARE has 60 to 120 MB on real machines. What is read of it is
// not kept, and a plan takes seconds, on a volume that nobody has read before.
func TestLargeHive(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	m := machine{Machine: windows.Machine{Release: "2019", Agents: agents(windows.EC2LaunchV1)}}
	img, err := testdisk.NewNTFS(t.Context(), filepath.Join(t.TempDir(), "windows.img"), 256<<20, func(dir string) error {
		windows.Write(t, dir, m.Machine)
		return grow(100 << 20)(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = img.View(func(dir string) error {
		v := open(t, dir)
		defer v.Close()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		p := detect(t, v).Plan(winroot.Wishes{})
		took := time.Since(begin)
		runtime.ReadMemStats(&after)
		if len(p.Changes) != 2 || len(p.Refused) > 0 {
			t.Errorf("%+v", p.Findings)
		}
		all := (after.TotalAlloc - before.TotalAlloc) >> 10
		t.Logf("detected and planned in %v, with %d KiB", took, all)
		if all > 64<<10 || took > 30*time.Second {
			t.Errorf("detecting and planning took %v and %d KiB", took, all)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
