package conf

import (
	"strings"
	"testing"
)

var releaseNames = []string{"7.4", "7.9", "8.0", "8.2", "8.7", "9.2", "9.9", "10.0"}

// TestDefaultsByRelease: what sshd does without any line, in the releases of
// releaseNames, one letter or word for each.
func TestDefaultsByRelease(t *testing.T) {
	same := func(s string) []string { return strings.Fields(strings.Repeat(s+" ", len(releaseNames))) }
	tests := []struct {
		keyword string
		want    []string
	}{
		{"permitrootlogin", same("prohibit-password")},
		{"usepam", same("no")},
		{"strictmodes", same("yes")},
		{"pubkeyauthentication", same("yes")},
		{"passwordauthentication", same("yes")},
		{"kbdinteractiveauthentication", same("yes")}, // by the older switch before 8.7
		{"permitemptypasswords", same("no")},
		{"port", same("22")},
		{"maxauthtries", same("6")},
		{"logingracetime", same("120")},
		{"usedns", same("no")},
		{"allowtcpforwarding", same("yes")},
		{"authenticationmethods", same("any")},
	}
	for _, tt := range tests {
		for i, raw := range releaseNames {
			c := conf(t, "", release(t, "OpenSSH_"+raw+"p1"))
			if got := c.Evaluate(Connection{User: "root"}).First(tt.keyword); got.Text != tt.want[i] || got.Origin != FromDefault {
				t.Errorf("%s: %s is %+v, want %q", raw, tt.keyword, got, tt.want[i])
			}
		}
	}
	if got := conf(t, "", release(t, "OpenSSH_6.6.1p1")).Evaluate(Connection{}).First("permitrootlogin").Text; got != "yes" {
		t.Errorf("before 7.0 root could come in with a password, got %q", got)
	}
}

// TestKeyTypesByRelease: which types of key are accepted without any line. "+"
// is yes, "-" is no, one for each of releaseNames.
func TestKeyTypesByRelease(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"ssh-ed25519", "++++++++"},
		{"ecdsa-sha2-nistp521", "++++++++"},
		{"rsa-sha2-256", "++++++++"},
		{"rsa-sha2-512", "++++++++"},
		{"ssh-rsa", "+++++---"}, // signatures by SHA-1 left in 8.8
		{"ssh-dss", "--------"},
		{"sk-ssh-ed25519@openssh.com", "---+++++"},
		{"sk-ecdsa-sha2-nistp256@openssh.com", "---+++++"},
		{"rsa-sha2-512-cert-v01@openssh.com", "-+++++++"},
		{"ssh-rsa-cert-v01@openssh.com", "+++++---"},
	} {
		got := ""
		for _, raw := range releaseNames {
			list, err := conf(t, "", release(t, "OpenSSH_"+raw+"p1")).Evaluate(Connection{User: "ann"}).Algorithms("PubkeyAcceptedAlgorithms")
			if err != nil {
				t.Fatal(err)
			}
			if contains(list, tt.name) {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s in %v", tt.name, got, tt.want, releaseNames)
		}
	}
}

// TestLinesByRelease: which lines each release takes. "+" is taken, "-" refused.
func TestLinesByRelease(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"PubkeyAcceptedKeyTypes ssh-ed25519", "++++++++"},
		{"PubkeyAcceptedAlgorithms ssh-ed25519", "----++++"},
		{"HostbasedAcceptedKeyTypes ssh-ed25519", "++++++++"},
		{"HostbasedAcceptedAlgorithms ssh-ed25519", "----++++"},
		{"PubkeyAcceptedKeyTypes sk-ssh-ed25519@openssh.com", "---+++++"},
		{"PubkeyAcceptedKeyTypes ssh-dss", "+++++++-"},
		{"CASignatureAlgorithms ssh-ed25519", "-+++++++"},
		{"Include /etc/ssh/nosuch/*.conf", "---+++++"},
		{"PubkeyAuthOptions touch-required", "---+++++"},
		{"SecurityKeyProvider internal", "---+++++"},
		{"IgnoreRhosts shosts-only", "++++++++"},
		{"PermitListen 8080", "-+++++++"},
		{"SetEnv A=1", "-+++++++"},
		{"ExposeAuthInfo yes", "-+++++++"},
		{"DisableForwarding yes", "++++++++"},
		{"LogVerbose kex.c:*", "----++++"},
		{"ModuliFile /etc/ssh/moduli", "----++++"},
		{"PerSourceMaxStartups 5", "----++++"},
		{"RequiredRSASize 2048", "-----+++"},
		{"ChannelTimeout *=5m", "-----+++"},
		{"UnusedConnectionTimeout 5m", "-----+++"},
		{"PerSourcePenalties yes", "------++"},
		{"RefuseConnection no", "------++"},
		{"SshdSessionPath /x", "------++"},
		{"SshdAuthPath /x", "-------+"},
		{"PAMServiceName other", "------++"},
		{"Match invalid-user", "------++"},
		{"Match version OpenSSH_*", "-------+"},
		{"Match User=root", "++++++++"},
		{"Match LocalPort 22", "++++++++"},
		{"ChallengeResponseAuthentication no", "++++++++"},
		{"KbdInteractiveAuthentication no", "++++++++"},
		{"SkeyAuthentication no", "++++++++"},
		{"PermitRootLogin without-password", "++++++++"},
		{"PermitRootLogin prohibit-password", "++++++++"},
		{"Protocol 2", "++++++++"},
		{"UsePrivilegeSeparation sandbox", "++++++++"},
		{"UseLogin no", "++++++++"},
		{"DSAAuthentication yes", "++++++++"},
		{"Ciphers aes256-gcm@openssh.com", "++++++++"},
		{"Ciphers blowfish-cbc", "+-------"},
		{"Ciphers arcfour256", "+-------"},
		{"MACs hmac-ripemd160", "+-------"},
		{"KexAlgorithms curve25519-sha256", "++++++++"},
		{"KexAlgorithms diffie-hellman-group1-sha1", "++++++++"},
		{"KexAlgorithms mlkem768x25519-sha256", "------++"},
		{"AllowUsers", "++++----"},
		{"PermitRootLogin", "--------"},
		{"Banner 'a b'", "----++++"},
		{"AuthorizedKeysCommand x", "--------"},
	} {
		got := ""
		for _, raw := range releaseNames {
			if len(fatal(conf(t, tt.line+"\n", release(t, "OpenSSH_"+raw+"p1")).Problems)) == 0 {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != tt.want {
			t.Errorf("%q: %s, want %s in %v", tt.line, got, tt.want, releaseNames)
		}
	}
}

// TestWordsByRelease: how the words of a line were cut before 8.7, until 8.8 and
// since 8.9.
func TestWordsByRelease(t *testing.T) {
	releases := []Version{{Major: 8, Minor: 4}, {Major: 8, Minor: 7}, {Major: 9, Minor: 2}}
	const bad = "refused"
	for _, tt := range []struct {
		line string
		want [3]string
	}{
		{`AllowUsers a b`, [3]string{"a|b", "a|b", "a|b"}},
		{`AllowUsers "a" b`, [3]string{"a|b", "a|b", "a|b"}},
		{`AllowUsers a=b`, [3]string{"a|b", "a=b", "a=b"}},
		{`AllowUsers a\ b`, [3]string{`a\|b`, `a\|b`, "a b"}},
		{`AllowUsers 'a' b`, [3]string{`'a'|b`, "a|b", "a|b"}},
		{`AllowUsers a #b`, [3]string{"a", "a", "a"}},
		{`AllowUsers a#b`, [3]string{"a", "a#b", "a#b"}},
		{`AllowUsers a"b c"d`, [3]string{"ab c|d", "ab cd", "ab cd"}},
		{`AllowUsers "a`, [3]string{"", bad, bad}},
		{`AllowUsers "" a`, [3]string{"", bad, bad}},
	} {
		for i, v := range releases {
			c := conf(t, tt.line+"\n", v)
			got := strings.Join(texts(c.Evaluate(Connection{User: "x"}).All("allowusers")), "|")
			if len(fatal(c.Problems)) > 0 {
				got = bad
			}
			if got != tt.want[i] {
				t.Errorf("%d.%d: %q: got %q, want %q", v.Major, v.Minor, tt.line, got, tt.want[i])
			}
		}
	}
}
