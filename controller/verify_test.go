package controller

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// realSSHD speaks to this machine's sshd over a socket pair: no port, no
// network, and its own /run.
func realSSHD(t *testing.T, authorized string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	testdisk.Need(t, "sshd", "unshare", "ssh-keygen")
	dir := t.TempDir()
	host := filepath.Join(dir, "host")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, text := range map[string]string{
		"keys": authorized + "\n",
		"config": "HostKey " + host + "\nAuthorizedKeysFile " + filepath.Join(dir, "keys") +
			"\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\nPidFile none\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(_ context.Context, _, _ string) (net.Conn, error) {
		pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		here, there := os.NewFile(uintptr(pair[0]), "here"), os.NewFile(uintptr(pair[1]), "there")
		defer here.Close()
		defer there.Close()
		script := "mount -t tmpfs none /run && mkdir /run/sshd && exec " + sshdPath(t) + " -i -e -f " + filepath.Join(dir, "config")
		cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", script)
		cmd.Stdin, cmd.Stdout = there, there
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()         // how, is of no interest
		})
		return net.FileConn(here)
	}
}

func sshdPath(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/sshd", "/usr/bin/sshd"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("no sshd")
	return ""
}

func pair(t *testing.T, kind string) (string, ssh.Signer) {
	t.Helper()
	public, private, err := makePair(kind, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if authorized(signer.PublicKey()) != public {
		t.Fatal("the halves do not belong together")
	}
	return public, signer
}

// TestLoginAgreesWithSSHD holds the proof against OpenSSH: with the whole key,
// with its public half alone, and with a key that is not let in.
func TestLoginAgreesWithSSHD(t *testing.T) {
	for _, kind := range []string{"ed25519", "rsa"} {
		public, signer := pair(t, kind)
		_, stranger := pair(t, "")
		dial := realSSHD(t, public)
		for name, tt := range map[string]struct {
			signer ssh.Signer
			want   string
		}{
			"the key": {signer, Proven}, "its public half": {&publicHalf{signer.PublicKey()}, Proven},
			"another key": {stranger, Refused}, "another public half": {&publicHalf{stranger.PublicKey()}, Refused},
		} {
			_, asks := tt.signer.(*publicHalf)
			p := &prover{dial: dial, address: "10.0.0.1:22", user: "root", signer: tt.signer, asks: asks}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			v := p.login(ctx)
			cancel()
			if v.State != tt.want {
				t.Errorf("%s, %s: %+v, want %s", kind, name, v, tt.want)
			}
			if _, hosts, _, _, _, err := ssh.ParseKnownHosts([]byte(v.HostKey)); err != nil || len(hosts) != 1 || hosts[0] != knownhosts.Normalize("10.0.0.1:22") {
				t.Errorf("%s, %s: the host key is %q: %v", kind, name, v.HostKey, err)
			}
		}
	}
}

func TestLoginWithoutAPath(t *testing.T) {
	_, signer := pair(t, "")
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"refused": func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") },
		"hangs up": func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			return here, there.Close()
		},
		"says nothing": func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			t.Cleanup(func() { there.Close() })
			return here, nil
		},
		"no SSH": func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				_, _ = there.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\n")) // whoever reads may hang up
				there.Close()
			}()
			return here, nil
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/4)
		p := &prover{dial: dial, address: "10.0.0.1:22", user: "root", signer: signer}
		if v := p.login(ctx); v.State != NoPath || v.Detail == "" {
			t.Errorf("%s: %+v", name, v)
		}
		cancel()
	}
}

func TestMakePair(t *testing.T) {
	for _, kind := range []string{"", "auto", "ed25519", "rsa"} {
		public, signer := pair(t, kind)
		parsed, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
		if err != nil || comment != "" || string(parsed.Marshal()) != string(signer.PublicKey().Marshal()) {
			t.Errorf("%q: %s %v", kind, public, err)
		}
		key, ok := signer.PublicKey().(ssh.CryptoPublicKey)
		if !ok {
			t.Fatal("no key")
		}
		switch k := key.CryptoPublicKey().(type) {
		case ed25519.PublicKey:
			if kind == "rsa" {
				t.Error("not RSA")
			}
		case *rsa.PublicKey:
			if kind != "rsa" || k.N.BitLen() != rsaBits {
				t.Errorf("%q: RSA of %d bits", kind, k.N.BitLen())
			}
		}
	}
	if _, _, err := makePair("ecdsa", ""); err == nil || !strings.Contains(err.Error(), "--keys agent") {
		t.Error(err)
	}
}
