package rescue_test

import (
	"testing"

	"github.com/seed-77750964/regain/offline"
)

func TestAccount(t *testing.T) { trials(t, accountTrials) }

func TestPAM(t *testing.T) { trials(t, pamTrials) }

// of asks for a user by name.
func (c trial) of(user string) trial {
	c.ask = users(user)
	return c
}

func shell(path string) change {
	return replace("/etc/passwd", "/home/admin:/bin/bash", "/home/admin:"+path)
}

func shadow(fields string) change {
	return replace("/etc/shadow", "admin:!:20779:0:99999:7:::", "admin:"+fields)
}

var withoutPAM = replace("/etc/ssh/sshd_config", "UsePAM yes", "UsePAM no")

var accountTrials = []trial{
	refused("expired", "linux/pam-unix-expired", shadow("!:20000:0:99999:7::100:")),
	refused("expired, without PAM", "linux/account-expired", shadow("*:20000:0:99999:7::100:"), withoutPAM),
	refused("locked, without PAM", "linux/account-locked", withoutPAM),
	{name: "locked, with PAM", in: []change{shadow("!!:20000:0:99999:7:::")}, live: true},
	{name: "no password, without PAM", in: []change{shadow("*:20000:0:99999:7:::"), withoutPAM}, live: true},
	refused("password aged out", "linux/pam-unix-password", shadow("*:10000:0:90:7:::")),
	refused("password must be changed", "linux/pam-unix-password", shadow("*:0:0:99999:7:::")),
	refused("nologin shell", "linux/nologin-shell", shell("/usr/sbin/nologin")).of("admin"),
	refused("false for a shell", "linux/nologin-shell", shell("/bin/false")).of("admin"),
	{name: "nologin shell, root is the next choice", in: []change{shell("/usr/sbin/nologin")}, login: "root", out: []string{rootKeys + ": +{key}"}, live: true},
	refused("shell is missing", "linux/shell-missing", shell("/bin/zsh")),
	refused("shell cannot be executed", "linux/shell-not-executable", shell("/etc/hosts")),
	refused("shell is empty", "linux/shell-not-executable", write("/bin/sh2", "", 0o755, 0, 0), shell("/bin/sh2")),
	{name: "no shell means sh", in: []change{shell("")}, live: true},
	refused("nologin file", "linux/pam-nologin", config("/etc/nologin", "System is going down.\n")),
	refused("nologin file, without PAM", "linux/nologin-file", withoutPAM, shadow("*:20000:0:99999:7:::"), config("/etc/nologin", "down\n")),
}

var pamTrials = []trial{
	refused("no sshd stack, the default denies", "linux/pam-deny", remove("/etc/pam.d/sshd"), config("/etc/pam.d/other", "account required pam_deny.so\nsession required pam_deny.so\n")),
	refused("no stack at all", "linux/pam-config", remove("/etc/pam.d")),
	refused("a module is missing", "linux/pam-module-missing", add("/etc/pam.d/sshd", "account required pam_gone.so\n")),
	refused("a file to include is missing", "linux/pam-config", remove("/etc/pam.d/common-account")),
	refused("access.conf", "linux/pam-access", add("/etc/pam.d/sshd", "account required pam_access.so\n"), config("/etc/security/access.conf", "-:ALL EXCEPT root:ALL\n")),
	refused("listfile", "linux/pam-listfile", add("/etc/pam.d/sshd", "account required pam_listfile.so item=user sense=deny file=/etc/denied onerr=succeed\n"), config("/etc/denied", "admin\n")),
	refused("no logins by limits", "linux/pam-limits-logins", config("/etc/security/limits.d/x.conf", "admin hard maxlogins 0\n")),
	{name: "access.conf lets in", in: []change{add("/etc/pam.d/sshd", "account required pam_access.so\n"), config("/etc/security/access.conf", "+:admin:ALL\n-:ALL:ALL\n")}, live: true},
	{name: "a module that cannot be judged", in: []change{add("/etc/pam.d/sshd", "account required pam_exec.so /bin/true\n")}, outcome: offline.Refused, code: "login-unknown"},
	{name: "a module that cannot be judged, accepted", in: []change{add("/etc/pam.d/sshd", "account required pam_exec.so /bin/true\n")}, ask: noQuestion, live: true},
}
