package linuxroot

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// signals is what speaks for users, read once for all of them.
type signals struct {
	facts          Facts
	forced         map[string]string // user to the file whose forced command names it
	sudoers        map[string]string // user to the sudoers file of cloud-init
	admins         map[string]string // user to the group, or the sudoers file, that makes it an administrator
	tableUser      string
	uidMin, uidMax uint32
}

func newSignals(v *offline.Volume, facts Facts) *signals {
	s := &signals{facts: facts, sudoers: map[string]string{}, admins: map[string]string{}}
	s.sudoUsers(v)
	s.adminUsers(facts.Accounts)
	s.uidMin, s.uidMax = uidRange(v)
	s.forcedUsers(v)
	for _, name := range usualUsers(facts.OS.ID) {
		if _, err := facts.Accounts.User(name); err == nil {
			s.tableUser = name
			break
		}
	}
	return s
}

// judge scores a user by what needs no look into its home. A user that cannot
// be one that people log in as is not a candidate.
func (s *signals) judge(u account.User) (candidate, bool) {
	c := candidate{User: u}
	if _, err := s.facts.Accounts.User(u.Name); err != nil || never(u) {
		return c, false
	}
	if u.Name == "root" {
		if !s.facts.RootLogin {
			return c, false
		}
		c.add(byRoot, "sshd lets root in with a key")
	} else if u.UID == 0 {
		return c, false
	}
	if file := s.forced[u.Name]; file != "" {
		c.add(byForced, "the forced command in %s names it as the user to log in as", file)
	}
	if file := s.sudoers[u.Name]; file != "" {
		c.add(bySudoers, "named in %s", file)
	}
	s.judgeCloud(&c)
	if gecos, _, _ := strings.Cut(u.GECOS, ","); imageGECOS(gecos, s.facts.OS.ID) {
		c.add(byGECOS, "comment %q in /etc/passwd", gecos)
	}
	if u.Name == s.tableUser {
		c.add(byTable, "the usual user of %s images", s.facts.OS.ID)
	}
	if by := s.admins[u.Name]; by != "" && u.UID >= s.uidMin && u.UID <= s.uidMax {
		c.add(byAdmin, "an administrator (%s)", by)
	}
	ordinary := u.UID >= s.uidMin && u.UID <= max(s.uidMax, systemdMaxID)
	return c, ordinary || u.UID == 0 || c.score >= strong || u.Name == s.tableUser
}

func (s *signals) judgeCloud(c *candidate) {
	switch {
	case c.Name == s.facts.Cloud.DefaultUser:
		c.add(byDefault, "cloud-init's default user")
	case slices.Contains(s.facts.Cloud.Users, c.Name):
		c.add(byCloud, "created by cloud-init")
	case c.Name == s.facts.Cloud.SystemUser:
		c.add(byCloud, "named in cloud-init's system_info")
	}
}

// noLogin are shells that end the login at once.
var noLogin = []string{"nologin", "false", "true", "sync", "shutdown", "halt", "reboot", "git-shell", "rssh", "scponly", "null"}

// neverUsers are accounts of agents, which people do not log in as.
var neverUsers = []string{"ssm-user", "ec2-instance-connect", "nobody", "nfsnobody", "sshd", "systemd-network"}

// never tells of accounts that are no candidates whatever speaks for them.
func never(u account.User) bool {
	return slices.Contains(noLogin, path.Base(u.Shell)) || slices.Contains(neverUsers, u.Name) || u.UID == nobodyID || u.UID == oldNobodyID
}

// imageGECOS recognises the comments that cloud images give their user.
func imageGECOS(gecos, id string) bool {
	switch {
	case gecos == "":
		return false
	case strings.EqualFold(gecos, id):
		return true
	}
	low := strings.ToLower(gecos)
	return low == "ec2 default user" || strings.HasSuffix(low, "cloud user")
}

// usualUsers are the names that images of a system use, the commonest first:
// AWS's documentation for EC2, and the defaults of the distributions' images.
func usualUsers(id string) []string {
	names := imageUsers[id]
	if strings.HasPrefix(id, "opensuse") || strings.HasPrefix(id, "sle") {
		names = []string{"ec2-user"}
	}
	return append([]string{"bitnami", "openvpnas"}, names...)
}

var imageUsers = map[string][]string{
	"amzn": {"ec2-user"}, "rhel": {"ec2-user", "cloud-user"}, "centos": {"centos", "ec2-user", "cloud-user"},
	"rocky": {"rocky"}, "almalinux": {"ec2-user", "almalinux"}, "ol": {"ec2-user", "opc"}, "fedora": {"fedora", "ec2-user", "core"},
	"suse": {"ec2-user"}, "debian": {"admin", "debian"}, "ubuntu": {"ubuntu"}, "alpine": {"alpine"}, "arch": {"arch"}, "kali": {"kali"},
	"flatcar": {"core"}, "coreos": {"core"}, "gentoo": {"ec2-user"}, "raspbian": {"pi"}, "vyos": {"vyos"},
	"azurelinux": {"azureuser"}, "mariner": {"azureuser"}, "photon": {"root"},
}

// uidRange reads UID_MIN and UID_MAX (login.defs(5)).
func uidRange(v *offline.Volume) (uint32, uint32) {
	lowest, highest := uint32(fallbackMin), uint32(fallbackMax)
	data, err := v.ReadFile("/etc/login.defs", offline.MaxConfig)
	if err != nil {
		data, _ = v.ReadFile("/usr/etc/login.defs", offline.MaxConfig) // the vendor's copy on SUSE
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, err := strconv.ParseUint(f[1], 0, 32)
		switch {
		case err != nil || n == 0:
		case f[0] == "UID_MIN":
			lowest = uint32(n)
		case f[0] == "UID_MAX":
			highest = uint32(n)
		}
	}
	return lowest, highest
}

// namedUser finds the user in cloud-init's text for those who come as root
// (cc_ssh.py, DISABLE_USER_OPTS).
var namedUser = regexp.MustCompile(`login as the user \\*"([^"\\]{1,256})\\*" rather than the user`)

// forcedUsers reads the forced commands in root's key files.
func (s *signals) forcedUsers(v *offline.Volume) {
	s.forced = map[string]string{}
	root, err := s.facts.Accounts.User("root")
	if err != nil {
		return
	}
	for _, file := range s.keyFiles(root) {
		data, err := v.ReadFile(file, maxKeyFile)
		if err != nil {
			continue // root need not have one
		}
		for _, line := range sshkey.Parse(data).Lines {
			if m := namedUser.FindSubmatch(line.Raw); m != nil && forcedCommand(line) {
				s.forced[string(m[1])] = file
			}
		}
	}
}

func forcedCommand(line sshkey.Line) bool {
	return slices.ContainsFunc(line.Options, func(o sshkey.Option) bool { return o.Is("command") })
}

func (s *signals) keyFiles(u account.User) []string {
	if s.facts.KeyFiles != nil {
		return s.facts.KeyFiles(u)
	}
	return []string{path.Join(u.Home, ".ssh/authorized_keys"), path.Join(u.Home, ".ssh/authorized_keys2")}
}

// describe names the file and what keeps it from being read.
func describe(file string, err error) string {
	return fmt.Sprintf("its keys in %q could not be looked at: %s", file, err)
}
