package pam

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// one asks a single module, with pam_permit after it, without any oracle.
func one(t *testing.T, ph phase, module string, selinux string, files ...map[string]string) Result {
	t.Helper()
	stack := map[string]string{"etc/pam.d/sshd": fmt.Sprintf("%s required %s\n%s required pam_permit.so\n", ph, module, ph), "etc/pam.d/other": ""}
	name, _, _ := strings.Cut(module, ".")
	tr := plant(t, append([]map[string]string{modules("permit", strings.TrimPrefix(name, "pam_")), stack}, files...)...)
	env := tr.env(t, "admin")
	env.SELinux = selinux
	return ask(tr.v, env, ph)
}

// TestModulesWithoutOracle has what cannot be tried on this host: other
// distributions, name services, SELinux and programs that are not here.
func TestModulesWithoutOracle(t *testing.T) {
	file := func(name, content string) map[string]string { return map[string]string{name: content} }
	sss := file("etc/nsswitch.conf", "passwd: files sss\ngroup: files sss\nshadow: files sss\n")
	systemd := file("etc/nsswitch.conf", "passwd: files systemd\ngroup: files systemd\nshadow: files systemd\n")
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	tests := []struct {
		name, module string
		phase        phase
		selinux      string
		files        map[string]string
		want         offline.Answer
	}{
		{"no shadow entry, but SSSD", "pam_unix.so", phaseAccount, "", merged(sss, file("etc/shadow", "")), open},
		{"no shadow entry, systemd", "pam_unix.so", phaseAccount, "", merged(systemd, file("etc/shadow", "")), no},
		{"a group that SSSD may have", "pam_listfile.so item=group sense=allow file=/etc/l", phaseAccount, "", merged(sss, file("etc/l", "staff\n")), open},
		{"a group that nobody has", "pam_listfile.so item=group sense=allow file=/etc/l", phaseAccount, "", merged(systemd, file("etc/l", "staff\n")), no},
		{"a condition on such a group", "pam_succeed_if.so user notingroup staff", phaseAccount, "", sss, open},
		{"a limit of such a group", "pam_limits.so", phaseSession, "", merged(sss, file("etc/security/limits.conf", "@staff - maxlogins 0\n")), open},
		{"processes of such a group", "pam_limits.so", phaseSession, "", merged(sss, file("etc/security/limits.conf", "@staff - nproc 0\n")), open},
		{"a freedom of such a group", "pam_limits.so", phaseSession, "", merged(sss, file("etc/security/limits.conf", "@staff -\n* - maxlogins 0\n")), no},
		{"more files than the kernel has", "pam_limits.so", phaseSession, "", file("etc/security/limits.conf", "* hard nofile 2000000\n"), open},
		{"unlimited files", "pam_limits.so", phaseSession, "", file("etc/security/limits.conf", "* - nofile unlimited\n"), open},
		{"the same on Debian", "pam_limits.so", phaseSession, "", merged(file("etc/debian_version", ""), file("etc/security/limits.conf", "* - nofile unlimited\n")), yes},
		{"no files", "pam_limits.so", phaseSession, "", file("etc/security/limits.conf", "* - nofile 2\n"), open},
		{"limits.conf missing", "pam_limits.so", phaseSession, "", nil, open},
		{"the distribution's limits.conf", "pam_limits.so", phaseSession, "", file("usr/etc/security/limits.conf", ""), yes},
		{"sepermit, enforcing", "pam_sepermit.so", phaseAccount, "enforcing", file("etc/security/sepermit.conf", "@wheel\n"), yes},
		{"sepermit, permissive", "pam_sepermit.so", phaseAccount, "permissive", file("etc/security/sepermit.conf", "@wheel\n"), no},
		{"sepermit, exclusive", "pam_sepermit.so", phaseAccount, "enforcing", file("etc/security/sepermit.conf", "admin:exclusive\n"), open},
		{"sepermit, by SELinux user", "pam_sepermit.so", phaseAccount, "enforcing", file("etc/security/sepermit.conf", "%guest_u\n"), open},
		{"sepermit, missing", "pam_sepermit.so", phaseAccount, "enforcing", nil, no},
		{"auditd demanded", "pam_loginuid.so require_auditd", phaseSession, "", nil, open},
		{"loginuid", "pam_loginuid.so", phaseSession, "", nil, yes},
		{"home there", "pam_mkhomedir.so", phaseSession, "", nil, yes},
		{"home to be made", "pam_oddjob_mkhomedir.so", phaseSession, "", file("etc/passwd", strings.Replace(baseFiles["etc/passwd"], "/home/admin", "/home/none", 1)), open},
		{"polyinstantiation", "pam_namespace.so", phaseSession, "", file("etc/security/namespace.conf", "# x\n/tmp /tmp/inst user\n"), open},
		{"polyinstantiation in namespace.d", "pam_namespace.so", phaseSession, "", merged(file("etc/security/namespace.conf", ""), file("etc/security/namespace.d/a.conf", "/tmp x user\n")), open},
		{"namespace.conf missing", "pam_namespace.so", phaseSession, "", nil, open},
		{"tally2 without a record", "pam_tally2.so", phaseAccount, "", nil, yes},
		{"tally2 with one", "pam_tally2.so", phaseAccount, "", file("var/log/tallylog", "x"), open},
		{"SSSD", "pam_sss.so", phaseAccount, "", nil, open},
		{"a program", "pam_exec.so /bin/true", phaseAccount, "", nil, open},
		{"inactivity", "pam_lastlog.so inactive=5", phaseAccount, "", nil, open},
		{"not for accounts", "pam_pwquality.so", phaseAccount, "", nil, no},
		{"shells below /usr/etc", "pam_shells.so", phaseAccount, "", file("usr/etc/shells", "/bin/bash\n"), open},
		{"a nologin that a boot removes", "pam_nologin.so file=/run/nologin", phaseAccount, "", file("run/nologin", ""), yes},
		{"a condition as root", "pam_succeed_if.so use_uid user ingroup root", phaseAccount, "", nil, yes},
		{"an incomplete condition", "pam_succeed_if.so uid >= 0 rhost", phaseAccount, "", nil, no},
		{"listed where hosts are", "pam_listfile.so item=rhost sense=allow file=/etc/l apply=@staff", phaseAccount, "", merged(sss, file("etc/l", "")), open},
		{"time for a netgroup", "pam_time.so", phaseAccount, "", file("etc/security/time.conf", "*;*;@ops;!Al0000-2400\n"), open},
		{"garbled time", "pam_time.so", phaseAccount, "", file("etc/security/time.conf", "*;*;admin admin;!Al0000-2400\n"), yes},
		{"access of a user at a host", "pam_access.so", phaseAccount, "", file("etc/security/access.conf", "-:admin@db1:ALL\n"), open},
		{"access by brackets around nothing", "pam_access.so", phaseAccount, "", file("etc/security/access.conf", "-:():ALL\n"), yes},
	}
	for _, tt := range tests {
		r := one(t, tt.phase, tt.module, tt.selinux, tt.files)
		if r.Answer != tt.want || (r.Answer == yes) != (len(r.Reasons) == 0) {
			t.Errorf("%s: %+v, want %s", tt.name, r, tt.want)
		}
	}
}

// TestReasonsNameFileAndLine wants the line of the deciding file, and the line
// of the stack that asked.
func TestReasonsNameFileAndLine(t *testing.T) {
	for name, tt := range map[string]struct {
		module string
		phase  phase
		files  map[string]string
		path   string
		line   int
		text   string
	}{
		"access": {"pam_access.so", phaseAccount, map[string]string{"etc/security/access.conf": "# x\n+:root:ALL\n-:ALL:ALL\n"}, "/etc/security/access.conf", 3, "line 1 of /etc/pam.d/sshd"},
		"time":   {"pam_time.so", phaseAccount, map[string]string{"etc/security/time.conf": "\n# x\n*;*;*;!Al0000-2400\n"}, "/etc/security/time.conf", 3, "at no time"},
		"limits": {"pam_limits.so", phaseSession, map[string]string{"etc/security/limits.conf": "\n* - maxlogins 0\n"}, "/etc/security/limits.conf", 2, "no login"},
		"nproc":  {"pam_limits.so", phaseSession, map[string]string{"etc/security/limits.conf": "\n\n* hard nproc 1\n"}, "/etc/security/limits.conf", 3, "applied by line 1"},
		"shadow": {"pam_unix.so", phaseAccount, map[string]string{"etc/shadow": "root:*:1::::::\nadmin:!:1:::::5:\n"}, "/etc/shadow", 2, "expired"},
		"deny":   {"pam_deny.so", phaseAccount, nil, "/etc/pam.d/sshd", 1, "everybody"},
		"broken": {"", phaseAccount, nil, "/etc/pam.d/sshd", 1, "names no module"},
	} {
		r := one(t, tt.phase, tt.module, "", tt.files)
		if r.Answer != offline.Denied || len(r.Reasons) != 1 || r.Reasons[0].Path != tt.path || r.Reasons[0].Line != tt.line || !strings.Contains(r.Reasons[0].Text, tt.text) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestShadowExpiry(t *testing.T) {
	const today = 20000
	s := func(last, maximum, inactive, expire int64) account.Shadow {
		return account.Shadow{LastChange: last, Min: 0, Max: maximum, Warn: 7, Inactive: inactive, Expire: expire}
	}
	for name, tt := range map[string]struct {
		shadow account.Shadow
		want   codeSet
	}{
		"fresh":                    {s(19990, 99999, -1, -1), set(success)},
		"expiry beats all":         {s(0, 1, 1, 1), set(acctExpired)},
		"forced change":            {s(0, -1, -1, -1), set(newAuthtokReqd)},
		"aged":                     {s(19000, 90, -1, -1), set(newAuthtokReqd)},
		"aged, in grace":           {s(19905, 90, 30, -1), set(newAuthtokReqd)},
		"out of grace":             {s(19000, 90, 30, -1), set(authtokExpired)},
		"last day of grace":        {s(19880, 90, 30, -1), set(newAuthtokReqd, authtokExpired)},
		"last day":                 {s(19910, 90, 30, -1), set(success, newAuthtokReqd)},
		"last day, no grace":       {s(19910, 90, 0, -1), set(success, newAuthtokReqd, authtokExpired)},
		"a day after, no grace":    {s(19909, 90, 0, -1), set(authtokExpired)},
		"from the future":          {s(20001, 0, 0, -1), set(success)},
		"no maximum":               {s(1, -1, 5, -1), set(success)},
		"empty change, no maximum": {s(-1, -1, -1, -1), set(success)},
		"empty change, huge one":   {s(-1, 99999, -1, -1), set(success)},
	} {
		if got := shadowExpiry(tt.shadow, today).codes; got != tt.want {
			t.Errorf("%s: %s, want %s", name, names(got), names(tt.want))
		}
	}
}
