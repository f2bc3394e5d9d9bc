package testdisk

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSum: every byte and its place count, and a hole is as good as zeroes.
func TestSum(t *testing.T) {
	dir, seen := t.TempDir(), map[string]string{}
	made := func(name string, size int64, at int64, text string) string {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(size); err != nil {
			t.Fatal(err)
		}
		sum, err := Sum(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	for name, sum := range map[string]string{
		"empty": made("empty", 0, 0, ""), "hole": made("hole", 3<<20+1, 0, ""), "shorter hole": made("shorter", 3<<20, 0, ""),
		"first": made("first", 3<<20+1, 0, "x"), "last": made("last", 3<<20+1, 3<<20, "x"), "middle": made("middle", 3<<20+1, 1<<20-1, "xy"),
		"one on": made("on", 3<<20+1, 1<<20, "xy"), "a block on": made("block", 3<<20+1, 1<<20+4095, "xy"), "other": made("other", 3<<20+1, 1<<20, "xz"),
	} {
		if seen[sum] != "" {
			t.Errorf("%s and %s have the same sum", name, seen[sum])
		}
		seen[sum] = name
	}
	if zeroes := made("zeroes", 3<<20+1, 5000, string(make([]byte, 70000))); seen[zeroes] != "hole" {
		t.Error("zeroes are no hole")
	}
	if again := made("again", 3<<20+1, 1<<20, "xy"); seen[again] != "one on" {
		t.Error("the same is another")
	}
	if _, err := Sum(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there has a sum")
	}
}
