// Package pam predicts what the PAM stack of a service on a foreign tree will
// say to a user who logs in with a key: its account stack, and its session
// stack. It reads the configuration as libpam does, follows libpam's rules for
// combining modules, and models the modules that packaged systems ship. What it
// does not know makes the answer unknown, never accepted.
//
// It loads and runs no module, asks no name service and reads nothing but the
// Volume. The auth and password stacks do not matter to a login by key
// (sshd: auth-pam.c) and are not evaluated.
package pam

import (
	"time"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// Env is the login about which PAM is asked. Its origin is unknown, its
// terminal is "ssh", as sshd sets it.
type Env struct {
	Service     string // file of the stack; empty means sshd
	User        account.User
	Groups      []string        // names of all groups, the primary one included
	GIDs        []uint32        // their numbers
	Shadow      *account.Shadow // nil: there is no entry
	Today       int64           // days since 1970-01-01
	NameService map[string][]string
	SELinux     string // mode as in selinux.State; empty: unknown
}

// NewEnv describes the login of a user of the database at a time.
func NewEnv(db *account.DB, user account.User, nameService map[string][]string, now time.Time) Env {
	e := Env{
		User: user, Groups: db.Groups(user.Name), GIDs: db.GIDs(user),
		NameService: nameService, Today: now.Unix() / 86400,
	}
	if s, err := db.Shadow(user.Name); err == nil {
		e.Shadow = &s
	}
	return e
}

// Reason says what decides an answer, or leaves it open.
type Reason struct {
	ID     string // stable name, such as pam-nologin
	Answer offline.Answer
	Text   string
	Path   string
	Line   int // from 1; 0 for the whole file
}

// Result is the answer of one stack. Reasons explain every answer but Accepted,
// which needs none.
type Result struct {
	Answer  offline.Answer
	Reasons []Reason
}

// Account predicts pam_acct_mgmt(3).
func Account(v *offline.Volume, env Env) Result { return ask(v, env, phaseAccount) }

// Session predicts pam_open_session(3), and what its limits do to the session.
func Session(v *offline.Volume, env Env) Result { return ask(v, env, phaseSession) }

func ask(v *offline.Volume, env Env, p phase) Result { return NewStacks(v).ask(env, p) }

// Stacks answers for many logins on one volume: each stack is read once, and
// each module looked for once. What the modules themselves read is read anew.
type Stacks struct {
	v       *offline.Volume
	read    map[stackName]stacks
	modules map[string]moduleState
}

type stackName struct {
	service string
	phase   phase
}

// moduleState is what moduleFile said.
type moduleState struct {
	why     string
	missing bool
}

// NewStacks reads nothing yet.
func NewStacks(v *offline.Volume) *Stacks {
	return &Stacks{v: v, read: map[stackName]stacks{}, modules: map[string]moduleState{}}
}

// Account is Account on the volume.
func (s *Stacks) Account(env Env) Result { return s.ask(env, phaseAccount) }

// Session is Session on the volume.
func (s *Stacks) Session(env Env) Result { return s.ask(env, phaseSession) }

func (s *Stacks) load(service string, p phase) stacks {
	name := stackName{service, p}
	st, ok := s.read[name]
	if !ok {
		st = load(s.v, service, p)
		s.read[name] = st
	}
	return st
}

func (s *Stacks) ask(env Env, p phase) Result {
	if env.Service == "" {
		env.Service = "sshd"
	}
	st := s.load(env.Service, p)
	if st.fatal != nil {
		return Result{offline.Denied, []Reason{*st.fatal}}
	}
	r := run{v: s.v, env: env, phase: p, stack: st.active(), modules: s.modules}
	r.outcomes = make([]*outcome, len(r.stack))
	result := r.result()
	for _, doubt := range st.doubts {
		result.Reasons = append(result.Reasons, doubt)
		if result.Answer == offline.Accepted {
			result.Answer = offline.Unknown
		}
	}
	return result
}
