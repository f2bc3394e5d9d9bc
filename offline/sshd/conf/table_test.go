package conf

import (
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// TestTableAgainstBinary holds the releases in the table of keywords against the
// strings of packaged binaries.
func TestTableAgainstBinary(t *testing.T) {
	needSSHD(t)
	roots := []string{"/"}
	if root, err := testdisk.Directory(t.Context(), testdisk.Trixie, testdisk.Small); err == nil {
		roots = append(roots, root)
	}
	for _, root := range roots {
		version, err := DetectVersion(openVolume(t, root))
		if err != nil {
			t.Fatal(err)
		}
		byRelease := version
		byRelease.vocabulary = nil
		for _, k := range keywords {
			_, known := lookup(k.name, byRelease)
			if has := version.Has(k.name) == Yes; has != known {
				t.Errorf("%s: %s: the table says %v, the binary %v", version.Raw, k.name, known, has)
			}
		}
	}
}

// TestValues checks one value at a time, without an sshd at hand.
func TestValues(t *testing.T) {
	tests := []struct{ line, want string }{
		{"PermitRootLogin without-password", "prohibit-password"},
		{"PermitRootLogin YES", "yes"},
		{"LoginGraceTime 2m", "120"},
		{"MaxAuthTries 06", "6"},
		{"StreamLocalBindMask 077", "077"},
		{"MaxStartups 10", "10:30:10"},
		{"AllowTcpForwarding all", "yes"},
		{"Compression delayed", "yes"},
		{"LogLevel silent", "QUIET"},
		{"IPQoS 0x10", "0x10 0x10"},
		{"RekeyLimit 1K 1m", "1024 60"},
		{"PermitListen 8080", "*:8080"},
		{"PidFile relative", "/relative"},
		{"Banner ~/x", "/root/x"},
		{"ListenAddress [::1]:23", "::1 23"},
		{"ListenAddress 10.0.0.1", "10.0.0.1 0"},
		{"SetEnv A=1 A=2 B=3", "A=1 B=3"},
		{"PubkeyAuthOptions verify-required touch-required", "touch-required verify-required"},
		{"ChrootDirectory NONE", "none"},
		{`ForceCommand /bin/echo "a  b" # c`, `/bin/echo "a  b" # c`},
		{"Subsystem sftp internal-sftp -l INFO", "sftp internal-sftp -l INFO"},
		{"UnusedConnectionTimeout none", "0"},
		{"Port 0", ""},
		{"Port -1", ""},
		{"Port nosuch", ""},
		{"MaxAuthTries 2147483648", ""},
		{"StreamLocalBindMask 1000", ""},
		{"StreamLocalBindMask x", ""},
		{"MaxStartups 10:0:20", ""},
		{"MaxStartups 0", ""},
		{"PermitTunnel Yes", ""},
		{"IPQoS 256", ""},
		{"RekeyLimit 15", ""},
		{"PermitListen x", ""},
		{"Banner ~nosuch/x", ""},
		{"ListenAddress [::1", ""},
		{"ListenAddress 10.0.0.1 domain x", ""},
		{"SetEnv A", ""},
		{"AcceptEnv A=1", ""},
		{"LogLevel loud", ""},
		{"SyslogFacility LOCAL8", ""},
		{"PerSourceNetBlockSize 33", ""},
		{"ChannelTimeout x", ""},
		{"UsePAM", ""},
		{"UsePAM yes no", ""},
	}
	for _, tt := range tests {
		c := conf(t, tt.line+"\n", bookworm)
		if tt.want == "" {
			if len(fatal(c.Problems)) == 0 {
				t.Errorf("%q was taken", tt.line)
			}
			continue
		}
		if p := fatal(c.Problems); p != nil {
			t.Errorf("%q: %+v", tt.line, p)
			continue
		}
		if got := c.main.entries[0].value.Text; got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.line, got, tt.want)
		}
	}
}
