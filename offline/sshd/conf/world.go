package conf

import (
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// newWorld answers sshd's questions to the C library from the volume's own
// files, read when first asked.
func newWorld(v *offline.Volume) *world {
	var services, accounts map[string][]string
	return &world{
		cwd: "/",
		port: func(service string) (int, bool) {
			if services == nil {
				services = table(v, "/etc/services", strings.Fields, 1<<20)
			}
			for _, f := range services {
				number, protocol, _ := strings.Cut(f[1], "/")
				n, err := strtonum(number, 0, 65535)
				if err == nil && protocol == "tcp" && (f[0] == service || contains(f[2:], service)) {
					return int(n), true
				}
			}
			return 0, false
		},
		home: func(user string) (string, bool) {
			if user == "" {
				user = "root"
			}
			if accounts == nil {
				accounts = table(v, "/etc/passwd", func(s string) []string { return strings.Split(s, ":") }, offline.MaxAccount)
			}
			if f, ok := accounts[user]; ok && len(f) >= 6 {
				return f[5], true
			}
			return "/root", user == "root"
		},
	}
}

// table reads lines of fields; the key is the first field, with the second where
// the first alone is not unique. An unreadable file is an empty one.
func table(v *offline.Volume, path string, split func(string) []string, limit int64) map[string][]string {
	out := map[string][]string{}
	data, err := v.ReadFile(path, limit)
	if err != nil {
		return out
	}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), "#")
		f := split(line)
		if len(f) < 2 {
			continue
		}
		key := f[0]
		if strings.Contains(f[1], "/") { // services: the same name for tcp and udp
			key += " " + f[1]
		}
		if _, ok := out[key]; !ok {
			out[key] = f
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
