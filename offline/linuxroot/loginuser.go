package linuxroot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// Facts is what the choice of the login user stands on.
type Facts struct {
	Accounts  *account.DB
	OS        offline.OS
	Cloud     CloudConfig
	KeyName   string // the instance's EC2 key pair; empty: not known
	RootLogin bool   // sshd lets root in with a key (PermitRootLogin)
	// KeyFiles are the files that sshd reads for a user; nil means its default
	// below the home (sshd_config(5), AuthorizedKeysFile).
	KeyFiles func(account.User) []string
}

// weight is the strength of a signal. Each outweighs all below it together, so
// the order is that of the strongest signal.
type weight int

const (
	byRoot    weight = 1 << iota // root, where sshd lets it in
	byAdmin                      // may become root, and has shell and home
	byKeys                       // has keys of its own
	byTable                      // the name that images of this system use
	byGECOS                      // the comment that images give their user
	byCloud                      // created by cloud-init's users:
	byDefault                    // cloud-init's default user
	bySudoers                    // named in cloud-init's sudoers file
	byForced                     // named by the forced command in root's file
	byKeyName                    // has a key with the comment of the instance's key pair
)

// The signals from here on make even a system account a candidate.
const strong = byDefault

// Bounds of the choice: how many candidates have their home looked at, and how
// many are returned.
const (
	maxLooked    = 64
	maxReturned  = 32
	maxKeyFile   = 256 << 10 // bytes of a key file that is only looked at for comments
	nobodyID     = 65534     // the kernel's overflowuid
	oldNobodyID  = 99
	fallbackMin  = 1000  // UID_MIN of shadow-utils
	fallbackMax  = 60000 // UID_MAX of shadow-utils
	systemdMaxID = 65000 // beyond: dynamic and container users
)

// candidate is a user with what speaks for it.
type candidate struct {
	account.User
	score weight
	why   []string
	notes []string // what could not be looked at
}

func (c *candidate) add(w weight, format string, args ...any) {
	c.score |= w
	c.why = append(c.why, fmt.Sprintf(format, args...))
}

// LoginUsers ranks who may log in, the chosen one first. It never returns
// everybody: at most 32, and none who is a system account without a sign that
// people log in as it. The reasons are for a person, foreign strings quoted.
func LoginUsers(v *offline.Volume, facts Facts) []offline.User {
	ranked := rank(v, facts)
	var out []offline.User
	for i, c := range ranked[:min(len(ranked), maxReturned)] {
		u := asUser(c)
		u.Chosen = i == 0
		if i == 0 {
			u.Why += tie(ranked)
		}
		out = append(out, u)
	}
	return out
}

func asUser(c candidate) offline.User {
	why := c.why
	if len(why) == 0 {
		why = []string{"an ordinary account with a shell"}
	}
	return offline.User{Name: c.Name, UID: c.UID, Home: c.Home, Why: strings.Join(append(slices.Clone(why), c.notes...), "; ")}
}

// tie says so when another candidate is as good as the first.
func tie(ranked []candidate) string {
	n := 0
	for _, c := range ranked[1:] {
		if c.score == ranked[0].score {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; %q is as likely, and the lower uid was taken: --user decides", ranked[1].Name)
	}
	return fmt.Sprintf("; %d others (%q first) are as likely, and the lowest uid was taken: --user decides", n, ranked[1].Name)
}

// PickUsers returns the users named, in that order, or the one that LoginUsers
// chooses when none is named. An unknown name is an error that lists the
// candidates.
func PickUsers(v *offline.Volume, facts Facts, want []string) ([]offline.User, error) {
	ranked := LoginUsers(v, facts)
	if len(want) == 0 {
		if len(ranked) == 0 {
			return nil, fmt.Errorf("cannot choose a user: no account looks like one that people log in as; name one with --user")
		}
		return ranked[:1], nil
	}
	var out []offline.User
	for _, name := range want {
		if slices.ContainsFunc(out, func(u offline.User) bool { return u.Name == name }) {
			continue
		}
		u, err := facts.Accounts.User(name)
		if err != nil {
			return nil, fmt.Errorf("cannot use the user %q: %w; %s", name, err, listed(ranked))
		}
		out = append(out, offline.User{Name: u.Name, UID: u.UID, Home: u.Home, Chosen: true, Why: "named with --user"})
	}
	return out, nil
}

func listed(ranked []offline.User) string {
	if len(ranked) == 0 {
		return "no account looks like one that people log in as"
	}
	var names []string
	for _, u := range ranked[:min(len(ranked), 10)] {
		names = append(names, fmt.Sprintf("%q", u.Name))
	}
	return "candidates: " + strings.Join(names, ", ")
}

// rank scores everybody from files that name users, then looks into the homes
// of the best.
func rank(v *offline.Volume, facts Facts) []candidate {
	s := newSignals(v, facts)
	var all []candidate
	for _, u := range facts.Accounts.Users() {
		if c, ok := s.judge(u); ok {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, better)
	all = all[:min(len(all), maxLooked)]
	for i := range all {
		s.look(v, &all[i])
	}
	slices.SortStableFunc(all, better)
	return all
}

// better orders by score, then by uid, then by name.
func better(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Name, b.Name))
}
