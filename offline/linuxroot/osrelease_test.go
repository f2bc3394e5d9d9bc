package linuxroot

import (
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// elf is the start of a program for a machine.
func elf(class, order byte, machine ...byte) string {
	return "\x7fELF" + string([]byte{class, order, 1}) + strings.Repeat("\x00", 9) + "\x02\x00" + string(machine) + strings.Repeat("\x00", 44)
}

func TestReadOS(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  offline.OS
		err   bool
	}{
		"debian": {map[string]string{
			"etc/os-release":     "-> ../usr/lib/os-release",
			"usr/lib/os-release": "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
			"usr/sbin/sshd":      elf(2, 1, 62, 0),
		}, offline.OS{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)", Arch: "amd64"}, false},
		"quotes": {map[string]string{
			"etc/os-release": "# x\nID='amzn' # y\nVERSION_ID=2023\nPRETTY_NAME=\"A \\\"b\\\" \\$c\"'d'\r\nBAD LINE\n1X=2\n",
			"bin/sh":         "-> busybox", "bin/busybox": elf(2, 1, 183, 0),
		}, offline.OS{ID: "amzn", Version: "2023", Name: `A "b" $cd`, Arch: "arm64"}, false},
		"no ID":       {map[string]string{"usr/lib/os-release": "NAME=Thing\n"}, offline.OS{ID: "linux", Name: "Thing"}, false},
		"centos 6":    {map[string]string{"etc/system-release": "CentOS release 6.10 (Final)\n", "sbin/init": elf(1, 1, 3, 0)}, offline.OS{ID: "centos", Version: "6.10", Name: "CentOS release 6.10 (Final)", Arch: "386"}, false},
		"amazon 2014": {map[string]string{"etc/system-release": "Amazon Linux AMI release 2014.03"}, offline.OS{ID: "amzn", Version: "2014.03", Name: "Amazon Linux AMI release 2014.03"}, false},
		"rhel 5":      {map[string]string{"etc/redhat-release": "Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n"}, offline.OS{ID: "rhel", Version: "5.11", Name: "Red Hat Enterprise Linux Server release 5.11 (Tikanga)"}, false},
		"old alpine":  {map[string]string{"etc/alpine-release": "3.2.0\n"}, offline.OS{ID: "alpine", Version: "3.2.0", Name: "3.2.0"}, false},
		"old debian":  {map[string]string{"etc/debian_version": "6.0.10\n"}, offline.OS{ID: "debian", Version: "6.0.10", Name: "6.0.10"}, false},
		"big endian":  {map[string]string{"etc/os-release": "ID=sles", "bin/sh": elf(2, 2, 0, 22)}, offline.OS{ID: "sles", Arch: "s390x"}, false},
		"script sh":   {map[string]string{"etc/os-release": "ID=x", "bin/sh": "#!/bin/false, longer than a header\n"}, offline.OS{ID: "x"}, false},
		"nothing":     {map[string]string{"etc/": ""}, offline.OS{}, true},
	} {
		c.want.Family = "linux"
		got, err := ReadOS(tree(t, c.files))
		if got != c.want || (err != nil) != c.err {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

// TestShellUnquoteAsShell holds our quoting against a real shell.
func TestShellUnquoteAsShell(t *testing.T) {
	sh := program(t, "sh")
	for _, raw := range []string{`plain`, `"two words"`, `'single $x'`, `"a\"b\\c\$d\e"`, `a\ b`, `"x"'y'z`, `""`, `'it'\''s'`, `"tail" # comment`, `a#b`} {
		want := output(t, nil, sh, "-c", "X="+raw+"\nprintf %s \"$X\"")
		if got := shellUnquote(raw); got != string(want) {
			t.Errorf("%s: %q, the shell says %q", raw, got, want)
		}
	}
}

func FuzzOSRelease(f *testing.F) {
	f.Add([]byte("ID=debian\nNAME=\"a \\\" b\"\nexport X='y'\n"))
	f.Add([]byte("GRUB_CMDLINE_LINUX=\"a\\\nb\nID='\n\x00=\xff\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, value := range shellAssignments(data) {
			if strings.ContainsAny(name, "= \n") || strings.Contains(value, "\n") || len(value) > len(data) {
				t.Errorf("%q = %q", name, value)
			}
		}
	})
}
