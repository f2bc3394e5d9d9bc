package sshkey

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// liveSSHD runs the packaged sshd on a port of its own, with a private /run, and returns its address and the path of the
// authorized_keys file that it reads for root.
func liveSSHD(t *testing.T) (addr, keys string) {
	t.Helper()
	sshd, unshare := need(t, "sshd"), need(t, "unshare")
	if os.Geteuid() != 0 {
		need(t, "root privileges")
	}
	dir := t.TempDir()
	keys = filepath.Join(dir, "authorized_keys")
	host := filepath.Join(dir, "host")
	if err := os.WriteFile(host, []byte(privatePEM(t, "p256")), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	l.Close()
	config := fmt.Sprintf("ListenAddress %s\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nPermitRootLogin yes\nUsePAM yes\nPasswordAuthentication no\nPidFile none\nMaxStartups 100\nPermitUserEnvironment yes\nLogLevel ERROR\n", addr, host, keys)
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(unshare, "-m", "sh", "-c", `mount -t tmpfs none /run && mkdir /run/sshd && exec "$0" -D -e -f "$1"`, sshd, file)
	cmd.Env = []string{"TZ=UTC", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", log.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr, keys
		}
	}
	t.Fatal("sshd does not listen")
	return "", ""
}

// login returns what "echo shell" prints, and whether sshd accepted the key.
func login(t *testing.T, addr, kind string) (output string, accepted bool) {
	t.Helper()
	client, err := ssh.Dial("tcp", addr, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(sshSigner(t, kind))},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: 20 * time.Second,
	})
	if err != nil {
		if !strings.Contains(err.Error(), "unable to authenticate") {
			t.Fatal(err)
		}
		return "", false
	}
	defer client.Close()
	s, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, _ := s.Output("echo shell")
	return string(out), true
}

// oracleFiles are authorized_keys files; KEY is the key that logs in, from 127.0.0.1.
var oracleFiles = []string{
	"", "KEY", "KEY\n", "OTHER\nKEY c\n", "  \tKEY\n", "#KEY\n", "KEY\r\n", "OTHER\r\nKEY c\r\n", "KEY\r", "KEY\vc\n", "OTHER me\rKEY\n",
	"\x00KEY\n", "KEY\x00\n", "KEY a\x00b\n", "x\x00y\nKEY\n", "\xef\xbb\xbfKEY\n", "\xef\xbb\xbf# c\nKEY\n", "OTHER meKEY\n", "KEY meOTHER\n", "KEYOTHER\n", "OTHERKEY\n",
	"command=\"echo forced\" KEY\nKEY\n", "KEY\ncommand=\"echo forced\" KEY\n", "command=\"echo a\",command=\"echo b\" KEY\n", "command=\"echo \\\"q  q\\\"\" KEY\n",
	"command=\"echo a\\\\\" KEY\n", "COMMAND=\"echo forced\" KEY\n", "command=echo KEY\n", "command=\"echo KEY\n", "command=\"\" KEY\n", "command=\"echo a\"no-pty KEY\n", "command = \"echo a\" KEY\n",
	"restrict KEY\n", "restrict,pty,command=\"echo forced\" KEY\n", "no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc KEY\n", "NO-PTY KEY\n", "no-no-pty KEY\n", "no-restrict KEY\n", "ptyx KEY\n", "no-pty=\"x\" KEY\n",
	",KEY\n", ", KEY\n", ",, KEY\n", "no-pty, KEY\n", ",no-pty KEY\n", "no-pty,,pty KEY\n", "no-pty no-user-rc KEY\n", "no-pty\tKEY\n", "shiny KEY\nKEY\n", "shiny=\"1\" KEY\n", "no-touch-required KEY\n", "touch-required,verify-required KEY\n",
	"cert-authority KEY\n", "no-cert-authority KEY\n", "cert-authority KEY\nKEY\n", "principals=\"root\" KEY\n", "principals=\"a\",principals=\"b\" KEY\n",
	"from=\"127.0.0.1\" KEY\n", "from=\"10.0.0.0/8\" KEY\n", "from=\"10.0.0.0/8\" KEY\nKEY\n", "from=\"127.0.0.0/8\" KEY\n", "from=\"127.0.0.1/8\" KEY\n", "from=\"127/8\" KEY\n", "from=\"127.0/16\" KEY\n", "from=\"127.1\" KEY\n", "from=\"0x7f.1\" KEY\n",
	"from=\"127.*\" KEY\n", "from=\"!127.0.0.1,*\" KEY\n", "from=\"*,!127.0.0.1\" KEY\n", "from=\"!10.0.0.1,*\" KEY\n", "from=\"!10.0.0.1\" KEY\n", "from=\"\" KEY\n", "from=\"127.0.0.1,\" KEY\n", "from=\"127.0.0.1/33\" KEY\n", "from=\"127.0.0.1/129,127.0.0.1\" KEY\n",
	"from=\"::/0\" KEY\n", "from=\"0.0.0.0/0\" KEY\n", "from=\"::ffff:127.0.0.1\" KEY\n", "from=\"127.0.0.1\",from=\"127.0.0.1\" KEY\n", "from=\"?27.0.0.1\" KEY\n", "from=\"LOCALHOST\" KEY\n",
	"expiry-time=\"20200101\" KEY\n", "expiry-time=\"20200101\" KEY\nKEY\n", "expiry-time=\"20990101\" KEY\n", "expiry-time=\"20990101Z\" KEY\n", "expiry-time=\"20990101utc\" KEY\n", "expiry-time=\"209901011200\" KEY\n", "expiry-time=\"20990101120060\" KEY\n", "expiry-time=\"20990101120062\" KEY\n",
	"expiry-time=\"20990231\" KEY\n", "expiry-time=\"2099 1 1\" KEY\n", "expiry-time=\"20991301\" KEY\n", "expiry-time=\"2099-01-01\" KEY\n", "expiry-time=\"20990101\",expiry-time=\"20200101\" KEY\n", "expiry-time=\"\" KEY\n", "expiry-time=\"99990101\" KEY\n", "expiry-time=\"19700101\" KEY\n", "expiry-time=\"209901 112\" KEY\n",
	"permitopen=\"h:22\" KEY\n", "permitopen=\"h\" KEY\n", "permitopen=\"h:0\" KEY\n", "permitopen=\"h:65536\" KEY\n", "permitopen=\"h:*\" KEY\n", "permitopen=\"[::1]:22\" KEY\n", "permitopen=\"[::1\" KEY\n", "permitopen=\"[::1]22\" KEY\n", "permitopen=\"h/22\" KEY\n", "permitopen=\":22\" KEY\n", "permitopen=\"h:\" KEY\n", "permitopen=\"h: 22\" KEY\n", "permitopen=\"h:+22\" KEY\n", "permitopen=\"h:022\" KEY\n",
	"permitlisten=\"8080\" KEY\n", "permitlisten=\"h:8080\" KEY\n", "permitlisten=\"x y\" KEY\n", "tunnel=\"0\" KEY\n", "tunnel=\" +0\" KEY\n", "tunnel=\"0 \" KEY\n", "permitopen=\"h:-0\" KEY\n", "permitopen=\"h:22 \" KEY\n", "tunnel=\"any\" KEY\n", "tunnel=\"-1\" KEY\n", "tunnel=\"2147483645\" KEY\n", "tunnel=\"2147483646\" KEY\n", "tunnel=\"0:1\" KEY\n", "tunnel=\"ANY\" KEY\n",
	"environment=\"A=b\" KEY\n", "environment=\"A_1=\" KEY\n", "environment=\"A-B=c\" KEY\n", "environment=\"A\" KEY\n", "environment=\"=c\" KEY\n", "\\\" KEY\n", "\"\" KEY\n", "\"no-pty\" KEY\n", "ssh-rsa KEY\n", "ssh-ed25519 KEY\n", "KEY KEY\n", "1024 KEY\n",
}

// TestMatchAgreesWithSSHD holds Match against the packaged sshd: whether the key is accepted, and whether the login runs a
// forced command.
func TestMatchAgreesWithSSHD(t *testing.T) {
	addr, path := liveSSHD(t)
	ctx := MatchContext{Now: time.Now(), Location: time.UTC, Address: netip.MustParseAddr("127.0.0.1"), Host: "127.0.0.1"}
	compared := 0
	for _, f := range oracleFiles {
		content := fill(t, f)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		output, accepted := login(t, addr, "ed25519")
		got := Parse(content).Match(newKey(t, "ed25519"), ctx)
		compared++
		if got.Verdict == Unknown || accepted != (got.Verdict == Accepted) {
			t.Errorf("%q: sshd accepts: %v, we say %v %v", f, accepted, got.Verdict, got.Skipped)
		} else if forced := output != "shell\n"; accepted && forced != got.Grants.HasForced {
			t.Errorf("%q: sshd printed %q, we say forced: %v", f, output, got.Grants.HasForced)
		}
	}
	t.Logf("%d files compared", compared)
}

// TestKeyTextAgreesWithSSHD does the same for the spelling of the key itself, with keys of other types.
func TestKeyTextAgreesWithSSHD(t *testing.T) {
	addr, path := liveSSHD(t)
	rsaBlob64 := strings.Fields(text(t, "rsa"))[1]
	p256 := strings.Fields(text(t, "p256"))[1]
	key := newKey(t, "rsa")
	r := wire{rest: key.Blob}
	r.bytes()
	e, n := r.number(), r.number()
	padded := encodeLine(t, "ssh-rsa", field([]byte("ssh-rsa"), append([]byte{0, 0}, e...), append([]byte{0, 0, 0}, n...)))
	for _, c := range []struct{ name, kind, line string }{
		{"rsa", "rsa", text(t, "rsa")},
		{"signature name in front", "rsa", "rsa-sha2-256 " + rsaBlob64},
		{"the other signature name", "rsa", "rsa-sha2-512 " + rsaBlob64},
		{"upper case", "rsa", "SSH-RSA " + rsaBlob64},
		{"wrong type in front", "rsa", "ssh-ed25519 " + rsaBlob64},
		{"zero bytes in front of the numbers", "rsa", padded},
		{"padding missing", "rsa", "ssh-rsa " + strings.TrimRight(rsaBlob64, "=")},
		{"padding doubled", "rsa", "ssh-rsa " + rsaBlob64 + "="},
		{"text behind", "rsa", "ssh-rsa " + rsaBlob64 + "#"},
		{"form feed inside", "rsa", "ssh-rsa " + rsaBlob64[:20] + "\f" + rsaBlob64[20:]},
		{"carriage return inside", "rsa", "ssh-rsa " + rsaBlob64[:20] + "\r" + rsaBlob64[20:]},
		{"blank inside", "rsa", "ssh-rsa " + rsaBlob64[:20] + " " + rsaBlob64[20:]},
		{"tabs", "rsa", "ssh-rsa\t\t" + rsaBlob64 + "\tc"},
		{"ecdsa", "p256", text(t, "p256")},
		{"wrong curve in front", "p256", "ecdsa-sha2-nistp384 " + p256},
		{"p521", "p521", text(t, "p521")},
		{"trailing byte", "p256", encodeLine(t, "ecdsa-sha2-nistp256", append(bytes.Clone(newKey(t, "p256").Blob), 0))},
	} {
		if err := os.WriteFile(path, []byte(c.line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, accepted := login(t, addr, c.kind)
		if got := Parse([]byte(c.line+"\n")).Match(newKey(t, c.kind), MatchContext{}); accepted != (got.Verdict == Accepted) {
			t.Errorf("%s: sshd accepts: %v, we say %v (%s)", c.name, accepted, got.Verdict, Parse([]byte(c.line)).Lines[0].Problem)
		}
	}
}
