package account

import (
	"slices"
	"strings"
)

// maxNSLine bounds what is read of one line of nsswitch.conf.
const maxNSLine = 4096

// ParseNSSwitch returns the sources of each database of an nsswitch.conf, such as "passwd" → ["files", "systemd"], without
// the bracketed actions. The last line of a database counts (glibc nss_database.c). passwd, group and shadow are always
// present: where the file says nothing, glibc asks "files".
func ParseNSSwitch(b []byte) map[string][]string {
	db := map[string][]string{"passwd": {"files"}, "group": {"files"}, "shadow": {"files"}}
	for line := range strings.SplitSeq(string(b), "\n") {
		line, _, _ = strings.Cut(line[:min(len(line), maxNSLine)], "#")
		name, rest, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			continue
		}
		db[name] = sources(rest)
	}
	return db
}

func sources(s string) []string {
	var list []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] == '[' {
			_, s, _ = strings.Cut(s, "]")
			continue
		}
		i := strings.IndexAny(s, " \t\r\v\f[")
		if i < 0 {
			i = len(s)
		}
		list = append(list, s[:i])
		s = s[i:]
	}
	return list
}

// OtherSources returns the sources of a database that the four files cannot show, in order: sss, ldap, winbind, nis,
// extrausers, systemd and whatever else. "files", "compat" and "cache" are left out; of compat's network part NIS tells.
func OtherSources(nsswitch map[string][]string, database string) []string {
	return slices.DeleteFunc(slices.Clone(nsswitch[database]), func(s string) bool {
		return s == "files" || s == "compat" || s == "cache"
	})
}
