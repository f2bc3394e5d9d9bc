package conf

import (
	"strings"
	"testing"
)

func TestParseVersion(t *testing.T) {
	tests := []struct {
		raw                 string
		major, minor, patch int
		vendor              Vendor
	}{
		{"OpenSSH_9.2p1 Debian-2+deb12u5", 9, 2, 1, Debian},
		{"OpenSSH_8.9p1 Ubuntu-3ubuntu0.10", 8, 9, 1, Debian},
		{"OpenSSH_8.7p1", 8, 7, 1, Upstream},
		{"OpenSSH_6.6.1p1", 6, 6, 1, Upstream},
		{"OpenSSH_10.0", 10, 0, 0, Upstream},
	}
	for _, tt := range tests {
		v, ok := ParseVersion(tt.raw)
		if !ok || v.Major != tt.major || v.Minor != tt.minor || v.Patch != tt.patch || v.Vendor != tt.vendor {
			t.Errorf("%q: got %+v", tt.raw, v)
		}
	}
	for _, raw := range []string{"OpenSSH_2.*,OpenSSH_3.0*", "OpenSSH_7.4*", "OpenSSH_x", "", "OpenSSH_9.2p1 a b c"} {
		if v, ok := ParseVersion(raw); ok {
			t.Errorf("%q: got %+v", raw, v)
		}
	}
}

func TestDetectVersion(t *testing.T) {
	binary := strings.Repeat("\x7f\x01\xff", 90000) + "OpenSSH_7.4*\x00OpenSSH_8.7\x00OpenSSH_8.7p1\x00libwrap.so.0\x00xpermitrootlogin\x00/usr/share/empty.sshd\x00" + strings.Repeat("a", 1000) + "rsaminsize\x00"
	tests := []struct {
		name, raw string
		vendor    Vendor
		files     map[string]string
	}{
		{"binary", "OpenSSH_8.7p1", RedHat, map[string]string{"usr/sbin/sshd": binary, "etc/os-release": "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"}},
		{"dpkg", "1:9.2p1-2+deb12u5", Debian, map[string]string{"usr/sbin/sshd": "junk", "etc/os-release": "ID=debian\n",
			"var/lib/dpkg/status": "Package: ssh\nStatus: install ok installed\nVersion: 1:1.0p1\n\nPackage: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2+deb12u5\n\n"}},
		{"apk", "9.3_p2-r0", Alpine, map[string]string{"etc/os-release": "ID=alpine\n", "lib/apk/db/installed": "C:Q1\nP:openssh-server-common\nV:9.3_p2-r0\n\n"}},
		{"pacman", "9.3p1-1", Arch, map[string]string{"etc/os-release": "ID=arch\n", "var/lib/pacman/local/openssh-9.3p1-1/desc": "", "var/lib/pacman/local/openssh-askpass-1/desc": ""}},
		{"nothing", "", Upstream, map[string]string{"etc/passwd": ""}},
		{"removed package", "", Debian, map[string]string{"etc/os-release": "ID=debian\n", "var/lib/dpkg/status": "Package: openssh-server\nStatus: deinstall ok config-files\nVersion: 1:9.2p1-2\n"}},
	}
	for _, tt := range tests {
		v, err := DetectVersion(openVolume(t, tree(t, tt.files)))
		if v.Raw != tt.raw || v.Vendor != tt.vendor || (err == nil) != (tt.raw != "") {
			t.Errorf("%s: got %+v, %v", tt.name, v, err)
		}
	}
	v, _ := DetectVersion(openVolume(t, tree(t, tests[0].files)))
	if v.Has("PermitRootLogin") != Yes || v.Has("rsaminsize") != Yes || v.Has("strictmodes") != No || v.Links("libwrap.so") != Yes || v.Links("libpam.so") != No || v.hasPath("/usr/share/empty.sshd") != Yes {
		t.Error("the binary's words are not as they were written")
	}
	if (Version{}).Has("x") != Maybe {
		t.Error("without a binary nothing is known")
	}
}

func TestKeywordsByRelease(t *testing.T) {
	tests := []struct {
		raw, line string
		vendor    Vendor
		ok        bool
	}{
		{"OpenSSH_7.4p1", "PubkeyAcceptedAlgorithms ssh-rsa", RedHat, false},
		{"OpenSSH_7.4p1", "PubkeyAcceptedKeyTypes ssh-rsa", RedHat, true},
		{"OpenSSH_7.4p1", "Include /etc/x", RedHat, false},
		{"OpenSSH_8.0p1", "RequiredRSASize 2048", Debian, false},
		{"OpenSSH_9.2p1", "RSAMinSize 2048", Debian, false},
		{"OpenSSH_8.7p1", "RSAMinSize 2048", RedHat, true},
		{"OpenSSH_9.2p1", "DebianBanner no", RedHat, false},
		{"OpenSSH_9.2p1", "DebianBanner no", Debian, true},
		{"OpenSSH_6.6.1p1", "PermitRootLogin prohibit-password", RedHat, false},
		{"OpenSSH_6.6.1p1", "PermitRootLogin without-password", RedHat, true},
		{"OpenSSH_9.9p1", "RefuseConnection yes", Upstream, true},
		{"OpenSSH_9.7p1", "PerSourcePenalties no", Upstream, false},
		{"OpenSSH_5.3p1", "AuthorizedKeysCommandRunAs nobody", RedHat, true},
		{"OpenSSH_8.4p1", "PubkeyAcceptedKeyTypes ssh-dss", Debian, true},
		{"OpenSSH_10.0p1", "PubkeyAcceptedAlgorithms ssh-dss", Upstream, false},
	}
	for _, tt := range tests {
		v := release(t, tt.raw)
		v.Vendor = tt.vendor
		c := conf(t, tt.line+"\n", v)
		if ok := len(c.Problems) == 0; ok != tt.ok {
			t.Errorf("%s: %q: %+v", tt.raw, tt.line, c.Problems)
		}
	}
}

func TestUnknownToUs(t *testing.T) {
	v := release(t, "OpenSSH_11.3p1")
	if c := conf(t, "BrandNewKeyword yes\n", v); len(c.Problems) != 1 || !c.Problems[0].Unknown || c.Problems[0].Fatal {
		t.Errorf("a keyword of the future: %+v", c.Problems)
	}
	if c := conf(t, "GSSAPIKeyExchange no\n", release(t, "OpenSSH_9.3p1")); len(c.Problems) != 1 || !c.Problems[0].Unknown {
		t.Errorf("a vendor's keyword in an unknown build: %+v", c.Problems)
	}
}
