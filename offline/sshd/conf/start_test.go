package conf

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/account"
)

// hostKeyFile makes a private key with ssh-keygen's arguments.
func hostKeyFile(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		skip(t, "ssh-keygen is missing")
	}
	path := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", append([]string{"-q", "-f", path, "-C", ""}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPrivateKey(t *testing.T) {
	good := hostKeyFile(t, "-t", "ed25519", "-N", "")
	lines := strings.Split(good, "\n")
	tests := []struct {
		name, data, kind string
		ok               bool
	}{
		{"ed25519", good, "ssh-ed25519", true},
		{"ecdsa", hostKeyFile(t, "-t", "ecdsa", "-N", ""), "ecdsa-sha2-nistp256", true},
		{"rsa", hostKeyFile(t, "-t", "rsa", "-b", "2048", "-N", ""), "ssh-rsa", true},
		{"rsa as PEM", hostKeyFile(t, "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""), "ssh-rsa", true},
		{"PKCS 8", hostKeyFile(t, "-t", "ecdsa", "-m", "PKCS8", "-N", ""), "", true},
		{"short rsa", hostKeyFile(t, "-t", "rsa", "-b", "1024", "-N", ""), "ssh-rsa", false},
		{"passphrase", hostKeyFile(t, "-t", "ed25519", "-N", "secret"), "", false},
		{"passphrase in PEM", hostKeyFile(t, "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "secret"), "", false},
		{"empty", "", "", false},
		{"public key", "ssh-ed25519 AAAA\n", "", false},
		{"cut", strings.Join(lines[:3], "\n"), "", false},
		{"cut inside", lines[0] + "\n" + lines[1] + "\n" + lines[len(lines)-2] + "\n", "", false},
		{"zeroes", strings.Repeat("\x00", 400), "", false},
	}
	for _, tt := range tests {
		kind, err := privateKey([]byte(tt.data), 2048)
		if kind != tt.kind || (err == nil) != tt.ok {
			t.Errorf("%s: got %q %v", tt.name, kind, err)
		}
	}
}

// sound is a tree whose sshd starts.
func sound(t *testing.T, key string) (string, map[string]string) {
	t.Helper()
	files := debianTree(t, map[string]string{
		"etc/ssh/ssh_host_ed25519_key": key, "usr/sbin/sshd": "x", "etc/passwd": "root:x:0:0::/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/sbin/nologin\n",
		"etc/group": "root:x:0:\nssh_keys:x:990:\n", "etc/os-release": "ID=debian\n",
	})
	dir := tree(t, files)
	modes(t, dir, map[string]os.FileMode{"etc/ssh/ssh_host_ed25519_key": 0o600, "usr/sbin/sshd": 0o755})
	return dir, files
}

func modes(t *testing.T, dir string, list map[string]os.FileMode) {
	t.Helper()
	for name, mode := range list {
		if err := chmod(name, mode)(dir); err != nil {
			t.Fatal(err)
		}
	}
}

func startProblems(t *testing.T, dir string, version Version) []Problem {
	t.Helper()
	v := openVolume(t, dir)
	inv := FindInvocation(v)
	c, err := Load(v, inv.Options(version))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	return c.StartProblems(v, inv, account.Parse(read("etc/passwd"), nil, read("etc/group"), nil))
}

func TestStartProblems(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	key := hostKeyFile(t, "-t", "ed25519", "-N", "")
	redhat := Version{Major: 8, Minor: 7, Vendor: RedHat}
	tests := []struct {
		name    string
		version Version
		change  func(dir string) error
		want    string // a part of a problem's text
		fatal   bool
	}{
		{"sound", bookworm, func(string) error { return nil }, "", false},
		{"no config", bookworm, remove("etc/ssh/sshd_config"), "no such file", true},
		{"no binary", bookworm, remove("usr/sbin/sshd"), "sshd itself is missing", true},
		{"binary not executable", bookworm, chmod("usr/sbin/sshd", 0o644), "not an executable", true},
		{"no host key", bookworm, remove("etc/ssh/ssh_host_ed25519_key"), "no host key can be loaded", true},
		{"empty host key", bookworm, write("etc/ssh/ssh_host_ed25519_key", "", 0o600), "no host key can be loaded", true},
		{"open host key", bookworm, chmod("etc/ssh/ssh_host_ed25519_key", 0o640), "is open to others", false},
		{"open host key of another", bookworm, chown("etc/ssh/ssh_host_ed25519_key", 5, 5, 0o644), "", false},
		{"group may read on Debian", bookworm, chown("etc/ssh/ssh_host_ed25519_key", 0, 990, 0o640), "no host key can be loaded", true},
		{"group may read on Red Hat", redhat, redhatKey, "", false},
		{"bad keyword", bookworm, write("etc/ssh/sshd_config", "Foo yes\n", 0o644), "not a keyword", true},
		{"no user sshd", bookworm, write("etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0o644), "the user sshd", true},
		{"unsatisfiable", bookworm, write("etc/ssh/sshd_config", "AuthenticationMethods hostbased\n", 0o644), "no list of AuthenticationMethods", true},
		{"command without user", bookworm, write("etc/ssh/sshd_config", "AuthorizedKeysCommand /bin/x\n", 0o644), "is set without", true},
		{"command is missing", bookworm, write("etc/ssh/sshd_config", "AuthorizedKeysCommand /bin/x\nAuthorizedKeysCommandUser root\n", 0o644), "is missing", false},
		{"session program", Version{Major: 9, Minor: 8, Vendor: Debian}, func(string) error { return nil }, "sshd-session is missing", true},
		{"auth program", Version{Major: 10, Minor: 0, Vendor: Debian}, func(string) error { return nil }, "sshd-auth is missing", true},
		{"separation directory", redhat, func(d string) error { return os.MkdirAll(d+"/usr/share/empty.sshd", 0o755) }, "", false},
		{"open separation directory", redhat, openSeparation, "privilege separation", false},
		{"name to resolve", bookworm, write("etc/ssh/sshd_config", "ListenAddress host.example\n", 0o644), "must resolve", false},
	}
	for _, tt := range tests {
		dir, _ := sound(t, key)
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		if tt.version.Vendor == RedHat && tt.name != "separation directory" && tt.name != "open separation directory" {
			if err := os.MkdirAll(dir+"/usr/share/empty.sshd", 0o711); err != nil {
				t.Fatal(err)
			}
		}
		list := startProblems(t, dir, tt.version)
		if !holds(list, tt.want, tt.fatal) {
			t.Errorf("%s: %+v", tt.name, list)
		}
	}
}

// holds wants a problem with the text, or none that matters when there is no text.
func holds(list []Problem, text string, isFatal bool) bool {
	if text == "" {
		for _, p := range list {
			if p.Fatal || p.Unknown {
				return false
			}
		}
		return true
	}
	for _, p := range list {
		if strings.Contains(p.Text, text) && (p.Fatal || !isFatal) {
			return true
		}
	}
	return false
}

func remove(name string) func(string) error {
	return func(dir string) error { return os.Remove(filepath.Join(dir, name)) }
}

// chmod sets the mode of a file of the tree, and of nothing else: a planted link
// would lead to the host.
func chmod(name string, mode os.FileMode) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return nil
		}
		return os.Chmod(path, mode)
	}
}

func chown(name string, uid, gid int, mode os.FileMode) func(string) error {
	return func(dir string) error {
		if err := os.Lchown(filepath.Join(dir, name), uid, gid); err != nil {
			return err
		}
		return chmod(name, mode)(dir)
	}
}

func write(name, text string, mode os.FileMode) func(string) error {
	return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), mode) }
}

func redhatKey(dir string) error { return chown("etc/ssh/ssh_host_ed25519_key", 0, 990, 0o640)(dir) }

func openSeparation(dir string) error {
	if err := os.MkdirAll(dir+"/usr/share/empty.sshd", 0o755); err != nil {
		return err
	}
	return os.Chmod(dir+"/usr/share/empty.sshd", 0o777)
}
