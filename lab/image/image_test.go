package image

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCopy copies images with data at odd places, and wants the same bytes in no
// more blocks.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for name, at := range map[string][]int64{
		"empty": {}, "begin": {0}, "end": {8<<20 - 5}, "both": {0, 8<<20 - 5}, "middle": {3<<20 + 7, 5 << 20},
	} {
		from, to := filepath.Join(dir, name), filepath.Join(dir, name+".copy")
		if err := Create(from, 8<<20); err != nil {
			t.Fatal(err)
		}
		scribble(t, from, random, at)
		if err := Copy(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		a, b := read(t, from), read(t, to)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the copy differs", name)
		}
		if blocks(t, to) > blocks(t, from)+8 {
			t.Errorf("%s: the copy has %d blocks, the image %d", name, blocks(t, to), blocks(t, from))
		}
	}
	wantNoTemporaries(t, dir)
}

func TestCopyIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := Create(from, 4<<20); err != nil {
		t.Fatal(err)
	}
	scribble(t, from, rand.New(rand.NewPCG(1, 2)), []int64{0})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Copy(ctx, from, to)
	if err == nil { // cloned, which takes no time
		t.Skip("the file system shares blocks")
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a copy is there: %v", err)
	}
	wantNoTemporaries(t, dir)
}

func TestCopyOfNothing(t *testing.T) {
	dir := t.TempDir()
	if err := Copy(t.Context(), filepath.Join(dir, "none"), filepath.Join(dir, "to")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is none", err)
	}
	wantNoTemporaries(t, dir)
}

func TestCreateAndGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	if err := Create(path, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, 1<<20); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	for _, step := range []struct{ ask, want int64 }{{2 << 20, 2 << 20}, {1 << 20, 2 << 20}} {
		if err := Grow(path, step.ask); err != nil {
			t.Fatal(err)
		}
		if got := int64(len(read(t, path))); got != step.want {
			t.Errorf("grown to %d: %d bytes, want %d", step.ask, got, step.want)
		}
	}
	if err := Grow(path+".none", 1); err == nil {
		t.Error("grew an image that does not exist")
	}
	if err := Create(filepath.Join(path, "below", "a", "file"), 1); err == nil {
		t.Error("created an image below a file")
	}
}

func scribble(t *testing.T, path string, random *rand.Rand, at []int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, offset := range at {
		if _, err := f.WriteAt([]byte{1, 2, 3, byte(random.IntN(256)), 5}, offset); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func blocks(t *testing.T, path string) int64 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Blocks
}

func wantNoTemporaries(t *testing.T, dir string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
