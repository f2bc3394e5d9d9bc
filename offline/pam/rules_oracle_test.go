package pam

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

func TestAccessAgainstLibpam(t *testing.T) {
	conf := func(lines ...string) map[string]string {
		return map[string]string{"etc/security/access.conf": strings.Join(lines, "\n") + "\n"}
	}
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	for _, c := range []moduleCase{
		{"no file", "pam_access.so", nil, "", yes},
		{"as shipped", "pam_access.so", conf("# -:ALL EXCEPT wheel shutdown sync:LOCAL", "#+:ALL:ALL"), "", yes},
		{"all but root", "pam_access.so", conf("+:root:ALL", "-:ALL:ALL"), "", no},
		{"root among them", "pam_access.so", conf("+:root:ALL", "-:ALL:ALL"), "root", yes},
		{"a group allowed", "pam_access.so", conf("+ : (wheel) : ALL", "- : ALL : ALL"), "", yes},
		{"a group without brackets", "pam_access.so", conf("+:wheel:ALL", "-:ALL:ALL"), "", yes},
		{"nodefgroup", "pam_access.so nodefgroup", conf("+:wheel:ALL", "-:ALL:ALL"), "", no},
		{"except", "pam_access.so", conf("-:ALL EXCEPT root admin:ALL"), "", yes},
		{"except another", "pam_access.so", conf("-:ALL EXCEPT root other:ALL"), "", no},
		{"except of an except", "pam_access.so", conf("-:ALL EXCEPT wheel EXCEPT admin:ALL"), "", no},
		{"only local", "pam_access.so", conf("+:ALL:LOCAL", "-:ALL:ALL"), "", no},
		{"denied on terminals", "pam_access.so", conf("-:ALL:tty1 tty2 cron"), "", yes},
		{"by network", "pam_access.so", conf("+:ALL:203.0.113.0/24", "-:ALL:ALL"), "", open},
		{"another network", "pam_access.so", conf("+:ALL:10.0.0.0/8", "-:ALL:ALL"), "", open},
		{"by network, allowed anyway", "pam_access.so", conf("+:ALL:10.0.0.0/8"), "", yes},
		{"origin except", "pam_access.so", conf("-:admin:ALL EXCEPT LOCAL"), "", no},
		{"last line without newline", "pam_access.so", map[string]string{"etc/security/access.conf": "-:ALL:ALL"}, "", yes},
		{"malformed lines", "pam_access.so", conf("-:ALL", "x:ALL:ALL", " -:ALL:ALL", "-;ALL;ALL"), "", yes},
		{"in access.d", "pam_access.so", map[string]string{"etc/security/access.d/50.conf": "-:admin:ALL\n", "etc/security/access.d/60.conf": "+:ALL:ALL\n"}, "", no},
		{"access.d comes later", "pam_access.so", map[string]string{"etc/security/access.conf": "+:admin:ALL\n", "etc/security/access.d/50.conf": "-:ALL:ALL\n"}, "", yes},
		{"own file", "pam_access.so accessfile=/etc/a", map[string]string{"etc/a": "-:ALL:ALL\n"}, "", no},
		{"own file, missing", "pam_access.so accessfile=/etc/a", nil, "", no},
		{"separators", "pam_access.so fieldsep=| listsep=;", conf("-|other;admin|ALL"), "", no},
		{"case", "pam_access.so", conf("-:Admin:all"), "", no},
		{"netgroup", "pam_access.so", conf("-:@staff:ALL"), "", open},
		{"with host", "pam_access.so", conf("-:admin@ALL:ALL"), "", no},
	} {
		c.ask(t, phaseAccount)
	}
}

func TestTimeAgainstLibpam(t *testing.T) {
	conf := func(rule string) map[string]string { return map[string]string{"etc/security/time.conf": rule + "\n"} }
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	for _, c := range []moduleCase{
		{"no file", "pam_time.so", nil, "", yes},
		{"always", "pam_time.so", conf("sshd;*;*;Al0000-2400"), "", yes},
		{"never", "pam_time.so", conf("sshd;*;*;!Al0000-2400"), "", no},
		{"another service", "pam_time.so", conf("login;*;*;!Al0000-2400"), "", yes},
		{"any service", "pam_time.so", conf("*;*;admin;!Al0000-2400"), "", no},
		{"another user", "pam_time.so", conf("*;*;!admin;!Al0000-2400"), "", yes},
		{"users", "pam_time.so", conf("ss*;*;root|admin;!Al0000-2400"), "", no},
		{"not the terminal", "pam_time.so", conf("*;tty*&!ttyp*;*;!Al0000-2400"), "", yes},
		{"two days", "pam_time.so", conf("*;*;*;Wk0000-2400"), "", open},
		{"both halves of a week", "pam_time.so", conf("*;*;*;Wk0000-2400 | Wd0000-2400"), "", yes},
		{"hours", "pam_time.so", conf("*;*;*;Al0800-1800"), "", open},
		{"joined lines", "pam_time.so", conf("# x\n*;*;\\\nadmin;!Al0000-2400 # y"), "", no},
		{"malformed", "pam_time.so", conf("*;*;*"), "", yes},
		{"another file", "pam_time.so conffile=/etc/t", map[string]string{"etc/t": "*;*;*;!Al0000-2400\n"}, "", no},
	} {
		c.ask(t, phaseAccount)
	}
}

func TestSucceedIfAgainstLibpam(t *testing.T) {
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	for condition, want := range map[string]offline.Answer{
		"uid >= 1000": yes, "uid < 1000": no, "uid eq 1000 quiet": yes, "uid ne 1000": no, "gid le 999": no, "uid gt 0x3e7": yes, "uid lt 01750": no,
		"user = admin": yes, "user != admin": no, "user in root:admin": yes, "user notin root:admin": no, "user in adm:roo": no,
		"user =~ ad*n": yes, "user !~ a*": no, "user =~ a?n": no, "user ingroup wheel": yes, "user ingroup x:wheel": yes, "user notingroup wheel": no,
		"user ingroup guests": no, "shell = /bin/bash": yes, "home =~ /home/*": yes, "service in ftp:sshd": yes, "tty = ssh": yes, "ruser = x": no,
		"uid >= 1000 user ingroup wheel": yes, "uid >= 1000 user ingroup guests": no, "uid >=": no, "uid ~ 5": no, "what = 5": no, "uid >= abc": no,
		"quiet": yes, "rhost = 203.0.113.7": open, "user innetgr x": open, "use_uid uid eq 0": yes, "use_uid user ingroup wheel": no, "user =~ a[d]min": open,
	} {
		moduleCase{condition, "pam_succeed_if.so " + condition, nil, "", want}.ask(t, phaseAccount)
	}
}

func TestLimitsAgainstLibpam(t *testing.T) {
	conf := func(lines ...string) map[string]string {
		return map[string]string{"etc/security/limits.conf": strings.Join(lines, "\n") + "\n"}
	}
	const yes, no = offline.Accepted, offline.Denied
	for _, c := range []moduleCase{
		{"empty", "pam_limits.so", conf("# nothing"), "", yes},
		{"no login", "pam_limits.so", conf("admin hard maxlogins 0"), "", no},
		{"no login, everybody", "pam_limits.so", conf("* - maxlogins 0"), "", no},
		{"no login, system-wide", "pam_limits.so", conf("* - maxsyslogins 0"), "", no},
		{"root is spared", "pam_limits.so", conf("* - maxlogins 0"), "root", yes},
		{"the user beats the default", "pam_limits.so", conf("admin - maxlogins 5", "* - maxlogins 0"), "", yes},
		{"the later line", "pam_limits.so", conf("* - maxlogins 0", "* - maxlogins 5"), "", yes},
		{"by group", "pam_limits.so", conf("@wheel - maxlogins 0"), "", no},
		{"by another group", "pam_limits.so", conf("@guests - maxlogins 0"), "", yes},
		{"by percent group", "pam_limits.so", conf("%wheel - maxlogins 0"), "", no},
		{"by percent", "pam_limits.so", conf("% - maxlogins 0"), "", no},
		{"percent is for maxlogins alone", "pam_limits.so", conf("% - maxsyslogins 0"), "", yes},
		{"by uid range", "pam_limits.so", conf("1000:2000 - maxlogins 0"), "", no},
		{"by open uid range", "pam_limits.so", conf("1001: - maxlogins 0"), "", yes},
		{"by one uid", "pam_limits.so", conf(":1000 - maxlogins 0"), "", no},
		{"by gid range", "pam_limits.so", conf("@1000:1000 - maxlogins 0"), "", no},
		{"by one gid", "pam_limits.so", conf("@:10 - maxlogins 0"), "", no},
		{"unlimited", "pam_limits.so", conf("* - maxlogins -1"), "", yes},
		{"not a number", "pam_limits.so", conf("* - maxlogins x"), "", yes},
		{"freed", "pam_limits.so", conf("admin -", "* - maxlogins 0"), "", yes},
		{"freed by group", "pam_limits.so", conf("@wheel -", "* - maxlogins 0"), "", yes},
		{"limits.d", "pam_limits.so", map[string]string{"etc/security/limits.conf": "", "etc/security/limits.d/9.conf": "admin - maxlogins 0\n"}, "", no},
		{"own file alone", "pam_limits.so conf=/etc/l", map[string]string{"etc/l": "", "etc/security/limits.d/9.conf": "admin - maxlogins 0\n"}, "", yes},
		{"own file missing", "pam_limits.so conf=/etc/l", nil, "", no},
		{"usual limits", "pam_limits.so", conf("* soft nofile 1024", "* hard nofile 4096", "admin - core 0", "@wheel - nproc 1000"), "", yes},
	} {
		c.ask(t, phaseSession)
	}
}

// TestTimeFields holds the trial of a whole week against ranges
// whose answer is known.
func TestTimeFields(t *testing.T) {
	for field, want := range map[string]tri{
		"Al0000-2400": yes, "!Al0000-2400": no, "MoTuWeThFrSaSu0000-2400": yes, "AlMo0000-2400": maybe, "MoMo0000-2400": no, "Al2200-0600": maybe,
		"Al0600-0600": yes, "Al0000-1200 | Al1200-2400": yes, "Al0000-1200 & Al1200-2400": no, "Xx0000-2400": no, "Al": yes, "": no, "Al0000-24000": yes,
	} {
		if got := (calendar{}).always(field); got != want {
			t.Errorf("%q: %d, want %d", field, got, want)
		}
	}
}

// TestGlob compares with a slow but plain matcher.
func TestGlob(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	var slow func(p, s string) bool
	slow = func(p, s string) bool {
		if p == "" {
			return s == ""
		}
		if p[0] == '*' {
			return slow(p[1:], s) || s != "" && slow(p, s[1:])
		}
		return s != "" && (p[0] == '?' || p[0] == s[0]) && slow(p[1:], s[1:])
	}
	word := func(alphabet string) string {
		out := ""
		for range rnd.IntN(6) {
			out += string(alphabet[rnd.IntN(len(alphabet))])
		}
		return out
	}
	for range 20000 {
		p, s := word("ab*?"), word("ab")
		if (glob(p, s) == yes) != slow(p, s) {
			t.Fatalf("%q and %q", p, s)
		}
	}
}
