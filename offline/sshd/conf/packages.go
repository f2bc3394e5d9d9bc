package conf

import (
	"regexp"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// maxPackages bounds a package database, which on big systems has many megabytes.
const maxPackages = 64 << 20

var packageRelease = regexp.MustCompile(`^(?:[0-9]+:)?([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9]+)?_?p([0-9]{1,3})`)

// fromPackages asks dpkg's, apk's and pacman's databases. RPM's is a database
// file in a format that is not read here.
func fromPackages(v *offline.Volume) (Version, bool) {
	if data, err := v.ReadFile("/var/lib/dpkg/status", maxPackages); err == nil {
		if release := stanza(string(data), "Package: openssh-server", "Version: ", "Status: install ok installed"); release != "" {
			return packageVersion(release, "/var/lib/dpkg/status")
		}
	}
	if data, err := v.ReadFile("/lib/apk/db/installed", maxPackages); err == nil {
		if release := stanza(string(data), "P:openssh-server-common", "V:", ""); release != "" {
			return packageVersion(release, "/lib/apk/db/installed")
		}
	}
	names, err := v.ReadDir("/var/lib/pacman/local")
	for _, name := range names {
		release, ok := strings.CutPrefix(name, "openssh-")
		if version, found := packageVersion(release, "/var/lib/pacman/local"); err == nil && ok && found {
			return version, true
		}
	}
	return Version{}, false
}

// stanza finds a paragraph by one of its lines and returns the rest of the line
// with the given prefix; a wanted line must stand in it too.
func stanza(text, name, prefix, wanted string) string {
	for part := range strings.SplitSeq(text, "\n\n") {
		value, named, ok := "", false, wanted == ""
		for line := range strings.Lines(part) {
			line = strings.TrimRight(line, "\n")
			named = named || line == name
			ok = ok || line == wanted
			if rest, found := strings.CutPrefix(line, prefix); found && value == "" {
				value = rest
			}
		}
		if named && ok && value != "" {
			return value
		}
	}
	return ""
}

func packageVersion(release, source string) (Version, bool) {
	m := packageRelease.FindStringSubmatch(release)
	if m == nil {
		return Version{}, false
	}
	return Version{Major: atoi(m[1]), Minor: atoi(m[2]), Patch: atoi(m[3]), Raw: release, Source: source}, true
}

// families maps the words of os-release's ID and ID_LIKE to vendors.
var families = []struct {
	id     string
	vendor Vendor
}{
	{"debian", Debian}, {"ubuntu", Debian}, {"rhel", RedHat}, {"fedora", RedHat}, {"centos", RedHat}, {"amzn", RedHat},
	{"suse", SUSE}, {"sles", SUSE}, {"opensuse", SUSE}, {"alpine", Alpine}, {"arch", Arch},
}

func vendorOf(v *offline.Volume, version Version) Vendor {
	if version.Vendor != Upstream {
		return version.Vendor
	}
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, err := v.ReadFile(path, 1<<16)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if key != "ID" && key != "ID_LIKE" {
				continue
			}
			for _, f := range families {
				if strings.Contains(value, f.id) {
					return f.vendor
				}
			}
		}
	}
	if _, err := v.Stat("/etc/redhat-release"); err == nil {
		return RedHat
	}
	return Upstream
}
