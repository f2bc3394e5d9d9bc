package mount_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/mount"
)

// pattern is a file of sectors, each full of its own number.
func pattern(t *testing.T, sectors int) *os.File {
	t.Helper()
	testdisk.Need(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "pattern"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	for i := range sectors {
		if _, err := f.Write(bytes.Repeat([]byte{byte(i)}, 512)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestAttachLoopRange(t *testing.T) {
	f := pattern(t, 16)
	loop := attachRange(t, f, 3*512, 8*512, false)
	got, err := os.ReadFile(loop.Path)
	if err != nil || len(got) != 8*512 || got[0] != 3 || got[len(got)-1] != 10 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	inner := attachRange(t, loop.File, 512, 2*512, true) // a partition of a block device
	if got, err := os.ReadFile(inner.Path); err != nil || len(got) != 2*512 || got[0] != 4 || got[1023] != 5 {
		t.Errorf("inner: %d bytes, %v", len(got), err)
	}
	if err := writeSector(inner.Path); err == nil {
		t.Error("a read-only loop can be written")
	}
	if err := writeSector(loop.Path); err != nil {
		t.Error(err)
	}
	if err := errors.Join(inner.Detach(deadline(t)), loop.Detach(deadline(t)), loop.Detach(deadline(t)), loop.Close()); err != nil {
		t.Error(err)
	}
}

func writeSector(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_SYNC, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(make([]byte, 512))
	return err
}

func TestAttachLoopRefuses(t *testing.T) {
	f := pattern(t, 4)
	for _, c := range []struct {
		offset, size int64
		want         string
	}{
		{0, 0, "not within"}, {0, -512, "not within"}, {-512, 512, "not within"}, {0, 5 * 512, "not within"},
		{4 * 512, 512, "not within"}, {1 << 62, 1 << 62, "not within"}, {512, 1<<63 - 512, "not within"},
		{1, 512, "not whole sectors"}, {0, 511, "not whole sectors"},
	} {
		loop, err := mount.AttachLoop(t.Context(), f, c.offset, c.size, true)
		if err == nil {
			loop.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Other processes take loop devices at the same time; so do we, from ourselves.
func TestAttachLoopRace(t *testing.T) {
	f := pattern(t, 16)
	loops := make([]*mount.Loop, 16)
	errs := make([]error, len(loops))
	var wg sync.WaitGroup
	for i := range loops {
		wg.Go(func() { loops[i], errs[i] = mount.AttachLoop(t.Context(), f, int64(i)*512, 512, true) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	for i, l := range loops {
		if l == nil {
			continue
		}
		if got, err := os.ReadFile(l.Path); err != nil || len(got) != 512 || got[0] != byte(i) {
			t.Errorf("loop %d reads %d bytes, %v", i, len(got), err)
		}
		if err := l.Detach(deadline(t)); err != nil {
			t.Error(err)
		}
	}
	if left := backing(t, f.Name()); left != nil {
		t.Errorf("still attached: %v", left)
	}
}

func TestCancelled(t *testing.T) {
	loop := attach(t, image(t, "ext4"), false)
	m := open(t, loop, mount.Options{Type: "ext4"})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := loop.Idle(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("idle while mounted: %v", err)
	}
	if err := loop.Detach(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "still open") {
		t.Errorf("detach while mounted: %v", err)
	}
	m.close()
}

// Closing the last descriptor unmounts, though not the first ones.
func TestIdleWaitsForTheLastDescriptor(t *testing.T) {
	loop := attach(t, image(t, "ext4"), false)
	m := open(t, loop, mount.Options{Type: "ext4"})
	inside, err := unix.Openat(m.fd, ".", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.close()
	done := make(chan error)
	go func() { done <- loop.Idle(deadline(t)) }()
	select {
	case err := <-done:
		t.Fatalf("idle with a directory open: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	unix.Close(inside)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Two partitions of one image, each behind its own loop, written at once.
func TestTwoPartitions(t *testing.T) {
	one, two := image(t, "ext4"), image(t, "btrfs")
	disk := filepath.Join(t.TempDir(), "disk")
	const gap = 1 << 20
	var offsets, sizes []int64
	f, err := os.Create(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := int64(gap)
	for _, p := range []string{one, two} {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
		offsets, sizes = append(offsets, at), append(sizes, int64(len(b)))
		at += int64(len(b)) + gap
	}
	if err := f.Truncate(at); err != nil {
		t.Fatal(err)
	}
	var trees []*tree
	for i, fstype := range []string{"ext4", "btrfs"} {
		m := open(t, attachRange(t, f, offsets[i], sizes[i], false), mount.Options{Type: fstype})
		m.write("name", fstype)
		trees = append(trees, m)
	}
	for _, m := range trees {
		m.close()
		if err := m.loop.Detach(deadline(t)); err != nil {
			t.Error(err)
		}
	}
	if err := mount.Flush(f); err != nil {
		t.Error(err)
	}
	if left := backing(t, disk); left != nil {
		t.Errorf("still attached: %v", left)
	}
	for i, fstype := range []string{"ext4", "btrfs"} {
		m := open(t, attachRange(t, f, offsets[i], sizes[i], true), mount.Options{Type: fstype, ReadOnly: true})
		if got := m.read("name"); got != fstype {
			t.Errorf("%s: reads %q", fstype, got)
		}
	}
}
