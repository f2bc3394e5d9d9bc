package sshd

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/pam"
	"github.com/seed-77750964/regain/offline/selinux"
	"github.com/seed-77750964/regain/offline/sshd/conf"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// LoadOptions are the facts that are not on the volume.
type LoadOptions struct {
	KernelArgs []string  // of the boot entry that will be used; nil when unknown
	Now        time.Time // when the login will be tried
	Stops      string    // why the boot ends before sshd; empty: it does not
}

// System is what every verdict on one volume shares, read once.
//
// Like the Volume, it is not safe for concurrent use.
type System struct {
	v        *offline.Volume
	options  LoadOptions
	program  program
	accounts *account.DB
	names    map[string][]string // nsswitch.conf
	config   *conf.Config
	selinux  selinux.State
	location *time.Location
	stacks   *pam.Stacks
	common   []Reason // of start and connection: the same for every user
	notes    []Reason
	shells   []string // of /etc/shells
}

// program is what the installed sshd itself tells, and how the system starts
// it; neither changes with the edits that regain makes, so previews share it.
type program struct {
	invocation conf.Invocation
	path       string // empty: there is none
	version    conf.Version
	err        error // why the version is not known
	wrapped    conf.Tri
}

// Load reads the system. What is missing or broken is no error: it becomes a
// reason of the verdicts. Errors are the volume's own.
func Load(v *offline.Volume, o LoadOptions) (*System, error) {
	return load(v, o, findProgram(v))
}

// On is the same system on another view of the volume, such as
// offline.Volume.Preview gives. The program itself, and what starts it, are not
// examined again.
func (s *System) On(v *offline.Volume) (*System, error) { return load(v, s.options, s.program) }

func load(v *offline.Volume, o LoadOptions, p program) (*System, error) {
	s := &System{v: v, options: o, program: p, stacks: pam.NewStacks(v)}
	var err error
	if s.accounts, err = readAccounts(v); err != nil {
		return nil, err
	}
	if s.names, err = readNames(v); err != nil {
		return nil, err
	}
	if s.selinux, err = selinux.Read(v, o.KernelArgs); err != nil {
		return nil, err
	}
	if s.config, err = conf.Load(v, p.invocation.Options(p.version)); err != nil {
		return nil, fmt.Errorf("cannot read sshd's configuration: %w", err)
	}
	s.location = readZone(v)
	s.shells = readShells(v)
	s.start()
	s.connect()
	return s, nil
}

// optional reads a file that need not be there; nil when it is not.
func optional(v *offline.Volume, p string, limit int64) ([]byte, error) {
	data, err := v.ReadFile(p, limit)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, offline.ErrNotDir) {
		return nil, nil
	}
	if err == nil && data == nil {
		data = []byte{} // empty is not absent
	}
	return data, err
}

func readAccounts(v *offline.Volume) (*account.DB, error) {
	var files [4][]byte
	for i, name := range []string{"passwd", "shadow", "group", "gshadow"} {
		data, err := optional(v, "/etc/"+name, offline.MaxAccount)
		if err != nil && !errors.Is(err, offline.ErrNotRegular) {
			return nil, fmt.Errorf("cannot read the accounts: %w", err)
		}
		files[i] = data
	}
	return account.Parse(files[0], files[1], files[2], files[3]), nil
}

func readNames(v *offline.Volume) (map[string][]string, error) {
	data, err := optional(v, "/etc/nsswitch.conf", offline.MaxConfig)
	if err != nil && !errors.Is(err, offline.ErrNotRegular) {
		return nil, fmt.Errorf("cannot read the name services: %w", err)
	}
	return account.ParseNSSwitch(data), nil
}

// otherSources are the name services besides the files that may know more of a
// database. systemd's knows no user or group that files do not, unless homed
// manages one; sssd answers only where it is configured.
func (s *System) otherSources(database string) []string {
	return slices.DeleteFunc(account.OtherSources(s.names, database), func(source string) bool {
		switch source {
		case "systemd":
			return !holdsAny(s.v, "/var/lib/systemd/home") && !holdsAny(s.v, "/etc/userdb")
		case "sss":
			return !holdsAny(s.v, "/etc/sssd/conf.d") && !exists(s.v, "/etc/sssd/sssd.conf")
		}
		return false
	})
}

func exists(v *offline.Volume, p string) bool {
	_, err := v.Stat(p)
	return err == nil
}

func holdsAny(v *offline.Volume, dir string) bool {
	names, err := v.ReadDir(dir)
	return err == nil && len(names) > 0
}

// readZone is the machine's time zone: UTC without /etc/localtime, as for the C
// library; nil when it cannot be known.
func readZone(v *offline.Volume) *time.Location {
	data, err := optional(v, "/etc/localtime", 1<<18)
	switch {
	case err != nil:
		return nil
	case data == nil:
		return time.UTC
	}
	zone, err := time.LoadLocationFromTZData("local", data)
	if err != nil {
		return nil
	}
	return zone
}

// Version is the release of the installed sshd.
func (s *System) Version() conf.Version { return s.program.version }

// Accounts are the volume's users and groups.
func (s *System) Accounts() *account.DB { return s.accounts }

// MainConfig is the path of sshd's main configuration file; empty when there is
// none.
func (s *System) MainConfig() string { return s.config.Path }

// RootLogin tells whether PermitRootLogin lets root in with a key.
func (s *System) RootLogin() bool {
	value := s.config.Evaluate(s.connection(account.User{Name: "root"})).First("permitrootlogin").Text
	return value == "yes" || value == "prohibit-password" || value == "without-password"
}

// AuthorizedKeysFile is the effective setting for a user, as it is written:
// tokens not replaced, relative paths left so.
func (s *System) AuthorizedKeysFile(user string) []string {
	u, err := s.accounts.User(user)
	if err != nil {
		u = account.User{Name: user}
	}
	return slices.Clone(s.config.Evaluate(s.connection(u)).First("authorizedkeysfile").Args)
}

// MatchContext is what the options of a key line are judged by.
func (s *System) MatchContext() sshkey.MatchContext {
	v := s.program.version
	return sshkey.MatchContext{Now: s.options.Now, Location: s.location, Version: sshkey.Version{Major: v.Major, Minor: v.Minor}}
}

// connection is what is known of a login before it happens: the user, and the
// port where only one is listened on.
func (s *System) connection(u account.User) conf.Connection {
	c := conf.Connection{User: u.Name, Groups: s.accounts.Groups(u.Name), UID: u.UID}
	if ports := s.ports(); len(ports) == 1 {
		c.LocalPort, _ = strconv.Atoi(ports[0])
	}
	return c
}
