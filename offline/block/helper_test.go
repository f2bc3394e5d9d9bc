package block

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cannotRun skips a test that lacks something of the machine, and fails it
// where everything has to run.
func cannotRun(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func needTools(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			cannotRun(t, "needs the program %s: %v", name, err)
		}
	}
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		cannotRun(t, "needs root")
	}
}

// run returns standard output and fails the test if the program fails.
func run(t testing.TB, stdin string, name string, args ...string) string {
	t.Helper()
	needTools(t, name)
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out.String(), errs.String())
	}
	return out.String()
}

// blank makes a sparse file of size bytes.
func blank(t testing.TB, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened gives the file and its size, as Probe and the others want them.
func opened(t testing.TB, path string) (*os.File, int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Size()
}

func probeFile(t testing.TB, path string) *Superblock {
	t.Helper()
	f, size := opened(t, path)
	sb, err := Probe(f, size)
	if err != nil {
		t.Fatal(err)
	}
	if sb == nil {
		t.Fatal("nothing recognised")
	}
	return sb
}

func writeAt(t testing.TB, path string, off int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, off); err != nil {
		t.Fatal(err)
	}
}

// blkid parses the export format of the low-level probe. Some bytes come out
// in the notation of cat -v, so labels here stay within ASCII.
func blkid(t testing.TB, path string) map[string]string {
	t.Helper()
	tags := map[string]string{}
	for line := range strings.Lines(run(t, "", "blkid", "-p", "-o", "export", path)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		tags[key] = unescape(value)
	}
	return tags
}

func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// loopDevice attaches the image until the end of the test.
func loopDevice(t testing.TB, path string) string {
	t.Helper()
	needRoot(t)
	dev := strings.TrimSpace(run(t, "", "losetup", "--find", "--show", path))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	return dev
}

// same fails with the field's name when blkid and we disagree.
func same(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func hasString(list []string, part string) bool {
	for _, s := range list {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}
