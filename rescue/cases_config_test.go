package rescue_test

import (
	"testing"

	"github.com/seed-77750964/regain/offline"
)

func TestAuthorizedKeysFile(t *testing.T) { trials(t, keysFileTrials) }

func TestFallback(t *testing.T) { trials(t, fallbackTrials) }

func TestPolicy(t *testing.T) { trials(t, policyTrials) }

func TestStart(t *testing.T) { trials(t, startTrials) }

// top is what the fallback puts before sshd_config when no drop-in can win.
func top(list string) string {
	return `/etc/ssh/sshd_config: "{mark}\nAuthorizedKeysFile /etc/ssh/regain.d/%u` + list + `\n"+`
}

// viaTop is the fallback by the top of sshd_config.
func viaTop(list string) []string { return []string{viaDropIn[0], viaDropIn[1], top(list)} }

func viaText(text string) []string { return []string{viaDropIn[0], viaDropIn[1], dropIn + text} }

var keysFileTrials = []trial{
	{name: "several paths, the first is root's", in: []change{sshd("AuthorizedKeysFile /etc/keys/%u .ssh/authorized_keys")}, live: true,
		out: []string{"/etc/keys: new dir 0755 0:0", "/etc/keys/admin: new file 0644 0:0 {key}"}},
	{name: "several paths, the first is in home", in: []change{sshd("AuthorizedKeysFile %h/.ssh/keys2 .ssh/authorized_keys")}, live: true,
		out: []string{dotSSH + "/keys2: new file 0600 1000:1000 {key}"}},
	{name: "three lines: the first counts",
		in: []change{sshd("AuthorizedKeysFile %h/.ssh/authorized_keys\nAuthorizedKeysFile .ssh/other\nAuthorizedKeysFile /etc/keys/%u")}},
	{name: "by uid", in: []change{sshd("AuthorizedKeysFile /etc/keys/%U")},
		out: []string{"/etc/keys: new dir 0755 0:0", "/etc/keys/1000: new file 0644 0:0 {key}"}},
	{name: "the key in a file that is no longer read", in: []change{keys("{pub}\n"), sshd("AuthorizedKeysFile /etc/keys/%u")}, live: true,
		out: []string{"/etc/keys: new dir 0755 0:0", "/etc/keys/admin: new file 0644 0:0 {key}"}},
	{name: "root's directory 0777", in: []change{sshd("AuthorizedKeysFile /etc/keys/%u"), mkdir("/etc/keys", 0o777, 0, 0)}, live: true,
		out: viaTop(" /etc/keys/%u"), says: "everybody may write"},
	{name: "a name with blanks", in: []change{sshd(`AuthorizedKeysFile "/etc/my keys/%u"`)},
		out: []string{"/etc/my keys: new dir 0755 0:0", "/etc/my keys/admin: new file 0644 0:0 {key}"}},
	{name: "none", in: []change{sshd("AuthorizedKeysFile none")}, finding: "linux/authorized-keys-file", out: viaTop(""), live: true},
	{name: "none in a drop-in", in: []change{config("/etc/ssh/sshd_config.d/50-hard.conf", "AuthorizedKeysFile none\n")},
		out: viaText(`"{mark}\nAuthorizedKeysFile /etc/ssh/regain.d/%u\n"`), live: true},
	{name: "a bad token", in: []change{sshd("AuthorizedKeysFile /etc/keys/%q")}, outcome: offline.Refused, finding: "linux/authorized-keys-file"},
	{name: "Match names another file", in: []change{add("/etc/ssh/sshd_config", "Match User admin\nAuthorizedKeysFile /etc/keys/admin\n")}, live: true,
		out: []string{"/etc/keys: new dir 0755 0:0", "/etc/keys/admin: new file 0644 0:0 {key}"}},
	{name: "Match turns it off", in: []change{add("/etc/ssh/sshd_config", "Match User admin\nAuthorizedKeysFile none\n")}, live: true,
		out: viaText(`"{mark}\nMatch User admin\n    AuthorizedKeysFile /etc/ssh/regain.d/%u\n"`)},
	{name: "Match turns it off for a group", in: []change{add("/etc/ssh/sshd_config", "Match Group sudo\nAuthorizedKeysFile none\n")},
		out: viaText(`"{mark}\nMatch User admin\n    AuthorizedKeysFile /etc/ssh/regain.d/%u\n"`)},
	{name: "-o in /etc/default/ssh", in: []change{config("/etc/default/ssh", "SSHD_OPTS=\"-o AuthorizedKeysFile=/etc/keys/%u\"\n")}, live: true,
		args: []string{"-o", "AuthorizedKeysFile=/etc/keys/%u"}, out: []string{"/etc/keys: new dir 0755 0:0", "/etc/keys/admin: new file 0644 0:0 {key}"}},
	{name: "-o none in /etc/default/ssh", in: []change{config("/etc/default/ssh", "SSHD_OPTS=\"-o AuthorizedKeysFile=none\"\n")}, live: true,
		args: []string{"-o", "AuthorizedKeysFile=none"}, out: viaText(`"{mark}\nMatch User admin\n    AuthorizedKeysFile /etc/ssh/regain.d/%u\n"`)},
}

var fallbackTrials = []trial{
	{name: "as allowed", ask: fallback, out: viaDropIn, says: "as was allowed", live: true},
	{name: "no home, drop-in there already", in: []change{remove(admin), config("/etc/ssh/sshd_config.d/00-regain.conf", "# regain run x\nAuthorizedKeysFile /etc/ssh/regain.d/%u .ssh/authorized_keys .ssh/authorized_keys2\n")},
		out: viaDropIn[:2], live: true},
	{name: "no home, an earlier run's key there", live: true, in: []change{
		remove(admin), mkdir("/etc/ssh/regain.d", 0o755, 0, 0), config("/etc/ssh/regain.d/admin", "# regain run x\n{one}\n"),
		config("/etc/ssh/sshd_config.d/00-regain.conf", "# regain run x\nAuthorizedKeysFile /etc/ssh/regain.d/%u .ssh/authorized_keys\n"),
	}, out: []string{"/etc/ssh/regain.d/admin: +{key}"}},
	{name: "no home, root's file 0600", live: true, in: []change{
		remove(admin), write("/etc/ssh/regain.d/admin", "{one}\n", 0o600, 0, 0),
		config("/etc/ssh/sshd_config.d/00-regain.conf", "AuthorizedKeysFile /etc/ssh/regain.d/%u .ssh/authorized_keys\n"),
	}, out: []string{"/etc/ssh/regain.d/admin: mode 0600 -> 0644, +{key}"}},
	{name: "drop-ins not included", in: []change{remove(admin), replace("/etc/ssh/sshd_config", "Include", "#Include")},
		out: viaTop(" .ssh/authorized_keys .ssh/authorized_keys2"), live: true},
	{name: "drop-ins included at the end", live: true, out: viaTop(" .ssh/authorized_keys"), in: []change{
		remove(admin), replace("/etc/ssh/sshd_config", "Include", "#Include"), add("/etc/ssh/sshd_config", "AuthorizedKeysFile .ssh/authorized_keys\nInclude /etc/ssh/sshd_config.d/*.conf\n"),
	}},
	{name: "no drop-in directory", in: []change{remove(admin, "/etc/ssh/sshd_config.d")}, out: viaTop(" .ssh/authorized_keys .ssh/authorized_keys2"), live: true},
	{name: "the first name is taken", in: []change{remove(admin), config("/etc/ssh/sshd_config.d/00-aaa.conf", "AuthorizedKeysFile .ssh/authorized_keys\n")}, live: true,
		out: []string{viaDropIn[0], viaDropIn[1], "/etc/ssh/sshd_config.d/0-regain.conf: new file 0644 0:0 " + `"{mark}\nAuthorizedKeysFile /etc/ssh/regain.d/%u .ssh/authorized_keys\n"`}},
	{name: "all first names are taken", in: []change{remove(admin), config("/etc/ssh/sshd_config.d/!first.conf", "AuthorizedKeysFile .ssh/authorized_keys\n")}, live: true,
		out: viaTop(" .ssh/authorized_keys")},
	{name: "repair none", in: []change{remove(admin)}, ask: nothing, outcome: offline.Refused},
	{name: "sshd_config has two names", in: []change{remove(admin, "/etc/ssh/sshd_config.d"), hard("/etc/ssh/sshd_config", "/etc/ssh/copy")}, outcome: offline.Refused},
	{name: "sshd_config is a link", in: []change{remove(admin, "/etc/ssh/sshd_config.d"), rename("/etc/ssh/sshd_config", "/etc/ssh/real"), link("real", "/etc/ssh/sshd_config")}, live: true,
		out: []string{viaDropIn[0], viaDropIn[1], `/etc/ssh/real: "{mark}\nAuthorizedKeysFile /etc/ssh/regain.d/%u .ssh/authorized_keys .ssh/authorized_keys2\n"+`}},
	{name: "home on a filesystem that is not here", live: true, finding: "linux/filesystem-absent", says: "not attached", out: viaDropIn,
		in: []change{config("/etc/fstab", "UUID=0a3407de-014b-458b-b5c1-848e92a327a3 / ext4 defaults 0 1\nUUID=5f9c3a2e-8f1d-4c57-9d2b-1c7d0a6e4b11 /home ext4 defaults 0 2\n")}},
	{name: "home on NFS", in: []change{add("/etc/fstab", "files.example:/home /home nfs defaults 0 0\n")}, out: viaDropIn, live: true},
}

// refused is a case that regain only explains: the tree stays as it is.
func refused(name, finding string, in ...change) trial {
	return trial{name: name, in: in, outcome: offline.Refused, code: "login-refused", finding: finding}
}

// unknown is a case that cannot be told from the files alone.
func unknown(name, finding string, in ...change) trial {
	c := refused(name, finding, in...)
	c.code = "login-unknown"
	return c
}

var policyTrials = []trial{
	refused("PubkeyAuthentication no", "linux/pubkey-authentication", sshd("PubkeyAuthentication no")),
	refused("PubkeyAuthentication no in Match", "linux/pubkey-authentication", add("/etc/ssh/sshd_config", "Match User adm*\nPubkeyAuthentication no\n")),
	refused("AuthenticationMethods", "linux/authentication-methods", sshd("AuthenticationMethods publickey,password")),
	refused("AllowUsers another", "linux/allow-users", sshd("AllowUsers bob root")),
	refused("DenyUsers", "linux/deny-users", sshd("DenyUsers admin")),
	refused("AllowGroups another", "linux/allow-groups", sshd("AllowGroups wheel")),
	refused("DenyGroups", "linux/deny-groups", sshd("DenyGroups sudo")),
	refused("ForceCommand", "linux/force-command", sshd("ForceCommand internal-sftp")),
	refused("key type not accepted", "linux/key-type", sshd("PubkeyAcceptedAlgorithms rsa-sha2-512")),
	refused("key revoked", "linux/revoked-keys", config("/etc/ssh/revoked", "{pub}\n"), sshd("RevokedKeys /etc/ssh/revoked")),
	refused("RevokedKeys missing", "linux/revoked-keys", sshd("RevokedKeys /etc/ssh/revoked")),
	refused("ChrootDirectory of the user's", "linux/chroot-directory", sshd("ChrootDirectory %h")),
	refused("hosts.deny", "linux/tcp-wrappers", config("/etc/hosts.deny", "ALL: ALL\n")),
	unknown("AllowUsers from an address", "linux/allow-users", sshd("AllowUsers admin@192.0.2.0/24")),
	unknown("PubkeyAuthentication no from outside", "linux/pubkey-authentication", add("/etc/ssh/sshd_config", "Match Address 192.0.2.0/24\nPubkeyAuthentication no\n")),
	{name: "from outside, unknown is accepted", ask: noQuestion, in: []change{add("/etc/ssh/sshd_config", "Match Address 192.0.2.0/24\nPubkeyAuthentication no\n")}},
	{name: "AllowUsers names the user", in: []change{sshd("AllowUsers ad?in bob")}, live: true},
	{name: "AllowGroups names a group", in: []change{sshd("AllowGroups sudo")}, live: true},
}

var startTrials = []trial{
	refused("sshd is missing", "linux/sshd-missing", remove("/usr/sbin/sshd")),
	refused("sshd cannot be executed", "linux/sshd-start", chmod("/usr/sbin/sshd", 0o644)),
	refused("unknown keyword", "linux/sshd-start", sshd("PermitRootLogins yes")),
	refused("bad value", "linux/sshd-start", sshd("Port twenty-two")),
	refused("bad drop-in", "linux/sshd-start", config("/etc/ssh/sshd_config.d/x.conf", "MaxAuthTries\n")),
	refused("sshd_config is missing", "linux/sshd-start", remove("/etc/ssh/sshd_config")),
	refused("user sshd is missing", "linux/sshd-start", replace("/etc/passwd", "sshd:x:", "noone:x:")),
	refused("no host keys", "linux/sshd-start", remove("/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key")),
	refused("host keys for all to read", "linux/sshd-start", chmod("/etc/ssh/ssh_host_ecdsa_key", 0o644), chmod("/etc/ssh/ssh_host_ed25519_key", 0o644), chmod("/etc/ssh/ssh_host_rsa_key", 0o644)),
	{name: "one host key for all to read", in: []change{chmod("/etc/ssh/ssh_host_rsa_key", 0o644)}, live: true},
	refused("the only host key lies elsewhere, 0777", "linux/sshd-start", write("/srv/key", "not a key\n", 0o777, 0, 0), sshd("HostKey /srv/key")),
}
