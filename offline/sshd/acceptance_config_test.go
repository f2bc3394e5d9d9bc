package sshd_test

import "strings"

func config(lines ...string) func(*root) { return func(r *root) { r.config(lines...) } }

// mainConfig replaces the main file.
func mainConfig(lines ...string) func(*root) {
	return func(r *root) { r.write("etc/ssh/sshd_config", strings.Join(lines, "\n")+"\n") }
}

var configCases = []acceptance{
	{name: "no public keys", change: config("PubkeyAuthentication no"), want: refused, reason: "linux/pubkey-authentication"},
	{name: "first value wins", change: config("PubkeyAuthentication yes", "PubkeyAuthentication no"), want: accepted},
	{name: "key=value and quotes", change: config(`pubkeyauthentication="no" # off`), want: refused, reason: "linux/pubkey-authentication"},
	{name: "match for the user", change: config("Match User bob,admin", "PubkeyAuthentication no"), want: refused, reason: "linux/pubkey-authentication"},
	{name: "match for another", change: config("Match User bob", "PubkeyAuthentication no"), want: accepted},
	{name: "match overrides", change: config("PubkeyAuthentication no", "Match User admin", "PubkeyAuthentication yes"), want: accepted},
	{name: "match by group", change: config("Match Group sudo", "PubkeyAuthentication no"), want: refused},
	{name: "match by primary group", change: config("Match Group admin", "PubkeyAuthentication no"), want: refused},
	{name: "match by address elsewhere", change: config("Match Address 203.0.113.0/24", "PubkeyAuthentication no"), want: unknown, reason: "linux/pubkey-authentication"},
	{name: "match by address, harmless", change: config("Match Address 203.0.113.0/24", "X11Forwarding no"), want: accepted},
	{name: "match by address lifts it", change: config("PubkeyAuthentication no", "Match Address 127.0.0.0/8", "PubkeyAuthentication yes"), want: unknown, reason: "linux/pubkey-authentication"},
	{name: "match by address, two refusals", change: config("AllowUsers bob", "Match Address 203.0.113.0/24", "PubkeyAuthentication no"), want: refused, reason: "linux/allow-users"},
	{name: "match does not leak out of an include", change: func(r *root) {
		r.write("etc/ssh/sshd_config.d/01.conf", "Match User bob\n")
		r.write("etc/ssh/sshd_config.d/02.conf", "PubkeyAuthentication no\n")
	}, want: refused},
	{name: "include inside a match", change: func(r *root) {
		r.config("Match User bob", "Include /etc/ssh/extra/*.conf")
		r.write("etc/ssh/extra/x.conf", "PubkeyAuthentication no\n")
	}, want: accepted},
	{name: "relative include", change: func(r *root) {
		r.config("Include extra/*.conf")
		r.write("etc/ssh/extra/x.conf", "PubkeyAuthentication no\n")
	}, want: refused},
	{name: "invalid user block", change: config("Match invalid-user", "PubkeyAuthentication no"), want: accepted, suite: "trixie"},
	{name: "no key files", change: config("AuthorizedKeysFile none"), want: refused, reason: "linux/authorized-keys-file"},
	{name: "other key file", change: config("AuthorizedKeysFile .ssh/keys"), want: refused, reason: "linux/authorized-keys-missing"},
	{name: "two key files", change: config("AuthorizedKeysFile /nowhere/%u %h/.ssh/authorized_keys"), want: accepted},
	{name: "unknown token", change: config("AuthorizedKeysFile %x/keys"), want: refused, reason: "linux/authorized-keys-file"},
	{name: "key file for the user only", change: config("AuthorizedKeysFile none", "Match User admin", "AuthorizedKeysFile .ssh/authorized_keys"), want: accepted},
	{name: "keys command, key in the file", change: config("AuthorizedKeysCommand /bin/false", "AuthorizedKeysCommandUser nobody"), want: accepted},
	{name: "keys command, key in no file", change: func(r *root) {
		r.keys(other + "\n")
		r.config("AuthorizedKeysCommand /bin/echo %k", "AuthorizedKeysCommandUser nobody")
	}, want: unknown, reason: "linux/authorized-keys-command"},
	{name: "methods want a password too", change: config("AuthenticationMethods publickey,password"), want: refused, reason: "linux/authentication-methods"},
	{name: "methods any", change: config("AuthenticationMethods any"), want: accepted},
	{name: "methods, key alone as second choice", change: config("AuthenticationMethods publickey,password publickey"), want: accepted},
	{name: "methods, two keys", change: config("AuthenticationMethods publickey,publickey"), want: refused, reason: "linux/authentication-methods"},
	{name: "methods, key or disabled one", change: config("AuthenticationMethods gssapi-with-mic publickey"), want: accepted},
	{name: "no attempts", change: config("MaxAuthTries 0"), want: refused, reason: "linux/max-auth-tries"},
	{name: "one attempt", change: config("MaxAuthTries 1"), want: accepted},
	{name: "refuse connection", change: config("Match User admin", "RefuseConnection yes"), want: refused, reason: "linux/refuse-connection", suite: "trixie"},
	{name: "another port too", change: config("Port 22", "Port 2222"), want: accepted},
	{name: "password login off", change: config("PasswordAuthentication no", "KbdInteractiveAuthentication no"), want: accepted},
	{name: "without the Include line", change: all(config("PubkeyAuthentication no"), mainConfig("UsePAM yes")), want: accepted},
}

var accessCases = []acceptance{
	{name: "allow users without the user", change: config("AllowUsers bob alice"), want: refused, reason: "linux/allow-users"},
	{name: "allow users, second line", change: config("AllowUsers bob", "AllowUsers adm?n"), want: accepted, reason: "linux/allow-users"},
	{name: "allow users from anywhere", change: config("AllowUsers admin@*"), want: accepted},
	{name: "allow users from elsewhere", change: config("AllowUsers admin@203.0.113.0/24"), want: unknown, reason: "linux/allow-users"},
	{name: "allow users in a match", change: config("AllowUsers bob", "Match User admin", "AllowUsers admin"), want: accepted},
	{name: "deny users", change: config("DenyUsers adm*"), want: refused, reason: "linux/deny-users"},
	{name: "deny users from elsewhere", change: config("DenyUsers *@203.0.113.9"), want: unknown, reason: "linux/deny-users"},
	{name: "deny beats allow", change: config("AllowUsers admin", "DenyUsers admin"), want: refused, reason: "linux/deny-users"},
	{name: "deny others", change: config("DenyUsers root bob@*"), want: accepted},
	{name: "allow groups", change: config("AllowGroups wheel sudo"), want: accepted, reason: "linux/allow-groups"},
	{name: "allow primary group", change: config("AllowGroups admin"), want: accepted},
	{name: "allow other groups", change: config("AllowGroups wheel staff"), want: refused, reason: "linux/allow-groups"},
	{name: "deny groups", change: config("DenyGroups su*"), want: refused, reason: "linux/deny-groups"},
	{name: "root, default", user: "root", want: accepted, reason: "linux/permit-root-login"},
	{name: "root, no", user: "root", change: config("PermitRootLogin no"), want: refused, reason: "linux/permit-root-login"},
	{name: "root, yes", user: "root", change: config("PermitRootLogin yes"), want: accepted},
	{name: "root, old spelling", user: "root", change: config("PermitRootLogin without-password"), want: accepted},
	{name: "root, forced commands only", user: "root", change: config("PermitRootLogin forced-commands-only"), want: refused, reason: "linux/permit-root-login"},
	{name: "root, no, but yes in a match", user: "root", change: config("PermitRootLogin no", "Match User root", "PermitRootLogin yes"), want: accepted},
	{name: "root's twin", change: all(config("PermitRootLogin no"), func(r *root) {
		r.replace("etc/passwd", "admin:x:1000:1000", "admin:x:0:0")
		r.own("home/admin", 0, 0)
		r.own("home/admin/.ssh", 0, 0)
		r.own(keyFile, 0, 0)
	}), want: refused, reason: "linux/permit-root-login"},
	{name: "hosts.deny", change: file("etc/hosts.deny", "ALL: ALL\n"), want: refused, reason: "linux/tcp-wrappers"},
	{name: "hosts.deny for sshd", change: file("etc/hosts.deny", "sshd: ALL\n"), want: refused, reason: "linux/tcp-wrappers"},
	{name: "hosts.deny for others", change: file("etc/hosts.deny", "vsftpd: ALL\n"), want: accepted},
	{name: "hosts.allow first", change: all(file("etc/hosts.deny", "ALL: ALL\n"), file("etc/hosts.allow", "sshd: ALL\n")), want: accepted},
	{name: "hosts.allow for some", change: all(file("etc/hosts.deny", "ALL: ALL\n"), file("etc/hosts.allow", "sshd: 203.0.113.\n")), want: unknown, reason: "linux/tcp-wrappers"},
	{name: "hosts.deny for some", change: file("etc/hosts.deny", "sshd: 203.0.113.9\n"), want: unknown, reason: "linux/tcp-wrappers"},
	{name: "hosts.deny without newline", change: file("etc/hosts.deny", "vsftpd: ALL"), want: refused, reason: "linux/tcp-wrappers"},
	{name: "hosts.allow that denies", change: file("etc/hosts.allow", "sshd: ALL: deny\n"), want: refused, reason: "linux/tcp-wrappers"},
}

var sessionCases = []acceptance{
	{name: "forced command", change: config("ForceCommand exit 5"), want: refused, reason: "linux/force-command"},
	{name: "forced sftp", change: config("ForceCommand internal-sftp"), want: refused, reason: "linux/force-command"},
	{name: "forced none", change: config("ForceCommand none"), want: accepted},
	{name: "forced for another", change: config("Match User bob", "ForceCommand exit 5"), want: accepted},
	{name: "no sessions", change: config("MaxSessions 0"), want: refused, reason: "linux/max-sessions"},
	{name: "no terminal", change: config("PermitTTY no"), want: accepted},
	{name: "chroot into the home", change: config("ChrootDirectory %h"), want: refused, reason: "linux/chroot-directory"},
	{name: "chroot without a shell", change: config("ChrootDirectory /srv"), want: refused, reason: "linux/chroot-directory"},
	{name: "chroot into a missing place", change: config("ChrootDirectory /srv/%u"), want: refused, reason: "linux/chroot-directory"},
	{name: "chroot into /", change: config("ChrootDirectory /"), want: accepted},
	{name: "chroot none", change: config("ChrootDirectory none"), want: accepted},
	{name: "forwarding off", change: config("DisableForwarding yes"), want: accepted},
	{name: "banner missing", change: config("Banner /etc/nothing"), want: accepted},
}

func file(name, text string) func(*root) { return func(r *root) { r.write(name, text) } }
