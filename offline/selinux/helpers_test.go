package selinux_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// cannotRun skips a test whose tool or package is missing, and fails it where
// REGAIN_MUST_RUN says that nothing may be skipped.
func cannotRun(t *testing.T, why string, err error) {
	t.Helper()
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("must run, but %s: %v", why, err)
	}
	t.Skipf("%s: %v", why, err)
}

// tree is a directory and the Volume that looks at it.
type tree struct {
	dir string
	*offline.Volume
}

// plant makes a tree of files; a name that ends in a slash is a directory.
func plant(t *testing.T, files map[string]string) tree {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		at := p
		if !strings.HasSuffix(name, "/") {
			at = filepath.Dir(p)
		}
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if at == p {
			continue
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, dir)
}

func open(t *testing.T, dir string) tree {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return tree{dir, v}
}

// label sets the label as libselinux writes it, with the closing NUL.
func (tr tree) label(t *testing.T, name, label string) {
	t.Helper()
	err := unix.Setxattr(filepath.Join(tr.dir, name), "security.selinux", append([]byte(label), 0), 0)
	if err != nil {
		cannotRun(t, "cannot set security.selinux", err)
	}
}
