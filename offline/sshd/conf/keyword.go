package conf

import "strings"

// combine says what a second line with the same keyword does.
type combine int

const (
	firstWins  combine = iota
	lastWins           // the few that sshd assigns without looking
	accumulate         // each line adds to the list
	byName             // Subsystem: one for each name
	byPart             // PerSourcePenalties, RekeyLimit: each part on its own
)

// A keyword is one row of sshd's table (sshd: servconf.c keywords).
type keyword struct {
	name    string // lower case; what the setting is called in the result
	since   int    // first release that knows it, as Version.number
	match   int    // first release that allows it in a Match block; 0: none does
	combine combine
	parse   parser
	vendor  string // the patch it comes with: only sshds of these vendors know it
}

// spelling is another name for a keyword.
type spelling struct {
	name, is string
	since    int
	match    int // as in keyword; -1: as the keyword itself
}

const (
	never     = 0
	challenge = "challengeresponseauthentication"
)

var keywords = []keyword{
	{"usepam", 307, never, firstWins, flag, ""},
	{"pamservicename", 908, 908, firstWins, word, ""},
	{"port", 0, never, accumulate, port, ""},
	{"hostkey", 0, never, accumulate, filename, ""},
	{"hostkeyagent", 603, never, firstWins, filenameOr("SSH_AUTH_SOCK", filename), ""},
	{"hostcertificate", 504, never, accumulate, filename, ""},
	{"pidfile", 0, never, firstWins, filename, ""},
	{"modulifile", 805, never, firstWins, filename, ""},
	{"logingracetime", 0, never, firstWins, duration, ""},
	{"permitrootlogin", 0, 1, firstWins, rootLogin, ""},
	{"syslogfacility", 0, never, firstWins, facility, ""},
	{"loglevel", 0, 708, firstWins, logLevel, ""},
	{"logverbose", 805, 805, firstWins, logVerbose, ""},
	{"hostbasedauthentication", 0, 1, firstWins, flag, ""},
	{"hostbasedusesnamefrompacketonly", 0, 1, firstWins, flag, ""},
	{"hostbasedacceptedalgorithms", 608, 608, firstWins, algorithms(keySet), ""},
	{"hostkeyalgorithms", 608, never, firstWins, algorithms(keySet), ""},
	{"casignaturealgorithms", 709, 709, firstWins, algorithms(caSet), ""},
	{"pubkeyauthentication", 0, 1, firstWins, flag, ""},
	{"pubkeyacceptedalgorithms", 700, 700, firstWins, algorithms(keySet), ""},
	{"pubkeyauthoptions", 802, 802, firstWins, pubkeyOptions, ""},
	{"kerberosauthentication", 0, 1, firstWins, flag, ""},
	{"kerberosorlocalpasswd", 0, never, firstWins, flag, ""},
	{"kerberosticketcleanup", 0, never, firstWins, flag, ""},
	{"kerberosgetafstoken", 0, never, firstWins, ignored, ""},
	{"gssapiauthentication", 0, 1, firstWins, flag, ""},
	{"gssapicleanupcredentials", 0, never, firstWins, flag, ""},
	{"gssapistrictacceptorcheck", 0, never, firstWins, flag, ""},
	{"gssapikeyexchange", 0, never, firstWins, flag, "debian redhat suse"},
	{"gssapistorecredentialsonrekey", 0, never, firstWins, flag, "debian redhat suse"},
	{"gssapikexalgorithms", 0, never, firstWins, word, "debian redhat suse"},
	{"gssapienablek5users", 0, 1, firstWins, flag, "redhat"},
	{"kerberosusekuserok", 0, 1, firstWins, flag, "redhat"},
	{"kerberosuniqueccache", 0, never, firstWins, flag, "redhat"},
	{"passwordauthentication", 0, 1, firstWins, flag, ""},
	{"kbdinteractiveauthentication", 0, 1, firstWins, flag, ""},
	{challenge, 0, never, firstWins, flag, ""}, // until 8.6
	{"listenaddress", 0, never, accumulate, listenAddress, ""},
	{"addressfamily", 309, never, firstWins, choice("inet", "inet6", "any"), ""},
	{"printmotd", 0, never, firstWins, flag, ""},
	{"printlastlog", 0, never, firstWins, flag, ""},
	{"ignorerhosts", 0, 802, firstWins, choice("yes", "no", "shosts-only"), ""},
	{"ignoreuserknownhosts", 0, never, firstWins, flag, ""},
	{"x11forwarding", 0, 1, firstWins, flag, ""},
	{"x11displayoffset", 0, 1, firstWins, integer, ""},
	{"x11maxdisplays", 0, 1, firstWins, integer, "redhat"},
	{"x11uselocalhost", 0, 1, firstWins, flag, ""},
	{"xauthlocation", 0, never, firstWins, filename, ""},
	{"strictmodes", 0, never, firstWins, flag, ""},
	{"permitemptypasswords", 0, 1, firstWins, flag, ""},
	{"permituserenvironment", 0, never, firstWins, userEnvironment, ""},
	{"compression", 0, never, firstWins, choice("yes", "delayed=yes", "no"), ""},
	{"rekeylimit", 603, 603, byPart, rekeyLimit, ""},
	{"tcpkeepalive", 0, never, firstWins, flag, ""},
	{"allowtcpforwarding", 0, 1, firstWins, forwarding, ""},
	{"allowagentforwarding", 501, 501, firstWins, flag, ""},
	{"allowusers", 0, 1, accumulate, users, ""},
	{"denyusers", 0, 1, accumulate, users, ""},
	{"allowgroups", 0, 1, accumulate, names, ""},
	{"denygroups", 0, 1, accumulate, names, ""},
	{"ciphers", 0, never, firstWins, algorithms(cipherSet), ""},
	{"macs", 0, never, firstWins, algorithms(macSet), ""},
	{"kexalgorithms", 507, never, firstWins, algorithms(kexSet), ""},
	{"gatewayports", 0, 1, firstWins, choice("clientspecified", "yes", "no"), ""},
	{"subsystem", 0, 905, byName, subsystem, ""},
	{"maxstartups", 0, never, lastWins, maxStartups, ""},
	{"persourcemaxstartups", 805, never, firstWins, perSourceStartups, ""},
	{"persourcenetblocksize", 805, never, lastWins, netBlockSize, ""},
	{"persourcepenalties", 908, never, byPart, penalties, ""},
	{"persourcepenaltyexemptlist", 908, never, firstWins, addressList, ""},
	{"maxauthtries", 309, 1, firstWins, integer, ""},
	{"maxsessions", 501, 501, firstWins, integer, ""},
	{"banner", 0, 1, firstWins, filename, ""},
	{"usedns", 307, never, firstWins, flag, ""},
	{"clientaliveinterval", 0, 1, firstWins, duration, ""},
	{"clientalivecountmax", 0, 1, firstWins, integer, ""},
	{"authorizedkeysfile", 0, 1, firstWins, filenames, ""},
	{"acceptenv", 309, 1, accumulate, environmentNames, ""},
	{"setenv", 708, 708, firstWins, environment, ""},
	{"permittunnel", 403, 1, firstWins, exact("no", "point-to-point", "ethernet", "yes"), ""},
	{"permittty", 604, 604, firstWins, flag, ""},
	{"permituserrc", 607, 607, firstWins, flag, ""},
	{"permitopen", 404, 404, firstWins, permit(false), ""},
	{"permitlisten", 708, 708, firstWins, permit(true), ""},
	{"forcecommand", 404, 404, firstWins, restOfLine, ""},
	{"chrootdirectory", 408, 408, firstWins, wordOrNone, ""},
	{"revokedkeys", 504, 504, firstWins, filename, ""},
	{"trustedusercakeys", 504, 504, firstWins, filename, ""},
	{"authorizedprincipalsfile", 506, 506, firstWins, tildeFilename, ""},
	{"ipqos", 507, 507, lastWins, qos, ""},
	{"authorizedkeyscommand", 602, 602, firstWins, command, ""},
	{"authorizedkeyscommanduser", 602, 602, firstWins, word, ""},
	{"authorizedkeyscommandrunas", 503, 1, firstWins, word, "redhat"}, // CentOS 6
	{"requiredauthentications2", 503, 1, firstWins, names, "redhat"},  // CentOS 6
	{"authorizedprincipalscommand", 609, 609, firstWins, command, ""},
	{"authorizedprincipalscommanduser", 609, 609, firstWins, word, ""},
	{"versionaddendum", 601, never, firstWins, versionAddendum, ""},
	{"authenticationmethods", 602, 602, firstWins, methodLists, ""},
	{"streamlocalbindmask", 607, 607, lastWins, octal, ""},
	{"streamlocalbindunlink", 607, 607, firstWins, flag, ""},
	{"allowstreamlocalforwarding", 607, 607, firstWins, forwarding, ""},
	{"fingerprinthash", 608, never, lastWins, choice("MD5", "SHA1", "SHA256", "SHA384", "SHA512"), ""},
	{"disableforwarding", 704, 704, firstWins, flag, ""},
	{"exposeauthinfo", 706, 706, firstWins, flag, ""},
	{"rdomain", 707, 707, firstWins, wordOrNone, ""},
	{"securitykeyprovider", 802, never, firstWins, filenameOr("internal", filename), ""},
	{"requiredrsasize", 901, 901, firstWins, integer, ""},
	{"rsaminsize", 0, 1, firstWins, integer, "redhat"}, // the name before 9.1
	{"channeltimeout", 902, 902, firstWins, channelTimeouts, ""},
	{"unusedconnectiontimeout", 902, 902, firstWins, orNone("0", duration), ""},
	{"sshdsessionpath", 909, never, firstWins, filename, ""},
	{"sshdauthpath", 1000, never, firstWins, filename, ""},
	{"refuseconnection", 909, 909, firstWins, flag, ""},
	{"debianbanner", 0, never, firstWins, flag, "debian"},
	{"match", 404, 404, firstWins, nil, ""},
	{"include", 802, 802, firstWins, nil, ""},
}

var spellings = []spelling{
	{"hostdsakey", "hostkey", 0, -1},
	{"dsaauthentication", "pubkeyauthentication", 0, never},
	{"hostbasedacceptedkeytypes", "hostbasedacceptedalgorithms", 608, -1},
	{"hostbasedacceptedalgorithms", "hostbasedacceptedalgorithms", 805, -1},
	{"pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms", 700, -1},
	{"pubkeyacceptedalgorithms", "pubkeyacceptedalgorithms", 805, -1},
	{challenge, "kbdinteractiveauthentication", 0, 807},
	{"skeyauthentication", "kbdinteractiveauthentication", 0, 807},
	{"keepalive", "tcpkeepalive", 0, -1},
	{"gssapicleanupcreds", "gssapicleanupcredentials", 0, -1},
}

var (
	forwarding = choice("yes", "all=yes", "no", "remote", "local")
	facility   = choice("DAEMON", "USER", "AUTH", "AUTHPRIV", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7")
	logLevel   = choice("SILENT=QUIET", "QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG=DEBUG1", "DEBUG1", "DEBUG2", "DEBUG3")
)

func rootLogin(a *arguments) ([]string, error) {
	words := []string{"yes", "no", "without-password=prohibit-password", "forced-commands-only"}
	if a.version.AtLeast(7, 0) {
		words = append(words, "prohibit-password")
	}
	return choice(words...)(a)
}

// obsolete keywords are read over with a note; allowed in a Match block or not.
var obsolete = []struct {
	name  string
	match bool
}{
	{"pamauthenticationviakbdint", false},
	{"serverkeybits", false},
	{"keyregenerationinterval", false},
	{"rhostsauthentication", false},
	{"rhostsrsaauthentication", true},
	{"rsaauthentication", true},
	{"kerberostgtpassing", false},
	{"afstokenpassing", false},
	{"gssusesessionccache", false},
	{"gssapiusesessioncredcache", false},
	{"checkmail", false},
	{"permitblacklistedkeys", false},
	{"uselogin", false},
	{"protocol", false},
	{"verifyreversemapping", false},
	{"reversemappingcheck", false},
	{"authorizedkeysfile2", true},
	{"useprivilegeseparation", false},
}

// found is a keyword as one sshd knows it.
type found struct {
	keyword  *keyword
	match    bool // may stand in a Match block
	obsolete bool // read over
	doubt    bool // this sshd knows it, we do not
}

// lookup finds a keyword in the table of the given sshd. Where its binary was
// read, the keywords in there decide over the releases written here, so that
// backports and vendors' patches are seen.
func lookup(name string, v Version) (found, bool) {
	name = asciiLower(name)
	f, since, vendors, ok := inTable(name, v)
	switch {
	case v.Has(name) == No:
		return found{}, false
	case !ok:
		// The table is complete for Debian's builds; others may be patched.
		doubt := v.number() > newest || v.Has(name) == Yes && v.Vendor != Debian && len(name) > 5
		return found{match: true, doubt: doubt}, doubt
	case v.Has(name) == Yes:
		return f, true
	case vendors != "" && v.Vendor != Upstream && !strings.Contains(vendors, string(v.Vendor)):
		return found{}, false
	case vendors != "" && v.Vendor == Upstream:
		f.doubt = true
	}
	return f, v.number() >= since
}

func inTable(name string, v Version) (f found, since int, vendors string, ok bool) {
	for _, o := range obsolete {
		if o.name == name {
			return found{match: o.match, obsolete: true}, 0, "", true
		}
	}
	match, canonical := -1, name
	for _, s := range spellings {
		if s.name == name && (s.name != challenge || v.AtLeast(8, 7)) {
			match, canonical, since = s.match, s.is, s.since
			break
		}
	}
	for i := range keywords {
		k := &keywords[i]
		if k.name != canonical {
			continue
		}
		if match == -1 {
			match = k.match
		}
		allowed := match != never && (v.number() >= match || match <= 1)
		return found{keyword: k, match: allowed}, max(since, k.since), k.vendor, true
	}
	return found{}, 0, "", false
}
