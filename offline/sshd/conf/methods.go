package conf

import (
	"slices"
	"strings"
)

// satisfiable tells whether some list of AuthenticationMethods has all its
// methods enabled (sshd: sshd.c main). The keyboard-interactive method counts as
// PAM's or the system's whether or not they would succeed.
func (c *Config) satisfiable(s settings) bool {
	lists := s["authenticationmethods"]
	if len(lists) == 0 || lists[0].Text == "any" {
		return true
	}
	return slices.ContainsFunc(lists[0].Args, func(list string) bool {
		for m := range strings.SplitSeq(list, ",") {
			m, _, _ = strings.Cut(m, ":")
			if !c.enabled(s, m) {
				return false
			}
		}
		return true
	})
}

// methodSwitch is the keyword that enables each method.
var methodSwitch = map[string]string{
	"publickey": "pubkeyauthentication", "password": "passwordauthentication",
	"keyboard-interactive": "kbdinteractiveauthentication", "hostbased": "hostbasedauthentication",
	"gssapi-with-mic": "gssapiauthentication", "gssapi-keyex": "gssapikeyexchange",
}

func (c *Config) enabled(s settings, method string) bool {
	if method == "none" {
		return true // counts as enabled, though it lets nobody in
	}
	name := methodSwitch[method]
	if method == "keyboard-interactive" && !c.options.Version.AtLeast(8, 7) && s.text(challenge) != "no" {
		return true // the older switch, on by default, turns it on
	}
	if text := s.text(name); text != "" {
		return text == "yes"
	}
	return fallback[name] == "yes"
}
