package linuxroot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// tree plants files in a new directory and opens it. "-> target" makes a
// symbolic link, a name that ends in a slash a directory, "!" a file of mode 0755.
func tree(t testing.TB, files map[string]string) *offline.Volume {
	t.Helper()
	dir := t.TempDir()
	plant(t, dir, files)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func plant(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(content, "-> "); link {
			err = os.Symlink(target, p)
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(p, 0o755)
		} else {
			err = os.WriteFile(p, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// with adds to a copy of a set of files.
func with(base map[string]string, more map[string]string) map[string]string {
	out := map[string]string{}
	for k, value := range base {
		out[k] = value
	}
	for k, value := range more {
		out[k] = value
	}
	return out
}

// program finds a program that serves as oracle. Where it must run (CI says so
// with REGAIN_MUST_RUN=1) its absence is a failure, else the test is skipped.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("none of %q is installed", names)
	}
	t.Skipf("none of %q is installed", names)
	return ""
}

// output runs an oracle.
func output(t *testing.T, env []string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %v", name, err) // oracles exit with an error after refusing a line
	}
	return out
}
