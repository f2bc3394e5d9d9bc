package machine

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
)

func newLoop(t *testing.T, offset, size int64) *loop {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 8<<20)); err != nil {
		t.Fatal(err)
	}
	l := &loop{image: image, offset: offset, size: size}
	if err := l.attach(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.file.Close() }) // it clears itself; closed twice is no harm
	return l
}

// What is written to the device is in its part of the image, and nowhere else.
func TestLoopMapsItsPart(t *testing.T) {
	testdisk.Need(t)
	l := newLoop(t, 1<<20, 2<<20)
	if size, err := l.bytes(); err != nil || size != 2<<20 {
		t.Errorf("%d bytes, %v", size, err)
	}
	if l.number < firstLoop || l.number > lastLoop {
		t.Errorf("number %d is not one of the lab's", l.number)
	}
	if _, err := l.file.WriteAt(bytes.Repeat([]byte("x"), 2<<20), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := l.file.WriteAt([]byte("y"), 2<<20); err == nil {
		t.Error("it can be written beyond its end")
	}
	if err := l.release(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(l.image)
	if err != nil || len(bytes.Trim(got, "\x00")) != 2<<20 || got[1<<20] != 'x' || got[1<<20-1] != 0 {
		t.Errorf("the image is not what was written (%v)", err)
	}
	if attribute(l.name(), "diskseq") == l.seq && attribute(l.name(), "loop/backing_file") != "" {
		t.Error("the device is still there") // under the same number there may be another by now
	}
}

// TestLoopInUse: another user keeps the device as it is, with what was written;
// a user who leaves while it is asked for lets it go.
func TestLoopInUse(t *testing.T) {
	testdisk.Need(t)
	l := newLoop(t, 0, 0)
	user, err := os.OpenFile(l.path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	if l.claimed() {
		t.Error("a plain user claims it")
	}
	for range 3 {
		if err := l.release(t.Context(), 20*time.Millisecond); !errors.Is(err, ErrBusy) {
			t.Fatalf("got %v, want ErrBusy", err)
		}
	}
	if _, err := user.WriteAt([]byte("late"), 0); err != nil {
		t.Fatal(err)
	}
	leaving := time.AfterFunc(50*time.Millisecond, func() { user.Close() })
	defer leaving.Stop()
	if err := l.release(t.Context(), 5*time.Second); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(l.image); err != nil || !bytes.HasPrefix(text, []byte("late")) {
		t.Errorf("what the user wrote is lost (%v)", err)
	}
}

func TestLoopClaimed(t *testing.T) {
	testdisk.Need(t)
	l := newLoop(t, 0, 0)
	fd, err := unix.Open(l.path(), unix.O_RDONLY|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !l.claimed() {
		t.Error("an exclusive user is not seen")
	}
	if err := unix.Close(fd); err != nil || l.claimed() {
		t.Errorf("claimed by nobody (%v)", err)
	}
}

// Nobody gets a number that another one has.
func TestLoopsHaveNumbersOfTheirOwn(t *testing.T) {
	testdisk.Need(t)
	var group sync.WaitGroup
	loops := make([]*loop, 12)
	for i := range loops {
		image := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(image, bytes.Repeat([]byte{byte(i)}, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
		loops[i] = &loop{image: image}
		group.Go(func() {
			if err := loops[i].attach(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, l := range loops {
		first := make([]byte, 1)
		if _, err := l.file.ReadAt(first, 0); err != nil || first[0] != byte(i) {
			t.Errorf("%s shows image %d, want %d (%v)", l.path(), first[0], i, err)
		}
		group.Go(func() {
			if err := l.release(t.Context(), 5*time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestSpareLoops: beside those that are in use there are free ones, up to the limit.
func TestSpareLoops(t *testing.T) {
	testdisk.Need(t)
	free := func() (n int) {
		for number := range freeLoops {
			name := "loop" + strconv.Itoa(number)
			if _, err := os.Stat("/sys/block/" + name); err == nil && attribute(name, "loop/backing_file") == "" {
				n++
			}
		}
		return n
	}
	if err := makeSpareLoops(spareLoops, freeLoops); err != nil {
		t.Fatal(err)
	}
	if n := free(); n < spareLoops/2 { // others take some meanwhile
		t.Errorf("%d are free, want %d", n, spareLoops)
	}
	if err := makeSpareLoops(1<<20, 1); err != nil {
		t.Error(err)
	}
}

func TestLoopOverNothing(t *testing.T) {
	testdisk.Need(t)
	l := &loop{image: filepath.Join(t.TempDir(), "none")}
	if err := l.attach(); err == nil || !strings.Contains(err.Error(), "cannot open image") {
		t.Errorf("got %v", err)
	}
}

// TestLoopsOver finds what lies on a device, also when its path means nothing here.
func TestLoopsOver(t *testing.T) {
	testdisk.Need(t)
	below := newLoop(t, 0, 0)
	above := &loop{image: below.path(), offset: 4096}
	if err := above.attach(); err != nil {
		t.Fatal(err)
	}
	defer above.file.Close()
	found := loopsOver(below.device())
	if len(found) != 1 || found[0].path != above.path() || found[0].device != above.device() {
		t.Errorf("%+v", found)
	}
	if found := loopsOver(above.device()); len(found) != 0 {
		t.Errorf("above the top: %+v", found)
	}
	clearAbove(below.device())
	above.file.Close()
	if !poll(t.Context(), 5*time.Second, func() bool { return len(loopsOver(below.device())) == 0 }) {
		t.Error("it is still there")
	}
	if err := below.release(t.Context(), 5*time.Second); err != nil {
		t.Error(err)
	}
}

func TestPoll(t *testing.T) {
	calls := 0
	if !poll(t.Context(), time.Minute, func() bool { calls++; return calls == 3 }) || calls != 3 {
		t.Errorf("after %d calls", calls)
	}
	if poll(t.Context(), 10*time.Millisecond, func() bool { return false }) {
		t.Error("never came true")
	}
}
