package pam

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// The stacks below say what the distributions' packages set up, auth and
// password lines left out where they do not matter.
var distros = map[string]map[string]string{
	"debian": {
		"etc/debian_version": "13.0\n",
		"etc/pam.d/sshd": `@include common-auth
account    required     pam_nologin.so
@include common-account
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
session    required     pam_loginuid.so
session    optional     pam_keyinit.so force revoke
@include common-session
session    optional     pam_motd.so  motd=/run/motd.dynamic
session    optional     pam_mail.so standard noenv # [1]
session    required     pam_limits.so
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so open
@include common-password
`,
		"etc/pam.d/common-auth":          "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
		"etc/pam.d/common-password":      "password required pam_deny.so\n",
		"etc/pam.d/common-account":       "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so\naccount\trequisite\tpam_deny.so\naccount\trequired\tpam_permit.so\n",
		"etc/pam.d/common-session":       "session [default=1] pam_permit.so\nsession requisite pam_deny.so\nsession required pam_permit.so\nsession required pam_unix.so\nsession optional pam_systemd.so\n",
		"etc/pam.d/other":                "@include common-auth\n@include common-account\n@include common-password\n@include common-session\n",
		"etc/security/limits.conf":       "# none\n",
		"usr/lib/pam.d/not-looked-at":    "",
		"etc/security/limits.d/10.conf":  "* soft nofile 65536\n",
		"etc/security/access.conf":       "# none\n",
		"etc/security/namespace.conf":    "# none\n",
		"etc/security/namespace.d/x.txt": "/tmp x y\n",
	},
	"rhel7": {
		"etc/pam.d/sshd": `auth       required     pam_sepermit.so
auth       substack     password-auth
account    required     pam_nologin.so
account    include      password-auth
session    required     pam_selinux.so close
session    required     pam_loginuid.so
session    required     pam_selinux.so open env_params
session    required     pam_namespace.so
session    optional     pam_keyinit.so force revoke
session    include      password-auth
session    include      postlogin
-session   optional     pam_reauthorize.so prepare
`,
		"etc/pam.d/password-auth":     "account required pam_unix.so\naccount sufficient pam_localuser.so\naccount sufficient pam_succeed_if.so uid < 1000 quiet\naccount required pam_permit.so\n" + rhelSession,
		"etc/pam.d/postlogin":         "session [success=1 default=ignore] pam_succeed_if.so service !~ gdm* service !~ su* quiet\nsession [default=1] pam_lastlog.so nowtmp showfailed\nsession optional pam_lastlog.so silent noupdate showfailed\n",
		"etc/pam.d/other":             "account required pam_deny.so\nsession required pam_deny.so\n",
		"etc/security/limits.conf":    "# none\n",
		"etc/security/namespace.conf": "# none\n",
	},
	"rhel9": {
		"etc/pam.d/sshd": `auth       substack     password-auth
account    required     pam_sepermit.so
account    required     pam_nologin.so
account    include      password-auth
session    required     pam_selinux.so close
session    required     pam_loginuid.so
session    required     pam_selinux.so open env_params
session    required     pam_namespace.so
session    optional     pam_keyinit.so force revoke
session    optional     pam_motd.so
session    include      password-auth
session    include      postlogin
`,
		"etc/authselect/password-auth": "account required pam_unix.so\naccount sufficient pam_localuser.so\naccount sufficient pam_usertype.so issystem\naccount [default=bad success=ok user_unknown=ignore] pam_sss.so\naccount required pam_permit.so\n" + rhelSession,
		"etc/pam.d/password-auth":      "-> /etc/authselect/password-auth",
		"etc/pam.d/postlogin":          "session optional pam_umask.so silent\nsession [success=1 default=ignore] pam_succeed_if.so service !~ gdm* service !~ su* quiet\nsession [default=1] pam_lastlog.so nowtmp silent\nsession optional pam_lastlog.so silent noupdate showfailed\n",
		"etc/pam.d/other":              "account required pam_deny.so\nsession required pam_deny.so\n",
		"etc/security/limits.conf":     "# none\n", "etc/security/namespace.conf": "# none\n", "etc/security/sepermit.conf": "# none\n",
	},
	"suse": {
		"usr/lib/pam.d/sshd":       "auth requisite pam_nologin.so\naccount requisite pam_nologin.so\naccount include common-account\nsession required pam_loginuid.so\nsession include common-session\nsession optional pam_lastlog.so silent noupdate showfailed\nsession optional pam_keyinit.so force revoke\n",
		"etc/pam.d/common-account": "account required pam_unix.so try_first_pass\n",
		"etc/pam.d/common-session": "session optional pam_systemd.so\nsession required pam_limits.so\nsession required pam_unix.so try_first_pass\nsession optional pam_umask.so\nsession optional pam_env.so\n",
		"usr/lib/pam.d/other":      "account required pam_deny.so\nsession required pam_deny.so\n",
		"etc/security/limits.conf": "# none\n",
	},
	"arch": {
		"etc/pam.d/sshd":                "auth include system-remote-login\naccount include system-remote-login\nsession include system-remote-login\n",
		"etc/pam.d/system-remote-login": "account include system-login\nsession include system-login\n",
		"etc/pam.d/system-login":        "account required pam_access.so\naccount required pam_nologin.so\naccount include system-auth\nsession optional pam_loginuid.so\nsession optional pam_keyinit.so force revoke\nsession include system-auth\nsession optional pam_motd.so\nsession optional pam_mail.so dir=/var/spool/mail standard quiet\nsession optional pam_umask.so\n-session optional pam_systemd.so\nsession required pam_env.so\n",
		"etc/pam.d/system-auth":         "-account [success=1 default=ignore] pam_systemd_home.so\naccount required pam_unix.so\naccount optional pam_permit.so\naccount required pam_time.so\n-session optional pam_systemd_home.so\nsession required pam_limits.so\nsession required pam_unix.so\nsession optional pam_permit.so\n",
		"etc/pam.d/other":               "account required pam_deny.so\naccount required pam_warn.so\n",
		"etc/security/limits.conf":      "# none\n",
	},
}

const rhelSession = "session optional pam_keyinit.so revoke\nsession required pam_limits.so\n-session optional pam_systemd.so\nsession [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid\nsession required pam_unix.so\nsession optional pam_sss.so\n"

// TestDistributions asks the packaged stacks about a sound system, and about
// one fault at a time.
func TestDistributions(t *testing.T) {
	aged := map[string]string{"etc/shadow": "admin:!:1000:0:90:7:::\n"}
	expired := map[string]string{"etc/shadow": "admin:!:19000:0:99999:7::100:\n"}
	const yes, no, open = offline.Accepted, offline.Denied, offline.Unknown
	faults := []struct {
		name             string
		files            map[string]string
		account, session offline.Answer
		ids              string // of the reasons, account first
	}{
		{"sound", nil, yes, yes, ""},
		{"nologin", map[string]string{"etc/nologin": "x"}, no, yes, "pam-nologin"},
		{"expired", expired, no, yes, "pam-unix-expired"},
		{"aged", aged, no, yes, "pam-unix-password"},
		{"expired and nologin", merged(expired, map[string]string{"etc/nologin": "x"}), no, yes, "pam-nologin pam-unix-expired"},
		{"no login allowed", map[string]string{"etc/security/limits.d/99.conf": "admin - maxlogins 0\n"}, yes, no, "pam-limits-logins"},
		{"no process allowed", map[string]string{"etc/security/limits.d/99.conf": "admin - nproc 1\n"}, yes, no, "pam-limits-nproc"},
		{"no memory allowed", map[string]string{"etc/security/limits.d/99.conf": "admin - as 1\n"}, yes, open, "pam-limits-as"},
	}
	mods := plant(t, allModules()).dir + "/usr/lib64"
	for distro, files := range distros {
		for _, f := range faults {
			t.Run(distro+"/"+f.name, func(t *testing.T) {
				tr := plant(t, files, f.files, map[string]string{"usr/lib64/": ""})
				tr.mount(t, "/usr/lib64", mods)
				env := tr.env(t, "admin")
				account, session := Account(tr.v, env), Session(tr.v, env)
				var ids []string
				for _, r := range append(account.Reasons, session.Reasons...) {
					ids = append(ids, r.ID)
					if r.Path == "" || r.Text == "" {
						t.Errorf("a reason says too little: %+v", r)
					}
				}
				if account.Answer != f.account || session.Answer != f.session || strings.Join(ids, " ") != f.ids {
					t.Errorf("account %+v\nsession %+v", account, session)
				}
			})
		}
	}
}

func merged(a, b map[string]string) map[string]string {
	m := map[string]string{}
	for _, files := range []map[string]string{a, b} {
		for k, v := range files {
			m[k] = v
		}
	}
	return m
}

// TestFaultsOfTheStack breaks one distribution's stack itself.
func TestFaultsOfTheStack(t *testing.T) {
	const no, open = offline.Denied, offline.Unknown
	tests := map[string]struct {
		distro string
		files  map[string]string
		gone   string // a module
		want   offline.Answer
		id     string
		text   string
	}{
		"the include is gone":   {"debian", map[string]string{"etc/pam.d/sshd": "@include common-count\naccount required pam_permit.so\n"}, "", no, "pam-config", "common-count"},
		"a module is gone":      {"rhel9", nil, "pam_nologin", no, "pam-module-missing", "pam_nologin.so"},
		"the password module":   {"debian", nil, "pam_unix", no, "pam-module-missing", "pam_unix.so"},
		"an unknown module":     {"suse", map[string]string{"etc/pam.d/common-account": "account required pam_unix.so\naccount required pam_duo.so\n"}, "", open, "pam-duo", "pam_duo"},
		"SSSD, without shelter": {"suse", map[string]string{"etc/pam.d/common-account": "account required pam_unix.so\naccount [default=bad success=ok user_unknown=ignore] pam_sss.so\n"}, "", open, "pam-sss", "pam_sss"},
		"access by group":       {"arch", map[string]string{"etc/security/access.conf": "+:guests:ALL\n-:ALL:ALL\n"}, "", no, "pam-access", "line 1 of /etc/pam.d/system-login"},
		"access by group of a directory service": {"arch", map[string]string{
			"etc/nsswitch.conf": "group: files sss\n", "etc/security/access.conf": "+:staff:ALL\n-:ALL:ALL\n",
		}, "", open, "pam-access", "access"},
		"two refuse": {"debian", map[string]string{"etc/pam.d/common-account": "account required pam_deny.so\naccount required pam_deny.so\n"}, "", no, "pam-deny", "everybody"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			mods := merged(allModules(), modules("duo"))
			delete(mods, "usr/lib64/security/"+tt.gone+".so")
			tr := plant(t, mods, distros[tt.distro], tt.files)
			r := Account(tr.v, tr.env(t, "admin"))
			i := slices.IndexFunc(r.Reasons, func(r Reason) bool { return r.ID == tt.id })
			if r.Answer != tt.want || i < 0 || !strings.Contains(r.Reasons[i].Text, tt.text) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestUncertainModulesThatDoNotMatter has unknown modules where no answer of
// theirs can change the stack's.
func TestUncertainModulesThatDoNotMatter(t *testing.T) {
	for name, tt := range map[string]struct {
		stack string
		want  offline.Answer
		ids   string
	}{
		"optional":                 {"account required pam_permit.so\naccount optional pam_exec.so x\n", offline.Accepted, ""},
		"after a sufficient one":   {"account sufficient pam_permit.so\naccount required pam_exec.so\n", offline.Accepted, ""},
		"before a refusal":         {"account required pam_exec.so\naccount requisite pam_deny.so\n", offline.Denied, "pam-deny"},
		"jumped over":              {"account [success=1 default=die] pam_permit.so\naccount required pam_exec.so\naccount required pam_permit.so\n", offline.Accepted, ""},
		"one of two decides":       {"account optional pam_mail.so\naccount required pam_exec.so\naccount required pam_permit.so\n", offline.Unknown, "pam-exec"},
		"only ever good or absent": {"account required pam_permit.so\naccount required pam_echo.so\n", offline.Accepted, ""},
		"nothing grants":           {"account required pam_warn.so\n", offline.Denied, "pam-config"},
		"optional and alone":       {"account optional pam_exec.so\n", offline.Unknown, "pam-exec"},
	} {
		tr := plant(t, allModules(), modules("exec"), map[string]string{"etc/pam.d/sshd": tt.stack, "etc/pam.d/other": ""})
		r := Account(tr.v, tr.env(t, "admin"))
		var ids []string
		for _, reason := range r.Reasons {
			ids = append(ids, reason.ID)
		}
		if r.Answer != tt.want || strings.Join(ids, " ") != tt.ids {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
