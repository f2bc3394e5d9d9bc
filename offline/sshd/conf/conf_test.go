package conf

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
)

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

// tree writes files below a fresh directory.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDetectHost(t *testing.T) {
	v := openVolume(t, "/")
	version, err := DetectVersion(v)
	t.Logf("%+v %v", version.Raw, err)
	for _, w := range []string{"debianbanner", "channeltimeout", "requiredrsasize", "refuseconnection", "authorizedkeysfile", "ssh-rsa", "sntrup761x25519-sha512", "port", "macs", "rsaminsize"} {
		t.Log(w, version.Has(w))
	}
	t.Log(version.Links("libwrap.so"), version.Links("libpam.so"))
	c, err := Load(v, Options{Version: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(c.Problems)
	e := c.Evaluate(Connection{User: "root"})
	t.Log(e.First("UsePAM"), e.First("AcceptEnv"), e.All("subsystem"))
	t.Log(e.AuthorizedKeysPaths("root", "/root", 0))
	t.Log(e.Algorithms("pubkeyacceptedalgorithms"))
}
