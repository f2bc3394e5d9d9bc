package sshd_test

func pamLine(line string) func(*root) { return func(r *root) { r.append("etc/pam.d/sshd", line+"\n") } }

var pamCases = []acceptance{
	{name: "access refuses all but root", change: all(pamLine("account required pam_access.so"), file("etc/security/access.conf", "-:ALL EXCEPT root:ALL\n")), want: refused},
	{name: "access allows the user", change: all(pamLine("account required pam_access.so"), file("etc/security/access.conf", "+:admin:ALL\n-:ALL:ALL\n")), want: accepted},
	{name: "access allows a group", change: all(pamLine("account required pam_access.so"), file("etc/security/access.conf", "+:(sudo):ALL\n-:ALL:ALL\n")), want: accepted},
	{name: "access from elsewhere", change: all(pamLine("account required pam_access.so"), file("etc/security/access.conf", "+:admin:203.0.113.9\n-:ALL:ALL\n")), want: unknown},
	{name: "access not in the stack", change: file("etc/security/access.conf", "-:ALL:ALL\n"), want: accepted},
	{name: "no file for sshd", change: func(r *root) { r.remove("etc/pam.d/sshd") }, want: accepted},
	{name: "missing include", change: pamLine("@include nothing-here"), want: refused},
	{name: "missing module", change: pamLine("account required pam_gone.so"), want: refused},
	{name: "missing module, optional", change: pamLine("account optional pam_gone.so"), want: accepted},
	{name: "missing module, dash", change: pamLine("-account optional pam_gone.so"), want: accepted},
	{name: "deny", change: pamLine("account required pam_deny.so"), want: refused},
	{name: "session denied", change: pamLine("session required pam_deny.so"), want: refused},
	{name: "listfile", change: all(pamLine("account required pam_listfile.so item=user sense=deny file=/etc/ssh/bad onerr=succeed"), file("etc/ssh/bad", "bob\nadmin\n")), want: refused},
	{name: "listfile for others", change: all(pamLine("account required pam_listfile.so item=user sense=deny file=/etc/ssh/bad onerr=succeed"), file("etc/ssh/bad", "bob\n")), want: accepted},
	{name: "succeed_if", change: pamLine("account required pam_succeed_if.so uid < 500"), want: refused},
	{name: "succeed_if by group", change: pamLine("account required pam_succeed_if.so user ingroup sudo"), want: accepted},
	{name: "no logins", change: file("etc/security/limits.conf", "admin - maxlogins 0\n"), want: refused},
	{name: "PAM off", change: all(pamLine("account required pam_deny.so"), shadow("*:19000:0:99999:7:::"), config("UsePAM no")), want: accepted},
	{name: "localuser", change: pamLine("account required pam_localuser.so"), want: accepted},
	{name: "module of nobody's knowledge", change: pamLine("account required pam_userdb.so db=/etc/nothing"), want: unknown},
}

var startCases = []acceptance{
	{name: "unknown keyword", change: config("Nonsense yes"), want: refused, reason: "linux/sshd-start"},
	{name: "unknown keyword in a match for others", change: config("Match User bob", "Nonsense yes"), want: refused, reason: "linux/sshd-start"},
	{name: "bad value", change: config("PermitRootLogin perhaps"), want: refused, reason: "linux/sshd-start"},
	{name: "missing value", change: config("StrictModes"), want: refused, reason: "linux/sshd-start"},
	{name: "not allowed in a match", change: config("Match User bob", "StrictModes no"), want: refused, reason: "linux/sshd-start"},
	{name: "unclosed quote", change: config(`Banner "x`), want: refused, reason: "linux/sshd-start"},
	{name: "no main configuration", change: func(r *root) { r.remove("etc/ssh/sshd_config") }, want: refused, reason: "linux/sshd-start"},
	{name: "unknown method", change: config("AuthenticationMethods nonsense"), want: refused, reason: "linux/sshd-start"},
	{name: "keys command without its user", change: config("AuthorizedKeysCommand /bin/true"), want: refused, reason: "linux/sshd-start"},
	{name: "no host keys", change: hostKeys(func(r *root, key string) { r.remove(key) }), want: refused, reason: "linux/sshd-start"},
	{name: "host keys readable by all", change: hostKeys(func(r *root, key string) { r.chmod(key, 0o644) }), want: refused, reason: "linux/sshd-start"},
	{name: "host keys empty", change: hostKeys(func(r *root, key string) { r.write(key, "") }), want: refused, reason: "linux/sshd-start"},
	{name: "one good host key", change: func(r *root) {
		r.remove("etc/ssh/ssh_host_rsa_key")
		r.chmod("etc/ssh/ssh_host_ecdsa_key", 0o666)
	}, want: accepted},
	{name: "no user sshd", change: func(r *root) { r.replace("etc/passwd", "\nsshd:", "\nsshd2:") }, want: refused, reason: "linux/sshd-start"},
	{name: "obsolete keyword", change: config("RSAAuthentication yes", "UsePrivilegeSeparation sandbox"), want: accepted},
}

func hostKeys(change func(r *root, key string)) func(*root) {
	return func(r *root) {
		for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
			change(r, "etc/ssh/ssh_host_"+kind+"_key")
		}
	}
}
