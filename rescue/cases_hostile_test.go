package rescue_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// planted are programs that a careless rescuer would run, or that would run
// inside a careless one. Each would leave a mark beside the tree.
var planted = []string{
	"/usr/sbin/sshd-config", "/usr/sbin/ldconfig", "/usr/sbin/restorecon", "/usr/sbin/setfiles", "/usr/sbin/load_policy", "/usr/sbin/update-initramfs",
	"/usr/sbin/update-crypto-policies", "/usr/sbin/chpasswd", "/usr/sbin/useradd", "/usr/sbin/usermod", "/usr/sbin/nologin",
	"/usr/bin/id", "/usr/bin/getent", "/usr/bin/sh", "/usr/bin/bash", "/usr/bin/dash", "/usr/bin/chmod", "/usr/bin/chown", "/usr/bin/ssh-keygen", "/usr/bin/ssh",
	"/usr/bin/chcon", "/usr/bin/setfacl", "/usr/bin/systemctl", "/usr/bin/cloud-init", "/usr/bin/env", "/usr/bin/true", "/usr/bin/sudo",
	"/usr/lib/openssh/sshd-session", "/usr/lib/openssh/sftp-server", "/etc/profile.d/x.sh", "/etc/rc.local", admin + "/.bashrc", admin + "/.ssh/rc", "/etc/ssh/sshrc",
}

// trap plants them all, libraries that every program would load, name services
// and PAM modules, commands in the configuration, and a /proc that leads out.
func trap(w *world) {
	mark := filepath.Join(filepath.Dir(w.root), "mark")
	script := "#!/bin/sh\n: >" + mark + "\n"
	for _, name := range planted {
		write(name, script, 0o755, 0, 0)(w)
	}
	all(
		write("/usr/lib/evil.so", "\x7fELF not really", 0o755, 0, 0), config("/etc/ld.so.preload", "/usr/lib/evil.so\n"), config("/etc/ld.so.conf", "/usr/lib/evil\n"),
		config("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"),
		add("/etc/ssh/sshd_config", "AuthorizedKeysCommand /usr/bin/id\nAuthorizedKeysCommandUser nobody\nSubsystem evil /usr/bin/sh\n"),
		config("/etc/default/ssh", "SSHD_OPTS=\nX=\"$(/usr/bin/id)\"\n: >"+mark+"\n"),
		config("/etc/os-release", "ID=debian\nNAME=\"$(: >"+mark+")\"\nPRETTY_NAME=`: >"+mark+"`\n"),
		remove("/proc", "/sys", "/dev"), link("{beside}", "/proc"), link("/proc/self/root", "/sys"), mkdir("/dev", 0o755, 0, 0), link("/proc/1/mem", "/dev/null"),
		link("/proc/self/fd", "/run/fd"), link("../../../../../../../../proc/self/root{beside}", "/srv/escape"),
		write("/etc/profile", script, 0o755, 0, 0), config("/etc/systemd/system/ssh.service.d/x.conf", "[Service]\nExecStartPre=/usr/bin/sh -c ': >"+mark+"'\n"),
	)(w)
}

// hostile are trees that would like to be run. out is what undo does not put
// back: names that only regain's own writer uses.
var hostile = []trial{
	{name: "home", in: nil},
	{name: "everything broken", in: []change{chmod(admin, 0o777), chmod(dotSSH, 0o777), chown(keyFile, 0, 0)}},
	{name: "no home", in: []change{remove(admin)}},
	{name: "home through /proc", in: []change{remove(admin), link("/proc/self/cwd", admin)}},
	{name: "file through /proc", in: []change{link("/proc/self/fd/0", keyFile)}},
	{name: "file through the helper's /proc", in: []change{link("/srv/escape/authorized_keys", keyFile)}},
	{name: "fallback through /proc", in: []change{remove(admin), link("/proc/self/root/etc/ssh", "/etc/ssh/regain.d")}, outcome: offline.Refused},
	{name: "config by name of a program", in: []change{sshd("Include /usr/bin/id\nInclude /proc/self/environ\nInclude /dev/stdin")}, outcome: offline.Refused},
	{name: "config includes a FIFO", in: []change{special("/etc/ssh/sshd_config.d/x.conf", unix.S_IFIFO, 0, 0)}, outcome: offline.Refused},
	{name: "config includes itself", in: []change{config("/etc/ssh/sshd_config.d/x.conf", "Include /etc/ssh/sshd_config\n")}, outcome: offline.Refused},
	{name: "binary is a FIFO", in: []change{special("/usr/sbin/sshd", unix.S_IFIFO, 0, 0)}, outcome: offline.Refused},
	{name: "binary is a device", in: []change{special("/usr/sbin/sshd", unix.S_IFCHR, 1, 5)}, outcome: offline.Refused},
	{name: "binary is a script", in: []change{write("/usr/sbin/sshd", "#!/bin/sh\nexit 0\n", 0o755, 0, 0)}},
	{name: "options of sshd by command", in: []change{config("/etc/default/ssh", "SSHD_OPTS=\"$(/usr/bin/id)\"\n")}, outcome: offline.Refused},
	{name: "etc is a loop", in: []change{rename("/etc", "/etc2"), link("etc", "/etc")}, outcome: offline.Refused},
	{name: "etc leads out", in: []change{rename("/etc", "/etc2"), link("{beside}/../beside", "/etc")}, outcome: offline.Refused},
	{name: "temporary name is taken", ask: noQuestion, in: []change{link("{beside}/authorized_keys", dotSSH+"/.authorized_keys.regain-tmp")}, out: []string{dotSSH + "/.authorized_keys.regain-tmp: gone"}},
	{name: "temporary name is a directory", ask: noQuestion, in: []change{mkdir(dotSSH+"/.authorized_keys.regain-tmp/x", 0o777, 1000, 1000)}, outcome: offline.Failed},
}

func TestNothingIsRun(t *testing.T) {
	testdisk.Need(t, "ssh-keygen", "mmdebstrap")
	for _, c := range hostile {
		asks := map[string]func(*rescue.Request){"": noQuestion, ", fallback": fallback}
		if c.ask != nil {
			asks = map[string]func(*rescue.Request){"": c.ask}
		}
		for name, ask := range asks {
			t.Run(c.name+name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				base := t.TempDir()
				tree, err := testdisk.NewTree(t.Context(), filepath.Join(base, "tree"), cmp.Or(c.suite, testdisk.Bookworm))
				if err != nil {
					t.Fatal(err)
				}
				plantBeside(t, base)
				w := &world{t: t, root: tree.Dir, pub: b.pub.String()}
				trap(w)
				for _, change := range c.in {
					change(w)
				}
				c.survive(b, tree.Dir, base, ask)
			})
		}
	}
}

// survive works on the tree in every way: nothing runs, nothing outside of the
// tree changes, and undo puts everything back.
func (c trial) survive(b *bench, root, base string, ask func(*rescue.Request)) {
	t := b.t
	beside, was := survey(t, filepath.Join(base, "beside")), survey(t, root)
	if _, err := b.diagnose(root); err != nil {
		t.Logf("diagnose: %v", err)
	}
	for range 2 {
		report, err := b.rescue(root, ask)
		c.quoted(t, report)
		if want := cmp.Or(c.outcome, offline.Rescued); report.Outcome != want || report.Error != nil && report.Error.Code == "not-taken-back" {
			t.Errorf("outcome %q, want %q: %v %+v", report.Outcome, want, err, report.Error)
		}
		if report.Outcome != offline.Rescued {
			break
		}
		if _, err := b.undo(root, report.Run); err != nil {
			t.Errorf("undo: %v", err)
		}
	}
	if diff := differences(was, survey(t, root), strings.NewReplacer()); !slices.Equal(diff, c.out) {
		t.Errorf("after undo: %q, want %q", diff, c.out)
	}
	if diff := differences(beside, survey(t, filepath.Join(base, "beside")), strings.NewReplacer()); len(diff) > 0 {
		t.Errorf("outside of the tree: %q", diff)
	}
	if _, err := os.Lstat(filepath.Join(base, "mark")); err == nil {
		t.Error("a program of the patient has run")
	}
}
