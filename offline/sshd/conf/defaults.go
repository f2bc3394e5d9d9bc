package conf

import (
	"slices"
	"strings"
)

// fallback is what sshd takes for a keyword that nothing sets (sshd: servconf.c
// fill_default_server_options), where it does not depend on the release.
var fallback = map[string]string{
	"usepam": "no", "pamservicename": "sshd", "port": "22", "addressfamily": "any", "logingracetime": "120",
	"ignorerhosts": "yes", "ignoreuserknownhosts": "no", "printmotd": "yes", "printlastlog": "yes",
	"x11forwarding": "no", "x11displayoffset": "10", "x11uselocalhost": "yes", "permittty": "yes", "permituserrc": "yes",
	"strictmodes": "yes", "tcpkeepalive": "yes", "syslogfacility": "AUTH", "loglevel": "INFO",
	"hostbasedauthentication": "no", "hostbasedusesnamefrompacketonly": "no",
	"pubkeyauthentication": "yes", "pubkeyauthoptions": "none",
	"kerberosauthentication": "no", "kerberosorlocalpasswd": "yes", "kerberosticketcleanup": "yes",
	"gssapiauthentication": "no", "gssapikeyexchange": "no", "gssapicleanupcredentials": "yes",
	"gssapistrictacceptorcheck": "yes", "gssapistorecredentialsonrekey": "no",
	"passwordauthentication": "yes", "kbdinteractiveauthentication": "yes", "permitemptypasswords": "no",
	"permituserenvironment": "no", "compression": "yes", "rekeylimit": "0 0",
	"allowtcpforwarding": "yes", "allowstreamlocalforwarding": "yes", "allowagentforwarding": "yes", "gatewayports": "no",
	"maxstartups": "10:30:100", "persourcemaxstartups": "none", "persourcenetblocksize": "32:128",
	"maxauthtries": "6", "maxsessions": "10", "usedns": "no", "clientaliveinterval": "0", "clientalivecountmax": "3",
	"authorizedkeysfile": ".ssh/authorized_keys .ssh/authorized_keys2", "permittunnel": "no",
	"streamlocalbindmask": "0177", "streamlocalbindunlink": "no", "fingerprinthash": "SHA256",
	"disableforwarding": "no", "exposeauthinfo": "no", "securitykeyprovider": "internal", "requiredrsasize": "1024",
	"unusedconnectiontimeout": "0", "channeltimeout": "none", "refuseconnection": "no", "debianbanner": "yes",
	"permitopen": "any", "permitlisten": "any", "authenticationmethods": "any",
	"banner": "none", "forcecommand": "none", "chrootdirectory": "none", "trustedusercakeys": "none", "revokedkeys": "none",
	"authorizedprincipalsfile": "none", "authorizedkeyscommand": "none", "authorizedkeyscommanduser": "none",
	"authorizedprincipalscommand": "none", "authorizedprincipalscommanduser": "none", "hostkeyagent": "none",
}

// hostKeyDefaults are tried when no HostKey is set.
var hostKeyDefaults = []struct {
	path         string
	since, until int
}{
	{"/etc/ssh/ssh_host_rsa_key", 0, 0},
	{"/etc/ssh/ssh_host_dsa_key", 0, 706},
	{"/etc/ssh/ssh_host_ecdsa_key", 507, 0},
	{"/etc/ssh/ssh_host_ed25519_key", 605, 0},
}

// defaultOf gives the value without any configuration; nil where there is none.
func defaultOf(name string, v Version) []Value {
	if name == "hostkey" {
		var out []Value
		for _, k := range hostKeyDefaults {
			if v.number() >= k.since && (k.until == 0 || v.number() < k.until) {
				out = append(out, Value{Text: k.path, Args: []string{k.path}, Origin: FromDefault})
			}
		}
		return out
	}
	if set := algorithmKeywords[name]; set != nil {
		text := strings.Join(set.defaults(v), ",")
		return []Value{{Text: text, Args: []string{text}, Origin: FromDefault}}
	}
	text, ok := fallback[name]
	switch {
	case name == "permitrootlogin" && v.AtLeast(7, 0):
		text, ok = "prohibit-password", true
	case name == "permitrootlogin":
		text, ok = "yes", true
	case name == challenge && !v.AtLeast(8, 7):
		text, ok = "yes", true
	case name == "kbdinteractiveauthentication" && !v.AtLeast(8, 7):
		text = "no"
	case name == "usedns" && !v.AtLeast(6, 8):
		text = "yes"
	}
	if !ok {
		return nil
	}
	return []Value{{Text: text, Args: slices.Clone(strings.Fields(text)), Origin: FromDefault}}
}
