package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// holding names the files below the directories that hold one of the texts. Holes
// of disk images are passed over: there are many times more of them than of data.
func holding(t testing.TB, texts []string, dirs ...string) (found []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return ignoreGone(err)
			}
			holds, err := fileHolds(path, texts)
			if holds {
				found = append(found, path)
			}
			return ignoreGone(err)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func fileHolds(path string, texts []string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for at := int64(0); ; {
		from, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if at, err = unix.Seek(int(f.Fd()), from, unix.SEEK_HOLE); err != nil {
			return false, err
		}
		if holds, err := rangeHolds(f, from, at, texts); holds || err != nil {
			return holds, err
		}
	}
}

// telling is how much of a text's end is looked for: enough to tell it from all
// others (a line of a key may begin with what all keys have there), and as much as
// bytes.Index finds without Go code, which takes most of the time of all tests under
// the race detector.
const telling = 31

// rangeHolds reads a range in pieces that overlap by more than any text is long.
func rangeHolds(f *os.File, from, to int64, texts []string) (bool, error) {
	const piece, overlap = 1 << 20, 4 << 10
	data := make([]byte, min(piece, to-from))
	for ; from < to; from += piece - overlap {
		n, err := f.ReadAt(data[:min(piece, to-from)], from)
		for _, text := range texts {
			if bytes.Contains(data[:n], []byte(text[max(0, len(text)-telling):])) {
				return true, nil
			}
		}
		if err != nil && n == 0 {
			return false, nil // it became shorter meanwhile
		}
	}
	return false, nil
}

// privateLines are lines that only the private half of a key holds: of the file
// that ssh-keygen writes, behind those with the public half.
func privateLines(key string) []string {
	lines := bytes.Split(bytes.TrimSpace([]byte(key)), []byte("\n"))
	var secret []string
	for _, line := range lines[min(len(lines), 3):] {
		if len(line) >= 40 {
			secret = append(secret, string(line))
		}
	}
	return secret
}

// noSecret looks for the private key where it must not be: in what was said, and
// below the directories. When the lab ends, all that it has is looked through.
func noSecret(t testing.TB, l *lab, key, said string, dirs ...string) {
	t.Helper()
	data, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := privateLines(string(data))
	if len(secret) == 0 {
		t.Fatalf("%s is no private key", key)
	}
	for _, line := range secret {
		if strings.Contains(said, line) {
			t.Error("the private key was said")
		}
	}
	if found := holding(t, secret, dirs...); len(found) > 0 {
		t.Errorf("the private key lies in %q", found)
	}
	l.secrets.add(secret)
}

// secrets are what no file of a lab may hold.
type secrets struct {
	mu   sync.Mutex
	list []string
}

func (s *secrets) add(texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, texts...)
}

func TestHolding(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at, text := range map[int64]string{0: "head", 1<<20 - 3: "needle", 8 << 20: "tail", 3 << 30: "end"} {
		if _, err := f.WriteAt([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]int{"needle": 1, "tail": 1, "end": 1, "none": 0} {
		if found := holding(t, []string{"other", text}, dir); len(found) != want {
			t.Errorf("%q: %v", text, found)
		}
	}
}
