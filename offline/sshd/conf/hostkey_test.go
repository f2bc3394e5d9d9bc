package conf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHostKeyFiles: what may stand where a host key should.
func TestHostKeyFiles(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	const name = "etc/ssh/ssh_host_ed25519_key"
	key := hostKeyFile(t, "-t", "ed25519", "-N", "")
	base := with(debian12(t), name, "", "etc/ssh/elsewhere", key)
	for _, tt := range []struct {
		name    string
		change  func(dir string) error
		loads   Tri
		missing bool
		text    string
	}{
		{"a key", write(name, key, 0o600), Yes, false, ""},
		{"a key with a comment before it", write(name, "# mine\n"+key, 0o600), No, false, "not a private key"},
		{"a key of Windows line ends", write(name, strings.ReplaceAll(key, "\n", "\r\n"), 0o600), No, false, ""},
		{"nothing", func(string) error { return nil }, No, true, "no such file"},
		{"an empty file", write(name, "", 0o600), No, false, "not a private key"},
		{"zeroes after a crash", write(name, strings.Repeat("\x00", 399), 0o600), No, false, "not a private key"},
		{"half a key", write(name, key[:200], 0o600), No, false, ""},
		{"a passphrase", write(name, hostKeyFile(t, "-t", "ed25519", "-N", "secret"), 0o600), No, false, "passphrase"},
		{"the public key", write(name, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== root@host\n", 0o600), No, false, "not a private key"},
		{"a certificate request", write(name, "-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n", 0o600), No, false, ""},
		{"open to all", write(name, key, 0o644), No, false, "open to others"},
		{"open to the group", write(name, key, 0o640), No, false, "open to others"},
		{"a directory", func(d string) error { return os.Mkdir(filepath.Join(d, name), 0o700) }, No, false, "not a regular file"},
		{"a pipe", func(d string) error { return unix.Mkfifo(filepath.Join(d, name), 0o600) }, No, false, "not a regular file"},
		{"a link to a key that is open", func(d string) error { return os.Symlink("elsewhere", filepath.Join(d, name)) }, No, false, "open to others"},
		{"a link to a closed key", func(d string) error {
			return errors.Join(os.Chmod(filepath.Join(d, "etc/ssh/elsewhere"), 0o600), os.Symlink("/etc/ssh/elsewhere", filepath.Join(d, name)))
		}, Yes, false, ""},
		{"a link into nowhere", func(d string) error { return os.Symlink("/run/keys/host", filepath.Join(d, name)) }, No, true, "no such file"},
		{"a link to itself", func(d string) error { return os.Symlink("ssh_host_ed25519_key", filepath.Join(d, name)) }, No, false, ""},
	} {
		dir := plant(t, base)
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() && !strings.HasPrefix(tt.name, "open") {
			modes(t, dir, map[string]os.FileMode{name: 0o600})
		}
		v := openVolume(t, dir)
		c, err := Load(v, Options{Version: bookworm, HostKeys: []string{"/" + name}})
		if err != nil {
			t.Fatal(err)
		}
		keys := c.HostKeys(v, accounts(t, dir))
		if len(keys) != 1 {
			t.Fatalf("%s: %d keys", tt.name, len(keys))
		}
		if k := keys[0]; k.Loadable != tt.loads || k.Missing != tt.missing || !strings.Contains(k.Text, tt.text) || (k.Type == "ssh-ed25519") != (tt.loads == Yes) {
			t.Errorf("%s: got %+v", tt.name, k)
		}
	}
}

// TestWhichHostKeys: the list that is tried, by what names it.
func TestWhichHostKeys(t *testing.T) {
	const standard = "/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key"
	for _, tt := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"none said", "", Options{Version: bookworm}, standard},
		{"DSA until 7.5", "", Options{Version: Version{Major: 7, Minor: 4}}, "/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_dsa_key /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key"},
		{"no Ed25519 in CentOS 6", "", Options{Version: Version{Major: 5, Minor: 3}}, "/etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_dsa_key"},
		{"one in the file", "HostKey /k1\n", Options{Version: bookworm}, "/k1"},
		{"two in the file", "HostKey /k1\nHostKey /k2\n", Options{Version: bookworm}, "/k1 /k2"},
		{"on the command line", "", Options{Version: bookworm, HostKeys: []string{"/k1", "/k 2"}}, "/k1 /k 2"},
		{"on the command line and in the file", "HostKey /k2\n", Options{Version: bookworm, HostKeys: []string{"/k1"}}, "/k1 /k2"},
		{"by -o", "HostKey /k2\n", Options{Version: bookworm, CommandLine: []Setting{{Text: "HostKey=/k1"}}}, "/k1 /k2"},
		{"none is skipped", "HostKey none\nHostKey /k2\n", Options{Version: bookworm}, "/k2"},
	} {
		dir := tree(t, map[string]string{"etc/ssh/sshd_config": tt.text, "etc/passwd": scenarioPasswd, "etc/group": scenarioGroup})
		v := openVolume(t, dir)
		c, err := Load(v, tt.o)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range c.HostKeys(v, accounts(t, dir)) {
			got = append(got, k.Path)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSeparation: the user and the directory that sshd locks itself into.
func TestSeparation(t *testing.T) {
	if os.Getuid() != 0 {
		skip(t, "needs root")
	}
	const dir = "usr/share/empty.sshd"
	nine, debian := rhel9(t), debian12(t)
	for _, tt := range []struct {
		name    string
		tree    map[string]string
		change  func(dir string) error
		problem string
	}{
		{"as packaged", nine, chmod(dir, 0o711), ""},
		{"world may write", nine, chmod(dir, 0o777), "fatal: must be root's"},
		{"group may write", nine, chmod(dir, 0o775), "fatal: must be root's"},
		{"another's", nine, chown(dir, 100, 0, 0o711), "fatal: must be root's"},
		{"closed to all", nine, chmod(dir, 0o000), ""},
		{"another group's", nine, chown(dir, 0, 100, 0o755), ""},
		{"a file", nine, func(d string) error {
			return errors.Join(os.RemoveAll(filepath.Join(d, dir)), write(dir, "x", 0o755)(d))
		}, "fatal: missing"},
		{"a link to a directory", nine, func(d string) error {
			return errors.Join(os.Rename(filepath.Join(d, dir), filepath.Join(d, "srv")), os.Symlink("/srv", filepath.Join(d, dir)))
		}, ""},
		{"below /run it is made at boot", debian, func(string) error { return nil }, ""},
		{"below /run, whatever is there now", debian, func(d string) error {
			return errors.Join(os.MkdirAll(filepath.Join(d, "run/sshd"), 0o777), os.Chmod(filepath.Join(d, "run/sshd"), 0o777))
		}, ""},
		{"no user", debian, write("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n", 0o644), "fatal: the user sshd"},
		{"the binary cannot be executed", debian, chmod("usr/sbin/sshd", 0o644), "fatal: not an executable file"},
		{"the binary is gone", debian, remove("usr/sbin/sshd"), "fatal: sshd itself is missing"},
	} {
		root := plant(t, tt.tree)
		v := openVolume(t, root)
		version, err := DetectVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.change(root); err != nil {
			t.Fatal(err)
		}
		v = openVolume(t, root) // a volume remembers what it saw
		i := FindInvocation(v)
		c, err := Load(v, i.Options(version))
		if err != nil {
			t.Fatal(err)
		}
		kind, text, _ := strings.Cut(tt.problem, ": ")
		if got := worst(c.StartProblems(v, i, accounts(t, root))); !strings.HasPrefix(got, kind) || !strings.Contains(got, text) || tt.problem == "" && got != "" {
			t.Errorf("%s: problem %q, want %q", tt.name, got, tt.problem)
		}
	}
}
