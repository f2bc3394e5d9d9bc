package linuxroot

import (
	"fmt"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// adminGroups may become root on one system or another.
var adminGroups = []string{"wheel", "sudo", "admin", "adm", "google-sudoers"}

func (s *signals) adminUsers(db *account.DB) {
	for _, name := range adminGroups {
		g, err := db.Group(name)
		if err != nil {
			continue // a group that the system does not have
		}
		for _, user := range db.GroupUsers(g.GID) {
			if s.admins[user] == "" {
				s.admins[user] = fmt.Sprintf("group %q", name)
			}
		}
	}
}

// sudoUsers reads who is named in sudoers files, aliases aside. The files that
// cloud-init and the image builders before it write name the users they made.
func (s *signals) sudoUsers(v *offline.Volume) {
	const dir = "/etc/sudoers.d"
	files := []string{"/etc/sudoers"}
	names, _ := v.ReadDir(dir) // no sudo
	for _, name := range names[:min(len(names), maxLooked)] {
		files = append(files, path.Join(dir, name))
	}
	for _, file := range files {
		data, err := v.ReadFile(file, offline.MaxConfig)
		if err != nil {
			continue // the others still speak
		}
		into := s.admins
		if strings.HasPrefix(file, dir+"/90-cloud") {
			into = s.sudoers
		}
		for line := range strings.Lines(string(data)) {
			if user := sudoUser(line); user != "" && into[user] == "" {
				into[user] = file
			}
		}
	}
}

// sudoUser is the user to whom a line of sudoers(5) gives a rule; empty for
// groups, aliases, settings and comments.
func sudoUser(line string) string {
	f := strings.Fields(line)
	if len(f) < 2 || !strings.Contains(line, "=") || strings.ContainsAny(f[0][:1], "#@%+") {
		return ""
	}
	if strings.HasPrefix(f[0], "Defaults") || strings.HasSuffix(f[0], "_Alias") {
		return ""
	}
	return f[0]
}
