package sshd

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/selinux"
	"github.com/seed-77750964/regain/offline/sshd/conf"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// match is the line that lets the key in.
type match struct {
	path   string
	line   int
	forced string
	limits bool // no terminal
}

// search is the state of the look through a user's key files.
type search struct {
	against []Reason          // why a file or line does not let the key in
	open    []Reason          // what may let it in
	forced  *sshkey.Candidate // a line that may win and runs a command
	found   bool
	exists  bool // some file does
}

// lookUp goes through the key files in sshd's order; the first line that admits
// the key ends it (auth2-pubkey.c user_key_allowed).
func (j *judge) lookUp() error {
	paths, err := j.keyPaths()
	if errors.Is(err, conf.ErrToken) {
		v := j.world.First("authorizedkeysfile")
		j.refuseBy("linux/authorized-keys-file", v, "%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	s := search{}
	for _, k := range paths {
		if err := j.tryFile(&s, k); err != nil {
			return err
		}
		if s.found {
			break
		}
	}
	j.concludeSearch(s, paths)
	return nil
}

// tryFile looks into one file. What is wrong with a file counts whether or not
// the key is in it, so that a person hears of it.
func (j *judge) tryFile(s *search, k KeyPath) error {
	switch {
	case k.Absent:
		s.open = append(s.open, Reason{"linux/home-volume-absent", offline.Unknown, "lies on a filesystem that is not attached", k.Path, 0})
		return nil
	case k.Err != nil:
		s.exists = true
		s.against = append(s.against, Reason{"linux/authorized-keys-unreadable", offline.Denied, k.Err.Error(), k.Path, 0})
		return nil
	case !k.Exists:
		return nil
	}
	s.exists = true
	blocked, doubts := j.obstacles(k)
	labels, err := j.labels(k)
	if err != nil {
		return err
	}
	blocked, doubts = append(blocked, pick(labels, offline.Denied)...), append(doubts, pick(labels, offline.Unknown)...)
	s.against = append(s.against, blocked...)
	data, err := j.s.v.ReadFile(k.Canonical, offline.MaxKeys)
	switch {
	case errors.Is(err, offline.ErrNotRegular):
		return nil // an offence already
	case errors.Is(err, offline.ErrTooLarge):
		s.open = append(s.open, Reason{"linux/authorized-keys-size", offline.Unknown, err.Error(), k.Canonical, 0})
		return nil
	case err != nil:
		return err
	}
	outcome := sshkey.Parse(data).Match(j.key, j.s.MatchContext())
	if len(blocked) > 0 {
		if outcome.Verdict == sshkey.NotFound {
			s.miss(j, k, outcome)
		}
		return nil
	}
	j.take(s, k, outcome, doubts)
	return nil
}

func pick(reasons []Reason, a offline.Answer) []Reason {
	return slices.DeleteFunc(slices.Clone(reasons), func(r Reason) bool { return r.Answer != a })
}

// miss notes that a file does not let the key in, with the lines that hold it in
// vain.
func (s *search) miss(j *judge, k KeyPath, outcome sshkey.Outcome) {
	for _, skipped := range outcome.Skipped {
		s.against = append(s.against, Reason{"linux/key-line-ignored", offline.Denied, "sshd passes over the key here: " + skipped.Text, k.Canonical, skipped.Line})
	}
	if len(outcome.Skipped) == 0 {
		s.against = append(s.against, Reason{"linux/key-not-found", offline.Denied, "does not hold the key " + j.key.Fingerprint(), k.Canonical, 0})
	}
}

// take acts on a file that sshd reads, or may read.
func (j *judge) take(s *search, k KeyPath, outcome sshkey.Outcome, doubts []Reason) {
	for i, c := range outcome.Maybe {
		if c.Grants.HasForced && s.forced == nil {
			s.forced = &outcome.Maybe[i]
		}
	}
	switch {
	case outcome.Verdict == sshkey.NotFound:
		s.miss(j, k, outcome)
	case len(doubts) > 0:
		s.open = append(s.open, doubts...)
	case outcome.Verdict == sshkey.Unknown:
		for _, c := range outcome.Maybe {
			s.open = append(s.open, Reason{"linux/key-line-open", offline.Unknown, c.Text, k.Canonical, c.Line})
		}
	default:
		s.found = true
		j.found = match{path: k.Canonical, line: outcome.Line, limits: !outcome.Grants.PTY}
		if outcome.Grants.HasForced {
			j.found.forced = outcome.Grants.Forced
			j.refuse("linux/forced-command", k.Canonical, outcome.Line, "the line runs %q in place of a shell", outcome.Grants.Forced)
		}
	}
}

// concludeSearch turns what was found into reasons.
func (j *judge) concludeSearch(s search, paths []KeyPath) {
	command := j.world.First("authorizedkeyscommand")
	switch {
	case s.found:
		j.agree("linux/key-found", j.found.path, j.found.line, "holds the key %s", j.key.Fingerprint())
		if s.forced != nil {
			j.doubt("linux/forced-command", "", 0, "an earlier line (%d) may win and run %q: %s", s.forced.Line, s.forced.Grants.Forced, s.forced.Text)
		}
		j.aside(s.against)
	case len(s.open) > 0:
		j.reasons = append(j.reasons, s.open...)
		j.aside(s.against)
	case command.Text != "" && !strings.EqualFold(command.Text, "none"):
		j.doubt("linux/authorized-keys-command", command.Path, command.Line, "no file lets the key in; %q may know it", command.Text)
		j.aside(s.against)
	case len(paths) == 0:
		j.refuseBy("linux/authorized-keys-file", j.world.First("authorizedkeysfile"), "AuthorizedKeysFile names no file")
	case !s.exists:
		j.refuse("linux/authorized-keys-missing", paths[0].Path, 0, "does not exist%s", others(paths[1:]))
	default:
		j.reasons = append(j.reasons, s.against...)
	}
}

func others(paths []KeyPath) string {
	if len(paths) == 0 {
		return ""
	}
	var names []string
	for _, p := range paths {
		names = append(names, printable(p.Path))
	}
	return ", nor does " + strings.Join(names, ", ")
}

// aside keeps what is wrong elsewhere as notes; it does not decide.
func (j *judge) aside(reasons []Reason) {
	for _, r := range reasons {
		if r.ID != "linux/key-not-found" {
			j.notes = append(j.notes, r)
		}
	}
}

// obstacles turns the offences of a path into reasons.
func (j *judge) obstacles(k KeyPath) (blocked, doubts []Reason) {
	home, err := j.s.v.Realpath(j.user.Home)
	if err != nil {
		home = ""
	}
	for _, o := range k.Offences {
		r := Reason{"linux/" + place(o, k.Canonical, home) + "-" + fault(o.Kind), o.Answer, o.Text, o.Path, 0}
		if o.Kind == Unsearchable || o.Kind == Unreadable {
			r.ID = "linux/authorized-keys-unreadable"
		}
		if o.ACL && o.Kind == GroupWritable {
			r.Text += "; these bits are the mask of its POSIX ACL"
		}
		if o.Answer == offline.Denied {
			blocked = append(blocked, r)
		} else {
			doubts = append(doubts, r)
		}
	}
	return blocked, doubts
}

// place names the component of a key file's path, for the reason's id.
func place(o Offence, file, home string) string {
	switch {
	case o.Path == file:
		return "authorized-keys"
	case o.Path == home:
		return "home"
	case home != "" && home != "/" && strings.HasPrefix(o.Path, home+"/"):
		return "ssh-dir"
	}
	return "authorized-keys-path"
}

func fault(k OffenceKind) string {
	switch k {
	case WrongOwner:
		return "owner"
	case NotRegular:
		return "not-regular"
	}
	return "mode"
}

// labels judges the SELinux types of the file and of its ssh directory, where a
// policy is enforced and nothing labels the tree anew before sshd starts.
func (j *judge) labels(k KeyPath) ([]Reason, error) {
	state := j.s.selinux
	if state.Mode != selinux.Enforcing || !state.Labelled || state.AutoRelabel {
		return nil, nil
	}
	var out []Reason
	for _, p := range []string{path.Dir(k.Canonical), k.Canonical} {
		label, err := j.s.v.Label(p)
		if err != nil {
			return nil, err
		}
		answer := selinux.ReadableBySSHD(selinux.Type(label))
		if answer == offline.Accepted || answer == offline.Unknown && p != k.Canonical {
			continue
		}
		text := fmt.Sprintf("has the SELinux label %q, and SELinux is enforcing (%s)", label, state.Because)
		out = append(out, Reason{"linux/selinux-label", answer, text, p, 0})
	}
	return out, nil
}
