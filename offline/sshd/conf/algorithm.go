package conf

import (
	"errors"
	"slices"
	"strings"
)

// An algorithmSet is one of the name lists that sshd knows: all it was built
// with, and those it uses by default. Both depend on the release.
type algorithmSet struct {
	all      func(Version) []string
	defaults func(Version) []string
	pattern  bool // names may hold wildcards
}

var (
	keySet    = &algorithmSet{keyAlgorithms, defaultKeyAlgorithms, true}
	caSet     = &algorithmSet{plainKeyAlgorithms, defaultCAAlgorithms, true}
	cipherSet = &algorithmSet{ciphers, defaultCiphers, false}
	macSet    = &algorithmSet{macs, defaultMACs, false}
	kexSet    = &algorithmSet{kexes, defaultKexes, false}
)

var (
	errAlgorithm      = errors.New("unknown algorithm")
	errEmptyAlgorithm = errors.New("no algorithm is left")
)

// check says whether sshd takes the list at all (sshd: servconf.c
// parse_pubkey_algos and its like). A list to remove is never checked.
func (s *algorithmSet) check(list string, v Version) error {
	if strings.HasPrefix(list, "-") {
		return nil
	}
	list = strings.TrimLeft(list[:1], "+^") + list[1:]
	if list == "" {
		return errAlgorithm
	}
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			return nil // the loop of sshd ends here
		}
		if !s.known(name, v) {
			return errAlgorithm
		}
	}
	return nil
}

func (s *algorithmSet) known(name string, v Version) bool {
	all := s.all(v)
	if s == caSet && !v.AtLeast(9, 5) {
		all = keyAlgorithms(v)
	}
	if slices.Contains(all, name) {
		return v.Has(name) != No
	}
	if s == caSet && strings.HasSuffix(name, certSuffix) {
		return false
	}
	if s.pattern && slices.Contains(at(v, shortKeyNames), asciiLower(name)) {
		return true
	}
	if v.Has(name) == Yes && strings.ContainsAny(name, "-@") {
		return true // a backport or a vendor's own
	}
	return s.pattern && slices.ContainsFunc(all, func(a string) bool { return MatchList(a, name, false) != 0 })
}

// assemble makes the effective list from a configured one (sshd: kex.c
// kex_assemble_names).
func (s *algorithmSet) assemble(list string, v Version) ([]string, error) {
	def := s.defaults(v)
	if list == "" {
		return def, nil
	}
	var wanted []string
	switch list[0] {
	case '-':
		return slices.DeleteFunc(slices.Clone(def), func(a string) bool { return MatchList(a, list[1:], false) == 1 }), nil
	case '+':
		wanted = append(slices.Clone(def), strings.Split(list[1:], ",")...)
	case '^':
		wanted = append(strings.Split(list[1:], ","), def...)
	default:
		wanted = strings.Split(list, ",")
	}
	var out []string
	for _, p := range wanted {
		if strings.HasPrefix(p, "!") {
			return nil, errAlgorithm
		}
		for _, a := range s.all(v) {
			if MatchList(a, p, false) == 1 && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	if len(out) == 0 {
		return nil, errEmptyAlgorithm
	}
	return out, nil
}

const certSuffix = "-cert-v01@openssh.com"

// named is one algorithm with the releases that know it.
type named struct {
	name         string
	since, until int // releases as Version.number; until is the first without it, 0: still there
}

func at(v Version, table []named) []string {
	out := make([]string, 0, len(table))
	for _, a := range table {
		if v.number() >= a.since && (a.until == 0 || v.number() < a.until) {
			out = append(out, a.name)
		}
	}
	return out
}

// keyNames in the order of sshd's own table (sshd: sshkey.c keyimpls), which is
// the order in which wildcards expand.
var keyNames = []named{
	{"ssh-ed25519", 605, 0},
	{"ssh-ed25519" + certSuffix, 605, 0},
	{"sk-ssh-ed25519@openssh.com", 802, 0},
	{"sk-ssh-ed25519" + certSuffix, 802, 0},
	{"ecdsa-sha2-nistp256", 507, 0},
	{"ecdsa-sha2-nistp256" + certSuffix, 507, 0},
	{"ecdsa-sha2-nistp384", 507, 0},
	{"ecdsa-sha2-nistp384" + certSuffix, 507, 0},
	{"ecdsa-sha2-nistp521", 507, 0},
	{"ecdsa-sha2-nistp521" + certSuffix, 507, 0},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 802, 0},
	{"sk-ecdsa-sha2-nistp256" + certSuffix, 802, 0},
	{"webauthn-sk-ecdsa-sha2-nistp256@openssh.com", 804, 0},
	{"ssh-dss", 0, 1000},
	{"ssh-dss" + certSuffix, 0, 1000},
	{"ssh-rsa", 0, 0},
	{"ssh-rsa" + certSuffix, 0, 0},
	{"rsa-sha2-256", 702, 0},
	{"rsa-sha2-256" + certSuffix, 708, 0},
	{"rsa-sha2-512", 702, 0},
	{"rsa-sha2-512" + certSuffix, 708, 0},
}

// shortKeyNames passed as key types where a list is checked, and then named no
// algorithm (sshd: sshkey.c sshkey_type_from_name; stricter since 9.9, bug 3725).
var shortKeyNames = []named{
	{"rsa", 0, 909},
	{"dsa", 0, 909},
	{"ecdsa", 507, 909},
	{"ed25519", 605, 909},
	{"ecdsa-sk", 802, 909},
	{"ed25519-sk", 802, 909},
}

func keyAlgorithms(v Version) []string { return at(v, keyNames) }

// plainKeyAlgorithms leaves out certificates, which cannot sign others.
func plainKeyAlgorithms(v Version) []string {
	return slices.DeleteFunc(keyAlgorithms(v), func(a string) bool { return strings.HasSuffix(a, certSuffix) })
}

// defaultKeyNames is KEX_DEFAULT_PK_ALG (sshd: myproposal.h): RSA with SHA-1 left
// it in 8.8, DSA in 7.0, and ed25519 moved to the front in 8.5.
var defaultKeyNames = []named{
	{"ssh-ed25519" + certSuffix, 805, 0},
	{"ecdsa-sha2-nistp256" + certSuffix, 507, 0},
	{"ecdsa-sha2-nistp384" + certSuffix, 507, 0},
	{"ecdsa-sha2-nistp521" + certSuffix, 507, 0},
	{"sk-ecdsa-sha2-nistp256" + certSuffix, 802, 805},
	{"ssh-ed25519" + certSuffix, 605, 805},
	{"sk-ssh-ed25519" + certSuffix, 802, 0},
	{"sk-ecdsa-sha2-nistp256" + certSuffix, 805, 0},
	{"rsa-sha2-512" + certSuffix, 708, 0},
	{"rsa-sha2-256" + certSuffix, 708, 0},
	{"ssh-rsa" + certSuffix, 506, 808},
	{"ssh-dss" + certSuffix, 506, 700},
	{"ssh-ed25519", 805, 0},
	{"ecdsa-sha2-nistp256", 507, 0},
	{"ecdsa-sha2-nistp384", 507, 0},
	{"ecdsa-sha2-nistp521", 507, 0},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 802, 805},
	{"ssh-ed25519", 605, 805},
	{"sk-ssh-ed25519@openssh.com", 802, 0},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 805, 0},
	{"rsa-sha2-512", 702, 0},
	{"rsa-sha2-256", 702, 0},
	{"ssh-rsa", 0, 808},
	{"ssh-dss", 0, 700},
}

func defaultKeyAlgorithms(v Version) []string { return at(v, defaultKeyNames) }

var defaultCANames = []named{
	{"ssh-ed25519", 805, 0},
	{"ecdsa-sha2-nistp256", 0, 0},
	{"ecdsa-sha2-nistp384", 0, 0},
	{"ecdsa-sha2-nistp521", 0, 0},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 802, 805},
	{"ssh-ed25519", 0, 805},
	{"sk-ssh-ed25519@openssh.com", 802, 0},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 805, 0},
	{"rsa-sha2-512", 0, 0},
	{"rsa-sha2-256", 0, 0},
	{"ssh-rsa", 0, 802},
}

func defaultCAAlgorithms(v Version) []string { return at(v, defaultCANames) }
