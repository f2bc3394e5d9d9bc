package sshd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/pam"
	"github.com/seed-77750964/regain/offline/sshd/conf"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// Verdict is what comes of a login with one key for one user.
type Verdict struct {
	User        string
	Fingerprint string
	Answer      offline.Answer
	Reasons     []Reason // in the order in which sshd would meet them; those for acceptance too
	Notes       []Reason // what else a person should know
	KeyPath     string   // canonical path of the file with the line that lets the key in; empty: none does
	KeyLine     int
	Forced      string // the command that the line runs in place of a shell
}

// Judge gives the verdict for a user, who need not exist, and a plain key. An
// error is the volume's own; whatever is wrong with the system is a reason.
func (s *System) Judge(user string, key sshkey.Public) (Verdict, error) {
	j := &judge{s: s, key: key}
	if !j.identify(user) {
		return j.verdict(user), nil
	}
	effective := s.config.Evaluate(s.connection(j.user))
	worlds, complete := effective.Worlds()
	verdicts := make([]Verdict, len(worlds))
	for i, w := range worlds {
		in := &judge{s: s, key: key, user: j.user, gids: j.gids, groups: j.groups, notes: j.notes, world: w.Effective, asked: j.asked}
		if err := in.login(); err != nil {
			return Verdict{}, fmt.Errorf("cannot judge a login of %q: %w", user, err)
		}
		verdicts[i], j.asked = in.verdict(user), in.asked
	}
	return merge(worlds, verdicts, complete), nil
}

// judge follows one login through sshd.
type judge struct {
	s      *System
	key    sshkey.Public
	user   account.User
	gids   []uint32
	groups []string
	world  *conf.Effective

	reasons []Reason
	notes   []Reason
	found   match
	asked   map[string][]pam.Result // by service: account and session
}

func (j *judge) refuse(id, path string, line int, format string, args ...any) {
	j.reasons = append(j.reasons, Reason{id, offline.Denied, fmt.Sprintf(format, args...), path, line})
}

func (j *judge) doubt(id, path string, line int, format string, args ...any) {
	j.reasons = append(j.reasons, Reason{id, offline.Unknown, fmt.Sprintf(format, args...), path, line})
}

func (j *judge) agree(id, path string, line int, format string, args ...any) {
	j.reasons = append(j.reasons, Reason{id, offline.Accepted, fmt.Sprintf(format, args...), path, line})
}

func (j *judge) note(id, path string, line int, format string, args ...any) {
	j.notes = append(j.notes, Reason{id, offline.Accepted, fmt.Sprintf(format, args...), path, line})
}

// refuseBy is refuse for a setting, which may be a default.
func (j *judge) refuseBy(id string, v conf.Value, format string, args ...any) {
	j.refuse(id, v.Path, v.Line, format, args...)
}

// identify finds the user; false ends the login.
func (j *judge) identify(name string) bool {
	user, err := j.s.accounts.User(name)
	others := j.s.otherSources("passwd")
	switch {
	case err == nil && !slices.ContainsFunc(j.s.names["passwd"], func(s string) bool { return s == "files" || s == "compat" }):
		j.doubt("linux/user-unknown", "/etc/nsswitch.conf", 0, "does not name the files as a source of users")
		return false
	case err == nil:
		j.user, j.gids, j.groups = user, j.s.accounts.GIDs(user), j.s.accounts.Groups(name)
		for _, p := range j.s.accounts.ProblemsOf(name) {
			j.note("linux/account-line", "/etc/"+p.File, p.Line, "%s", p.Text)
		}
		return true
	case errors.Is(err, account.ErrMalformed):
		j.doubt("linux/account-line", "/etc/passwd", 0, "%v", err)
	case len(others) > 0 || j.s.accounts.NIS():
		j.doubt("linux/user-unknown", "/etc/passwd", 0, "does not hold %q; other sources may: %q", name, others)
	default:
		j.refuse("linux/user-unknown", "/etc/passwd", 0, "does not hold the user %q", name)
	}
	return false
}

// login goes through the gates in sshd's order. All of them are asked, also
// after one that refuses, so that a person learns of everything at once.
func (j *judge) login() error {
	for _, p := range j.world.Problems() {
		j.problem(p)
	}
	if v := j.world.First("refuseconnection"); v.Text == "yes" {
		j.refuseBy("linux/refuse-connection", v, "RefuseConnection drops every connection of the user")
	}
	for _, gate := range []func() error{
		j.locked, j.shell, j.userLists, j.groupLists, // auth.c allowed_user
		j.publicKey, j.keyType, j.revoked, j.lookUp, // auth2-pubkey.c
		j.rootLogin, j.methods, // auth2.c userauth_finish
		j.pam, j.session,
	} {
		if err := gate(); err != nil {
			return err
		}
	}
	return nil
}

func (j *judge) problem(p conf.Problem) {
	switch {
	case p.Unknown:
		j.doubt("linux/sshd-config", p.Path, p.Line, "%s", p.Text)
	case p.Fatal:
		j.refuse("linux/sshd-config", p.Path, p.Line, "%s", p.Text)
	default:
		j.note("linux/sshd-config", p.Path, p.Line, "%s", p.Text)
	}
}

func (j *judge) verdict(user string) Verdict {
	v := Verdict{
		User: user, Fingerprint: j.key.Fingerprint(),
		Reasons: slices.Concat(j.s.common, j.reasons), Notes: slices.Concat(j.s.notes, j.notes),
		KeyPath: j.found.path, KeyLine: j.found.line, Forced: j.found.forced,
	}
	v.Answer = answerOf(v.Reasons)
	return v
}

// answerOf is the worst of the reasons: refused beats unknown beats accepted.
// Without a reason for it, nothing is accepted.
func answerOf(reasons []Reason) offline.Answer {
	has := func(a offline.Answer) bool {
		return slices.ContainsFunc(reasons, func(r Reason) bool { return r.Answer == a })
	}
	switch {
	case has(offline.Denied):
		return offline.Denied
	case has(offline.Unknown) || !has(offline.Accepted):
		return offline.Unknown
	}
	return offline.Accepted
}

// merge puts together what the login comes to in every way in which the
// conditions may turn out that cannot be decided here.
func merge(worlds []conf.World, verdicts []Verdict, complete bool) Verdict {
	out := verdicts[0]
	differ := false
	for _, v := range verdicts[1:] {
		differ = differ || v.Answer != out.Answer
	}
	if !complete {
		out.Reasons = append(out.Reasons, Reason{ID: "linux/match-open", Answer: offline.Unknown,
			Text: "more Match conditions depend on the connection than were tried"})
	}
	if differ {
		out.Reasons = open(worlds, verdicts)
	}
	out.Answer = answerOf(out.Reasons)
	return out
}

// open explains an answer that hangs on Match conditions: the first world's
// reasons, none of which decides alone, then each other world's first one that
// differs.
func open(worlds []conf.World, verdicts []Verdict) []Reason {
	first := verdicts[0]
	reasons := slices.Clone(first.Reasons)
	for i, r := range reasons {
		if r.Answer == offline.Denied && first.Answer == offline.Denied && !inAll(verdicts, r) {
			reasons[i].Answer = offline.Unknown
			reasons[i].Text += " (depends on Match conditions)"
		}
	}
	for i, v := range verdicts[1:] {
		if v.Answer == first.Answer {
			continue
		}
		for _, r := range v.Reasons {
			if r.Answer == v.Answer && !slices.Contains(first.Reasons, r) {
				r.Answer = offline.Unknown
				r.Text = fmt.Sprintf("if %s: %s", worlds[i+1].Because, r.Text)
				reasons = append(reasons, r)
				break
			}
		}
	}
	return reasons
}

func inAll(verdicts []Verdict, r Reason) bool {
	return !slices.ContainsFunc(verdicts, func(v Verdict) bool { return !slices.Contains(v.Reasons, r) })
}
