package pam

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/offline"
)

// moduleCase is one module with its files, and what we must say.
type moduleCase struct {
	name   string
	module string // with arguments
	files  map[string]string
	user   string // admin unless named
	want   offline.Answer
}

// daysAgo is a day number of shadow.
func daysAgo(n int) int64 { return time.Now().Unix()/86400 - int64(n) }

func shadowOf(fields string) map[string]string {
	return map[string]string{"etc/shadow": "root:*:19000:0:99999:7:::\nadmin:!:" + fields + "\n"}
}

// ask plants a case's tree around stack lines of one phase, and asks both
// ourselves and, through pamtester, the real module.
func (c moduleCase) ask(t *testing.T, ph phase) {
	t.Helper()
	stack := fmt.Sprintf("%s required %s\n%s required pam_permit.so\n", ph, c.module, ph)
	tr := realTree(t, c.files, map[string]string{"etc/pam.d/sshd": stack, "etc/pam.d/other": "auth required pam_deny.so\n"})
	if c.user == "" {
		c.user = "admin"
	}
	r := ask(tr.v, tr.env(t, c.user), ph)
	if r.Answer != c.want {
		t.Errorf("%s: we say %+v, want %s", c.name, r, c.want)
	}
	if (r.Answer == offline.Accepted) != (len(r.Reasons) == 0) {
		t.Errorf("%s: %s with reasons %+v", c.name, r.Answer, r.Reasons)
	}
	out := tr.inside(t, fmt.Sprintf("pamtester -I tty=ssh -I rhost=203.0.113.7 sshd %s %s 2>&1 </dev/null || true", c.user, operations[ph]))
	granted := strings.Contains(out, "done.") || strings.Contains(out, "opened")
	if r.Answer != offline.Unknown && granted != (r.Answer == offline.Accepted) {
		t.Errorf("%s: we say %+v, libpam says %q", c.name, r, out)
	}
}

func TestUnixAgainstLibpam(t *testing.T) {
	line := func(last int64, rest string) map[string]string { return shadowOf(fmt.Sprintf("%d:%s", last, rest)) }
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	unshadowed := strings.Replace(baseFiles["etc/passwd"], "admin:x:", "admin:*:", 1)
	for _, c := range []moduleCase{
		{"as cloud-init leaves it", "pam_unix.so", line(daysAgo(100), "0:99999:7:::"), "", yes},
		{"expired yesterday", "pam_unix.so", line(daysAgo(100), fmt.Sprintf("0:99999:7::%d:", daysAgo(1))), "", no},
		{"expires today", "pam_unix.so", line(daysAgo(100), fmt.Sprintf("0:99999:7::%d:", daysAgo(0))), "", no},
		{"expires tomorrow", "pam_unix.so", line(daysAgo(100), fmt.Sprintf("0:99999:7::%d:", daysAgo(-1))), "", yes},
		{"expired in 1970", "pam_unix.so", line(daysAgo(100), "0:99999:7::0:"), "", no},
		{"must change", "pam_unix.so", shadowOf("0:0:99999:7:::"), "", no},
		{"must change, no_pass_expiry", "pam_unix.so no_pass_expiry", shadowOf("0:0:99999:7:::"), "", yes},
		{"aged", "pam_unix.so", line(daysAgo(91), "0:90:7:::"), "", no},
		{"on the last day", "pam_unix.so", line(daysAgo(90), "0:90:7:::"), "", open},
		{"nearly aged", "pam_unix.so", line(daysAgo(89), "0:90:7:::"), "", yes},
		{"aged and inactive", "pam_unix.so", line(daysAgo(101), "0:90:7:10::"), "", no},
		{"aged and inactive, no_pass_expiry", "pam_unix.so no_pass_expiry", line(daysAgo(101), "0:90:7:10::"), "", yes},
		{"expired, no_pass_expiry", "pam_unix.so no_pass_expiry", line(daysAgo(9), "0:90:7:10:1:"), "", no},
		{"changed in the future", "pam_unix.so", line(daysAgo(-5), "0:90:7:10::"), "", yes},
		{"changed too recently", "pam_unix.so", line(daysAgo(1), "9:90:7:10::"), "", yes},
		{"empty fields", "pam_unix.so", shadowOf("::::::"), "", yes},
		{"empty change day, short age", "pam_unix.so", shadowOf(":0:90::::"), "", open},
		{"no entry", "pam_unix.so", map[string]string{"etc/shadow": "root:*:1::::::\n"}, "", no},
		{"no entry, broken_shadow", "pam_unix.so broken_shadow", map[string]string{"etc/shadow": "root:*:1::::::\n"}, "", yes},
		{"not shadowed", "pam_unix.so", map[string]string{"etc/passwd": unshadowed, "etc/shadow": ""}, "", yes},
	} {
		c.ask(t, phaseAccount)
	}
}

func TestFileModulesAgainstLibpam(t *testing.T) {
	file := func(name, content string) map[string]string { return map[string]string{name: content} }
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	for _, c := range []moduleCase{
		{"nologin absent", "pam_nologin.so", nil, "", yes},
		{"nologin", "pam_nologin.so", file("etc/nologin", "down\n"), "", no},
		{"nologin, root", "pam_nologin.so", file("etc/nologin", "down\n"), "root", yes},
		{"nologin, dangling", "pam_nologin.so", file("etc/nologin", "-> /nowhere"), "", yes},
		{"nologin, a directory, root", "pam_nologin.so", file("etc/nologin/", ""), "root", no},
		{"nologin elsewhere", "pam_nologin.so file=/etc/maintenance", file("etc/maintenance", ""), "", no},
		{"shells", "pam_shells.so", file("etc/shells", "/bin/sh\n/bin/bash\n"), "", yes},
		{"shells, not listed", "pam_shells.so", file("etc/shells", "/bin/sh\n /bin/bash\n"), "", no},
		{"shells, no newline", "pam_shells.so", file("etc/shells", "/bin/bash"), "", yes},
		{"shells, writable", "pam_shells.so", file("etc/shells 0666", "/bin/bash\n"), "", no},
		{"shells, absent", "pam_shells.so", nil, "", no},
		{"localuser", "pam_localuser.so", nil, "", yes},
		{"localuser, other file", "pam_localuser.so file=/etc/others", file("etc/others", "adminx:\n"), "", no},
		{"listfile, allowed", "pam_listfile.so item=user sense=allow file=/etc/l", file("etc/l", "x\nadmin\n"), "", yes},
		{"listfile, CRLF", "pam_listfile.so item=user sense=allow file=/etc/l", file("etc/l", "admin\r\n"), "", yes},
		{"listfile, not allowed", "pam_listfile.so item=user sense=allow file=/etc/l", file("etc/l", "admins\n"), "", no},
		{"listfile, denied", "pam_listfile.so onerr=succeed item=user sense=deny file=/etc/l", file("etc/l", "admin\n"), "", no},
		{"listfile, not denied", "pam_listfile.so item=user sense=deny file=/etc/l", file("etc/l", "other\n"), "", yes},
		{"listfile, group", "pam_listfile.so item=group sense=allow file=/etc/l", file("etc/l", "wheel\n"), "", yes},
		{"listfile, wrong group", "pam_listfile.so item=group sense=allow file=/etc/l", file("etc/l", "guests\n"), "", no},
		{"listfile, shell", "pam_listfile.so item=shell sense=deny file=/etc/l", file("etc/l", "/bin/bash\n"), "", no},
		{"listfile, missing", "pam_listfile.so item=user sense=deny file=/etc/l", nil, "", no},
		{"listfile, missing, succeed", "pam_listfile.so item=user sense=deny file=/etc/l onerr=succeed", nil, "", yes},
		{"listfile, writable", "pam_listfile.so item=user sense=deny file=/etc/l onerr=succeed", file("etc/l 0666", ""), "", no},
		{"listfile, no sense", "pam_listfile.so item=user file=/etc/l", file("etc/l", ""), "", no},
		{"listfile, bad option", "pam_listfile.so item=user sense=deny file=/etc/l what=ever onerr=succeed", file("etc/l", ""), "", no},
		{"listfile, ruser", "pam_listfile.so item=ruser sense=deny file=/etc/l", file("etc/l", ""), "", yes},
		{"listfile, tty", "pam_listfile.so item=tty sense=deny file=/etc/l", file("etc/l", "/dev/ssh\n"), "", no},
		{"listfile, host", "pam_listfile.so item=rhost sense=deny file=/etc/l", file("etc/l", ""), "", open},
		{"listfile, applies to another", "pam_listfile.so item=tty sense=deny file=/etc/l apply=other", file("etc/l", "ssh\n"), "", yes},
		{"listfile, applies to the group", "pam_listfile.so item=tty sense=deny file=/etc/l apply=@wheel", file("etc/l", "ssh\n"), "", no},
		{"listfile, applies not to a shell", "pam_listfile.so item=shell sense=deny file=/etc/l apply=other", file("etc/l", "/bin/bash\n"), "", no},
		{"sepermit, not listed", "pam_sepermit.so", file("etc/security/sepermit.conf", "# x\nguest:exclusive\n"), "", yes},
		{"sepermit, listed", "pam_sepermit.so", file("etc/security/sepermit.conf", "admin\n"), "", no},
		{"rootok", "pam_rootok.so", nil, "", yes},
		{"warn", "pam_warn.so", nil, "", yes},
		{"faillock", "pam_faillock.so", nil, "", yes},
		{"securetty", "pam_securetty.so", nil, "", yes},
		{"usertype, regular", "pam_usertype.so isregular", nil, "", yes},
		{"usertype, system", "pam_usertype.so issystem", nil, "", no},
		{"usertype, login.defs", "pam_usertype.so issystem", file("etc/login.defs", "UID_MIN 5000\n"), "", yes},
		{"usertype, nothing asked", "pam_usertype.so", nil, "", no},
	} {
		c.ask(t, phaseAccount)
	}
}

// TestSimpleModulesAgainstLibpam asks each of the host's modules alone, where
// our model is sure of the answer and the module leaves nothing behind.
func TestSimpleModulesAgainstLibpam(t *testing.T) {
	leaveTraces := []string{"pam_lastlog", "pam_systemd", "pam_tty_audit", "pam_loginuid", "pam_selinux", "pam_keyinit", "pam_mkhomedir"}
	found, err := filepath.Glob("/usr/lib/*/security/pam_*.so")
	if err != nil || len(found) == 0 {
		cannotRun(t, "no PAM modules here", os.ErrNotExist)
	}
	compared := 0
	for _, p := range found {
		name := moduleName(p)
		m, known := models[name]
		if !known || slices.Contains(leaveTraces, name) {
			continue
		}
		for ph, f := range map[phase]check{phaseAccount: m.account, phaseSession: m.session} {
			tr := realTree(t, map[string]string{"etc/pam.d/sshd": fmt.Sprintf("%s required %s.so\n", ph, name), "etc/security/namespace.conf": "# none\n"})
			r := ask(tr.v, tr.env(t, "admin"), ph)
			if r.Answer == offline.Unknown {
				continue
			}
			compared++
			out := tr.inside(t, "pamtester -I tty=ssh sshd admin "+operations[ph]+" 2>&1 </dev/null || true")
			granted := strings.Contains(out, "done.") || strings.Contains(out, "opened")
			if granted != (r.Answer == offline.Accepted) {
				t.Errorf("%s %s (modelled: %v): we say %+v, libpam says %q", ph, name, f != nil, r, out)
			}
		}
	}
	t.Logf("%d answers compared", compared)
}

// TestHostStack takes the stack that this host's packages installed, with one
// fault at a time.
func TestHostStack(t *testing.T) {
	files := map[string]string{}
	for _, pattern := range []string{"/etc/pam.d/*", "/etc/security/*", "/etc/login.defs", "/etc/shells"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if data, err := os.ReadFile(p); err == nil {
				files[strings.TrimPrefix(p, "/")] = string(data)
			}
		}
	}
	if files["etc/pam.d/sshd"] == "" {
		cannotRun(t, "package openssh-server", os.ErrNotExist)
	}
	for name, fault := range map[string]map[string]string{
		"sound": nil, "nologin": {"etc/nologin": "x"}, "expired": shadowOf("19000:0:99999:7::100:"), "aged": shadowOf("1000:0:9:7:::"),
		"no shadow entry": {"etc/shadow": ""}, "access": {"etc/security/access.conf": "-:ALL:ALL\n"}, "include gone": {"etc/pam.d/common-account": "-> nowhere"},
	} {
		layer := files
		if name == "include gone" {
			layer = merged(files, fault)
			fault = nil
		}
		tr := realTree(t, layer, fault)
		r := Account(tr.v, tr.env(t, "admin"))
		out := tr.inside(t, "pamtester -I tty=ssh sshd admin acct_mgmt 2>&1 </dev/null || true")
		if granted := strings.Contains(out, "done."); r.Answer == offline.Unknown || granted != (r.Answer == offline.Accepted) {
			t.Errorf("%s: we say %+v, libpam says %q", name, r, out)
		}
		if s := Session(tr.v, tr.env(t, "admin")); name == "sound" && s.Answer != offline.Accepted {
			t.Errorf("session: %+v", s)
		}
	}
}

// TestHostileStackIsBounded has as many uncertain entries as are taken in.
func TestHostileStackIsBounded(t *testing.T) {
	lines := strings.Repeat("account [success=3 ignore=2 perm_denied=reset auth_err=7 default=1] pam_exec.so\naccount substack x\n", 200)
	tr := plant(t, modules("exec"), map[string]string{"etc/pam.d/sshd": lines, "etc/pam.d/x": lines, "etc/pam.d/other": ""})
	start := time.Now()
	r := Account(tr.v, tr.env(t, "admin"))
	if d := time.Since(start); d > 20*time.Second || r.Answer == offline.Accepted {
		t.Errorf("%s after %v", r.Answer, d)
	} else {
		t.Logf("%s after %v, %d reasons", r.Answer, d, len(r.Reasons))
	}
}
