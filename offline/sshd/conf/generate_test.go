package conf

import (
	"math/rand"
	"strings"
)

// generator makes configurations that are mostly valid, with the oddities that
// people and tools write.
type generator struct {
	*rand.Rand
	files map[string]string
	depth int
}

func (g *generator) pick(list ...string) string { return list[g.Intn(len(list))] }

func (g *generator) flag() string { return g.pick("yes", "no", "Yes", "NO") }

func (g *generator) list(n int, words ...string) string {
	out := make([]string, 1+g.Intn(n))
	for i := range out {
		out[i] = g.pick(words...)
	}
	return strings.Join(out, " ")
}

const someKeys = "ssh-ed25519 ssh-rsa rsa-sha2-256 rsa-sha2-512 ecdsa-sha2-nistp256 ssh-ed25519-cert-v01@openssh.com sk-ssh-ed25519@openssh.com ecdsa-* *rsa* ssh-*"

func (g *generator) algorithms(words string) string {
	n := strings.ReplaceAll(g.list(3, strings.Fields(words)...), " ", ",")
	return g.pick("", "", "+", "-", "^") + n
}

func (g *generator) users() string {
	return g.list(3, "root", "daemon", "ro*", "r??t", "*", "nobody@10.0.0.0/8", "*@example.org", `"games"`, "a@!10.1.1.1,*", "sys@*")
}

// everywhere are keywords that may stand in a Match block, elsewhere those that may not.
var everywhere = map[string]func(*generator) string{
	"PermitRootLogin": func(g *generator) string {
		return g.pick("yes", "no", "prohibit-password", "without-password", "forced-commands-only", "Prohibit-Password")
	},
	"PubkeyAuthentication": (*generator).flag, "PasswordAuthentication": (*generator).flag,
	"ChallengeResponseAuthentication": (*generator).flag, "KbdInteractiveAuthentication": (*generator).flag,
	"GSSAPIAuthentication": (*generator).flag, "X11Forwarding": (*generator).flag, "PermitTTY": (*generator).flag,
	"DisableForwarding": (*generator).flag, "ExposeAuthInfo": (*generator).flag, "PermitUserRC": (*generator).flag,
	"AllowTcpForwarding": func(g *generator) string { return g.pick("yes", "all", "no", "remote", "local", "LOCAL") },
	"GatewayPorts":       func(g *generator) string { return g.pick("yes", "no", "clientspecified") },
	"AllowUsers":         (*generator).users, "DenyUsers": (*generator).users,
	"AllowGroups": func(g *generator) string { return g.list(3, "root", "wheel", "!sys", "da*") },
	"DenyGroups":  func(g *generator) string { return g.list(2, "nogroup", "games") },
	"AcceptEnv":   func(g *generator) string { return g.list(3, "LANG", "LC_*", "TERM") },
	"SetEnv":      func(g *generator) string { return g.list(3, "A=1", "B=x=y", `"C=a b"`, "A=2") },
	"AuthorizedKeysFile": func(g *generator) string {
		return g.pick("none", ".ssh/authorized_keys", "/etc/ssh/keys/%u .ssh/k2", `"/etc/with space/%u"`, "%h/.ssh/x", "~/keys", "~daemon/k")
	},
	"AuthenticationMethods": func(g *generator) string {
		return g.pick("publickey", "any", "publickey,password publickey", "password,publickey:x", "keyboard-interactive:pam,publickey")
	},
	"PubkeyAcceptedAlgorithms":  func(g *generator) string { return g.algorithms(someKeys) },
	"PubkeyAcceptedKeyTypes":    func(g *generator) string { return g.algorithms(someKeys) },
	"HostbasedAcceptedKeyTypes": func(g *generator) string { return g.algorithms(someKeys) },
	"CASignatureAlgorithms":     func(g *generator) string { return g.algorithms("ssh-ed25519 rsa-sha2-512 ecdsa-*") },
	"ForceCommand":              func(g *generator) string { return g.pick("none", "internal-sftp", `/bin/echo "a  b" # c`, "NONE") },
	"ChrootDirectory":           func(g *generator) string { return g.pick("none", "/srv/%u", "None", `"/a b"`) },
	"Banner":                    func(g *generator) string { return g.pick("none", "/etc/issue", "issue.net") },
	"AuthorizedKeysCommandUser": func(g *generator) string { return g.pick("nobody", "root") },
	"TrustedUserCAKeys":         func(g *generator) string { return g.pick("none", "/etc/ssh/ca.pub") },
	"RevokedKeys":               func(g *generator) string { return g.pick("none", "/etc/ssh/revoked") },
	"MaxAuthTries":              func(g *generator) string { return g.pick("3", "06", "0") },
	"MaxSessions":               func(g *generator) string { return g.pick("3", "100") },
	"ClientAliveInterval":       func(g *generator) string { return g.pick("30", "5m", "1h30m", "1H", "0") },
	"PermitOpen":                func(g *generator) string { return g.pick("any", "none", "a:1 b:*", "[::1]:22", "host:ssh") },
	"PermitListen":              func(g *generator) string { return g.pick("any", "none", "8080", "*:8080 localhost:ssh") },
	"PermitTunnel":              func(g *generator) string { return g.pick("yes", "no", "ethernet", "point-to-point") },
	"LogLevel":                  func(g *generator) string { return g.pick("INFO", "verbose", "DEBUG3", "ERROR") },
	"IPQoS":                     func(g *generator) string { return g.pick("af21", "ef cs1", "none", "7 af11") },
	"StreamLocalBindMask":       func(g *generator) string { return g.pick("0177", "077", "0") },
	"RekeyLimit":                func(g *generator) string { return g.pick("default none", "1G", "512M 1h", "1K 30", "100") },
	"PubkeyAuthOptions":         func(g *generator) string { return g.pick("none", "touch-required", "verify-required touch-required") },
	"IgnoreRhosts":              func(g *generator) string { return g.pick("yes", "no", "shosts-only") },
	"RequiredRSASize":           func(g *generator) string { return g.pick("1024", "2048", "3072") },
	"ChannelTimeout":            func(g *generator) string { return g.pick("none", "session:*=5m", "agent-connection=1h *=60") },
	"UnusedConnectionTimeout":   func(g *generator) string { return g.pick("none", "5m", "30") },
	"LogVerbose":                func(g *generator) string { return g.pick("none", "kex.c:*:1000", "a b") },
	"RSAAuthentication":         (*generator).flag,
	"RhostsRSAAuthentication":   (*generator).flag,
	"AuthorizedKeysFile2":       func(*generator) string { return "x y z" },
	"AuthorizedPrincipalsFile":  func(g *generator) string { return g.pick("none", "/etc/ssh/p/%u", "~/p") },
}

var elsewhere = map[string]func(*generator) string{
	"UsePAM": (*generator).flag, "StrictModes": (*generator).flag, "UseDNS": (*generator).flag, "PrintMotd": (*generator).flag,
	"TCPKeepAlive": (*generator).flag, "KeepAlive": (*generator).flag, "DSAAuthentication": (*generator).flag,
	"DebianBanner": (*generator).flag, "GSSAPIKeyExchange": (*generator).flag, "PermitUserEnvironment": (*generator).flag,
	"Port":          func(g *generator) string { return g.pick("22", "2222", "ssh", "0443") },
	"ListenAddress": func(g *generator) string { return g.pick("0.0.0.0", "127.0.0.1:23", "[::1]:24", "::1", "[::]") },
	"AddressFamily": func(g *generator) string { return g.pick("any", "ANY") },
	"HostKey": func(g *generator) string {
		return g.pick("/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/../ssh/ssh_host_ed25519_key", `"/etc/ssh/ssh_host_ed25519_key"`)
	},
	"Subsystem":             func(g *generator) string { return g.pick("sftp internal-sftp -l INFO", `x /bin/x "a b"`, "y /bin/y") },
	"HostKeyAgent":          func(*generator) string { return "none" },
	"AuthorizedKeysCommand": func(g *generator) string { return g.pick("none", "/bin/x %u") },
	"LoginGraceTime":        func(g *generator) string { return g.pick("2m", "0", "1d", "90") },
	"Ciphers":               func(g *generator) string { return g.algorithms("aes128-ctr aes256-gcm@openssh.com aes128-cbc") },
	"MACs":                  func(g *generator) string { return g.algorithms("hmac-sha2-256 hmac-sha1 umac-64@openssh.com") },
	"KexAlgorithms": func(g *generator) string {
		return g.algorithms("curve25519-sha256 ecdh-sha2-nistp256 diffie-hellman-group14-sha1")
	},
	"HostKeyAlgorithms":      func(g *generator) string { return g.algorithms(someKeys) },
	"MaxStartups":            func(g *generator) string { return g.pick("10", "10:30:60", "5:50:100x") },
	"PerSourceMaxStartups":   func(g *generator) string { return g.pick("none", "5") },
	"PerSourceNetBlockSize":  func(g *generator) string { return g.pick("32:64", "24:128") },
	"Protocol":               func(g *generator) string { return g.pick("2", "2,1") },
	"UsePrivilegeSeparation": func(g *generator) string { return g.pick("sandbox", "yes") },
	"ServerKeyBits":          func(*generator) string { return "1024" },
	"Compression":            func(g *generator) string { return g.pick("yes", "delayed", "no") },
	"SyslogFacility":         func(g *generator) string { return g.pick("AUTH", "authpriv", "LOCAL3") },
	"FingerprintHash":        func(g *generator) string { return g.pick("md5", "sha256", "SHA512") },
	"VersionAddendum":        func(g *generator) string { return g.pick("none", "hello world", "x # y") },
	"PidFile":                func(g *generator) string { return g.pick("none", "/run/x.pid") },
	"XAuthLocation":          func(g *generator) string { return g.pick("none", "/usr/bin/xauth") },
}

// broken are lines that sshd refuses, or nearly.
var broken = []string{
	"Foo bar", "PermitRootLogin maybe", "Port", "Port 70000", "Port nosuch", "MaxAuthTries x", "MaxAuthTries -1", "LoginGraceTime 5y",
	"AllowUsers root@10.0.0.1/8", "PubkeyAcceptedAlgorithms nosuch", "PubkeyAcceptedAlgorithms !ssh-rsa,*", "Ciphers +foo", "Ciphers -foo",
	`Banner "open`, `Banner 'open`, "StrictModes yes no", "Match", "Match User", "Match Exec true", "Match all user x", "Match Address 10.0.0.1/8",
	"AuthorizedKeysCommand /bin/x", "AuthorizedKeysCommand x", "AcceptEnv A=B", "SetEnv A", "Include", "PermitOpen x", "MaxStartups 10:20",
	"AuthenticationMethods nosuch", "AuthenticationMethods any publickey", "IPQoS foo", "StreamLocalBindMask 999", "RekeyLimit 5", "RekeyLimit 1Q",
	"AuthorizedKeysFile", "AuthorizedKeysFile # x", "AllowUsers", `AllowUsers ""`, `AllowUsers "a b"`, "PermitTunnel YES", "= yes", "StrictModes = yes", "StrictModes==yes",
	"RefuseConnection no", "PerSourcePenalties no", "Match invalid-user", "SshdSessionPath /bin/true", "Subsystem sftp", "Match LocalPort x", "Match User=root",
	"UsePAM\vyes", "HostKeyAgent none", "PermitListen 0", "PermitOpen none a:1", "PubkeyAuthOptions x", "ListenAddress 1.2.3.4:", "ListenAddress a/b",
	"TrustedUserCAKeys", "LogVerbose none x", "ChannelTimeout x", "SyslogFacility nope", "Include /etc/ssh/nosuch/*.conf", "Include nosuch.conf",
	`AllowUsers a\ b`, `Banner "a\"b"`, `ForceCommand "x`, "Match Host", "Match version *", "AuthenticationMethods hostbased", "AuthenticationMethods none",
	"AddressFamily inet", "CASignatureAlgorithms -*", "PubkeyAcceptedAlgorithms -*", "Match all # comment", "Match User root # x", `Match User "root,da*"`,
}
