package tcpwrap

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

func readBytes(b []byte) readAt {
	return func(buf []byte, at int64) (int, error) {
		n, err := bytes.NewReader(b).ReadAt(buf, at)
		if err == io.EOF {
			err = nil
		}
		return n, err
	}
}

func TestNeededAsDebugELF(t *testing.T) {
	testdisk.Need(t, "sshd")
	for _, path := range []string{"/usr/sbin/sshd", "/bin/sh", "/usr/bin/ssh"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		want, err := f.ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := needed(readBytes(data)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", path, got, err, want)
		}
	}
}

func TestLinked(t *testing.T) {
	testdisk.Need(t, "sshd")
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for path, want := range map[string]bool{"/usr/sbin/sshd": true, "/usr/bin/ssh": false} {
		if got, err := Linked(v, path); err != nil || got != want {
			t.Errorf("Linked(%s) = %v, %v; want %v", path, got, err, want)
		}
	}
	if _, err := Linked(v, "/etc/passwd"); err == nil {
		t.Error("a text file has no dynamic section, and no error came")
	}
}

func FuzzNeeded(f *testing.F) {
	if data, err := os.ReadFile("/bin/true"); err == nil {
		f.Add(data[:min(len(data), 1<<14)])
	}
	f.Add([]byte("\x7fELF\x01\x01\x01 a very short file, padded to sixty-four bytes ............"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := needed(readBytes(data))
		if err != nil && names != nil {
			t.Error("names beside an error")
		}
	})
}
