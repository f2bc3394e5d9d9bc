package conf

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// quick wants an end: what is quadratic or worse takes hours. The bound leaves room
// for a machine that is busy with other tests.
func quick(t *testing.T, name string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if d := time.Since(start); d > 2*time.Minute {
		t.Errorf("%s took %v", name, d)
	}
}

func repeated(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// TestHostileConfig: files that a person would not write end in bounded time,
// with the answer that sshd would give.
func TestHostileConfig(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		banner     string
		fatal      bool
	}{
		{"ten thousand blocks of one user each", repeated(10000, func(i int) string { return fmt.Sprintf("Match User u%d\nBanner /%d\n", i, i) }) + "Match User ann\nBanner /ann\n", "/ann", false},
		{"ten thousand blocks of networks", repeated(10000, func(i int) string { return fmt.Sprintf("Match Address 10.%d.%d.0/24\nMaxSessions 1\n", i/250, i%250) }), "none", false},
		{"one block of a hundred thousand users", "Match User " + strings.Repeat("x,", 100000) + "ann\nBanner /ann\n", "/ann", false},
		{"a pattern of many stars", "Match User " + strings.Repeat("*a", 400) + "b\nBanner /x\n", "none", false},
		{"a line of half a megabyte", "# " + strings.Repeat("x", 1<<19) + "\nBanner /a\n", "/a", false},
		{"a value of half a megabyte", "Banner /" + strings.Repeat("x", 1<<19) + "\n", "/" + strings.Repeat("x", 1<<19), false},
		{"a keyword of half a megabyte", strings.Repeat("x", 1<<19) + " yes\n", "none", true},
		{"only NULs", strings.Repeat("\x00", 1<<19), "none", false},
		{"a NUL in each line", strings.Repeat("Banner /a\x00\n", 1000), "none", true},
		{"carriage returns alone", strings.Repeat("\r", 100000) + "\nBanner /a\n", "/a", false},
		{"bytes that are no text", "Banner /\xff\xfe\x80\n", "/\xff\xfe\x80", false},
		{"UTF-16", "B\x00a\x00n\x00n\x00e\x00r\x00 \x00/\x00a\x00\n\x00", "none", true},
		{"a hundred thousand quotes", "Banner " + strings.Repeat(`"`, 100001) + "\n", "none", true},
		{"a hundred thousand backslashes", "Banner /" + strings.Repeat(`\`, 100000) + "\n", "/" + strings.Repeat(`\`, 50000), false},
		{"a hundred thousand users", repeated(5000, func(i int) string { return "AllowUsers " + strings.Repeat(fmt.Sprintf("u%d ", i), 20) + "\n" }), "none", false},
		{"forty thousand includes of nothing", strings.Repeat("Include nosuch/*.conf\n", 40000) + "Banner /a\n", "/a", false},
	} {
		quick(t, tt.name, func() {
			c := conf(t, tt.text, bookworm)
			e := c.Evaluate(Connection{User: "ann"})
			if broken := len(fatal(c.Problems)) > 0; broken != tt.fatal {
				t.Errorf("%s: refused is %v: %.200v", tt.name, broken, c.Problems)
			}
			if got := e.First("banner").Text; !tt.fatal && got != tt.banner {
				t.Errorf("%s: banner %.60q, want %.60q", tt.name, got, tt.banner)
			}
			e.Worlds()
			e.Possible("maxsessions")
		})
	}
}

// TestBrokenSSHD: the version of binaries and package databases that are damaged
// or odd, and of strings at the borders of what is read at once.
func TestBrokenSSHD(t *testing.T) {
	const chunk, version = 1 << 18, "OpenSSH_9.2p1 Debian-2+deb12u5"
	dpkg := func(stanzas ...string) map[string]string {
		return map[string]string{"var/lib/dpkg/status": strings.Join(stanzas, "\n\n") + "\n"}
	}
	binary := func(text string) map[string]string { return map[string]string{"usr/sbin/sshd": text} }
	at := func(offset int, s string) string { return strings.Repeat("\x01", offset) + "\x00" + s + "\x00\x01" }
	for _, tt := range []struct {
		name  string
		files map[string]string
		raw   string
	}{
		{"at the beginning", binary(version + "\x00"), version},
		{"across a border", binary(at(chunk-10, version)), version},
		{"just before a border", binary(at(chunk-1-len(version)-1, version)), version},
		{"just behind a border", binary(at(chunk-1, version)), version},
		{"the NUL behind a border", binary(at(chunk-1-len(version), version)), version},
		{"behind a long string", binary(strings.Repeat("y", 5000) + "\x00" + version + "\x00"), version},
		{"at the end of a long string", binary("\x00" + strings.Repeat("y ", 40) + version + "\x00"), version},
		{"the longer of two", binary("OpenSSH_9.2\x00OpenSSH_9.2p1\x00" + version + "\x00OpenSSH_9.2p1\x00"), version},
		{"patterns of other clients", binary("OpenSSH_3.*\x00OpenSSH_6.6.1*\x00OpenSSH_2.3.0*,OpenSSH_2.5.0p1*\x00" + version + "\x00"), version},
		{"no NUL at the end", binary("\x01" + version), ""},
		{"no version", binary("\x7fELF\x00hello\x00"), ""},
		{"an empty file", binary(""), ""},
		{"a control byte inside", binary("OpenSSH_9.2\x07p1\x00"), ""},
		{"a script in its place", binary("#!/bin/sh\n# OpenSSH_9.2p1\nexec false\n"), ""},
		{"in /usr/local", map[string]string{"usr/local/sbin/sshd": version + "\x00"}, version},
		{"a link to another name", map[string]string{"usr/sbin/sshd": "-> /opt/sshd.real", "opt/sshd.real": version + "\x00"}, version},
		{"a link into nowhere, and a package", with(dpkg("Package: openssh-server\nStatus: install ok installed\nVersion: 1:8.9p1-3ubuntu0.10"), "usr/sbin/sshd", "-> /nosuch"), "1:8.9p1-3ubuntu0.10"},
		{"a package", dpkg("Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2"), "1:9.2p1-2"},
		{"a package behind others", dpkg("Package: a\nVersion: 1", "Package: openssh-server-extra\nStatus: install ok installed\nVersion: 1:1.0p1", "Package: openssh-server\nPriority: optional\nStatus: install ok installed\nVersion: 1:9.2p1-2"), "1:9.2p1-2"},
		{"a package half removed", dpkg("Package: openssh-server\nStatus: deinstall ok config-files\nVersion: 1:9.2p1-2"), ""},
		{"a package without a version", dpkg("Package: openssh-server\nStatus: install ok installed"), ""},
		{"a version that is none", dpkg("Package: openssh-server\nStatus: install ok installed\nVersion: latest"), ""},
		{"the client's package only", dpkg("Package: openssh-client\nStatus: install ok installed\nVersion: 1:9.2p1-2"), ""},
		{"apk", map[string]string{"lib/apk/db/installed": "P:musl\nV:1.2\n\nP:openssh-server-common\nV:9.7_p1-r4\n"}, "9.7_p1-r4"},
		{"pacman", map[string]string{"var/lib/pacman/local/openssh-10.0p1-3/desc": "x"}, "10.0p1-3"},
		{"pacman with only a neighbour", map[string]string{"var/lib/pacman/local/openssh-askpass-9.0p1-3/desc": "x"}, ""},
	} {
		v, err := DetectVersion(openVolume(t, tree(t, tt.files)))
		if v.Raw != tt.raw || (err == nil) != (tt.raw != "") || v.Known() != (tt.raw != "") {
			t.Errorf("%s: got %q %v, want %q", tt.name, v.Raw, err, tt.raw)
		}
	}
}

// TestVendors: whose patches an sshd carries, by its own string or by the system.
func TestVendors(t *testing.T) {
	for _, tt := range []struct {
		name, raw, release string
		want               Vendor
	}{
		{"Debian by its string", "OpenSSH_9.2p1 Debian-2", "", Debian},
		{"Ubuntu by its string", "OpenSSH_9.6p1 Ubuntu-3ubuntu13", "", Debian},
		{"Debian by its string, in a container of another", "OpenSSH_9.2p1 Debian-2", "ID=alpine\n", Debian},
		{"Ubuntu without its string", "OpenSSH_9.6p1", "ID=ubuntu\nID_LIKE=debian\n", Debian},
		{"Rocky", "OpenSSH_8.7p1", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", RedHat},
		{"Oracle", "OpenSSH_8.0p1", "ID=\"ol\"\nID_LIKE=\"fedora\"\n", RedHat},
		{"Amazon", "OpenSSH_8.7p1", "ID=\"amzn\"\n", RedHat},
		{"SLES", "OpenSSH_8.4p1", "ID=\"sles\"\nID_LIKE=\"suse\"\n", SUSE},
		{"Alpine", "OpenSSH_9.7p1", "ID=alpine\n", Alpine},
		{"Arch", "OpenSSH_9.9p1", "ID=arch\n", Arch},
		{"comments and others' keys", "OpenSSH_9.9p1", "# ID=debian\nVERSION_ID=debian\nNAME=\"rhel\"\n", Upstream},
		{"nobody's", "OpenSSH_9.9p1", "ID=gentoo\n", Upstream},
		{"no file", "OpenSSH_9.9p1", "", Upstream},
	} {
		files := map[string]string{"usr/sbin/sshd": tt.raw + "\x00"}
		if tt.release != "" {
			files["etc/os-release"] = tt.release
		}
		if v, err := DetectVersion(openVolume(t, tree(t, files))); v.Vendor != tt.want || err != nil {
			t.Errorf("%s: got %q %v, want %q", tt.name, v.Vendor, err, tt.want)
		}
	}
}
