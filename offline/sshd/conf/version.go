package conf

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Vendor is who built the sshd: their patches add keywords and change rules.
type Vendor string

// The vendors whose patches matter. RedHat stands for its whole family:
// Fedora, CentOS, Rocky, Alma, Oracle and Amazon Linux.
const (
	Upstream Vendor = ""
	Debian   Vendor = "debian" // with Ubuntu
	RedHat   Vendor = "redhat"
	SUSE     Vendor = "suse"
	Alpine   Vendor = "alpine"
	Arch     Vendor = "arch"
)

// Version is the release of an sshd. The zero Version means unknown and is
// treated as the newest release known here.
type Version struct {
	Major, Minor, Patch int
	Raw                 string // the whole string: "OpenSSH_9.2p1 Debian-2+deb12u5"
	Vendor              Vendor
	Source              string // the file that told
	vocabulary          *vocabulary
}

// newest is the release up to which the keyword table below is complete.
const newest = 1000

// number makes releases comparable: 9.2 is 902, 10.0 is 1000.
func (v Version) number() int {
	if v.Major == 0 {
		return newest
	}
	return v.Major*100 + v.Minor
}

// Known tells whether the release could be found out.
func (v Version) Known() bool { return v.Major != 0 }

// AtLeast tells whether v is that release or a later one; an unknown version
// counts as the newest.
func (v Version) AtLeast(major, minor int) bool { return v.number() >= major*100+minor }

// Has tells whether sshd's own binary holds the keyword; Maybe when the binary
// was not read.
func (v Version) Has(keyword string) Tri {
	if v.vocabulary == nil {
		return Maybe
	}
	return triOf(v.vocabulary.word(strings.ToLower(keyword)))
}

// Links tells whether sshd's binary needs a library whose name begins so, such
// as "libwrap.so" or "libpam.so"; Maybe when the binary was not read.
func (v Version) Links(library string) Tri {
	if v.vocabulary == nil {
		return Maybe
	}
	return triOf(v.vocabulary.library(library))
}

// hasPath tells whether the binary holds the path; Maybe when it was not read.
func (v Version) hasPath(p string) Tri {
	if v.vocabulary == nil {
		return Maybe
	}
	return triOf(slices.Contains(v.vocabulary.paths, p))
}

var releasePattern = regexp.MustCompile(`^OpenSSH_([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9]{1,3})?(?:p([0-9]{1,3}))?(?: ([!-~]{1,60}))?$`)

// ParseVersion reads sshd's own version string, as its binary and its greeting
// carry it.
func ParseVersion(raw string) (Version, bool) {
	m := releasePattern.FindStringSubmatch(raw)
	if m == nil {
		return Version{}, false
	}
	v := Version{Major: atoi(m[1]), Minor: atoi(m[2]), Patch: atoi(m[3]), Raw: raw}
	if strings.HasPrefix(m[4], "Debian-") || strings.HasPrefix(m[4], "Ubuntu-") {
		v.Vendor = Debian
	}
	return v, v.Major > 0
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // the pattern lets only up to three digits through; empty is 0
	return n
}
