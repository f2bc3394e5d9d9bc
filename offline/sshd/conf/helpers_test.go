package conf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

// skip leaves a test out, unless the run demands that nothing is left out.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("must run: %s", why)
	}
	t.Skip(why)
}

// needSSHD skips without root or without a packaged sshd.
func needSSHD(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	for _, name := range []string{"/usr/sbin/sshd", "/usr/bin/ssh-keygen", "/usr/bin/unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			skip(t, name+" is missing")
		}
	}
}

// openVolume opens a directory as a volume.
func openVolume(t testing.TB, dir string) *offline.Volume {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
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

// tree writes files below a fresh directory; a text that begins with "-> " makes
// a symbolic link.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, files)
	return dir
}

func writeTree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if target, ok := cutLink(text); err == nil && ok {
			err = os.Symlink(target, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func cutLink(text string) (string, bool) {
	if len(text) > 3 && text[:3] == "-> " {
		return text[3:], true
	}
	return "", false
}

// load reads the configuration of a tree.
func load(t testing.TB, files map[string]string, o Options) *Config {
	t.Helper()
	c, err := Load(openVolume(t, tree(t, files)), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fatal(list []Problem) []Problem {
	var out []Problem
	for _, p := range list {
		if p.Fatal {
			out = append(out, p)
		}
	}
	return out
}

func release(t testing.TB, raw string) Version {
	t.Helper()
	v, ok := ParseVersion(raw)
	if !ok {
		t.Fatalf("bad version %q", raw)
	}
	return v
}
