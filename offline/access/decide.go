package access

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
	"github.com/seed-77750964/regain/offline/selinux"
	"github.com/seed-77750964/regain/offline/sshd"
	"github.com/seed-77750964/regain/offline/sshkey"
)

// Wish is one key for one user.
type Wish struct {
	User    account.User
	Key     sshkey.Public
	Options []sshkey.Option // in front of the key, such as expiry-time
	Run     string
	Revoke  bool // take out the keys of earlier runs
	Repair  Repair
}

// Repair says what may be repaired besides adding the key.
type Repair struct {
	None     bool // nothing: the key is added, and that is all
	Fallback bool // the root-owned fallback may be used even where the home can serve
}

// Plan is what to do about a wish, and what comes of it.
type Plan struct {
	Changes  []offline.Change
	Verdict  sshd.Verdict // on the volume as it will be
	Path     string       // the key file, canonical
	Fallback bool         // the root-owned file is used
	Rejected []string     // the ways that were tried and do not serve, and why
	Previous []Previous   // keys of earlier runs, of this user
}

// Decider plans against one state of a volume.
type Decider struct {
	v      *offline.Volume
	system *sshd.System
	labels *labels
}

// New reads what planning needs besides the verdict's own facts.
func New(v *offline.Volume, system *sshd.System, kernelArgs []string) (*Decider, error) {
	state, err := selinux.Read(v, kernelArgs)
	if err != nil {
		return nil, err
	}
	l := &labels{state: state, contexts: &selinux.Contexts{}}
	if state.Installed {
		contexts, _, err := selinux.LoadContexts(v, state.Policy)
		if err == nil {
			l.contexts = contexts
		} else if !errors.Is(err, fs.ErrNotExist) { // without rules, ssh's own types are known still
			return nil, err
		}
	}
	return &Decider{v: v, system: system, labels: l}, nil
}

// way is one way to let the key in.
type way struct {
	name  string
	build func(*draft) (keyFile string, err error)
}

// Decide tries the ways in order and returns the first that the verdict accepts.
// When none is accepted, the plan is that of the way that came closest; Rejected
// says why the others do not serve. Without changes, the key is in already, or no
// way could be tried.
func (dc *Decider) Decide(w Wish) (Plan, error) {
	previous := dc.previous(w)
	now, err := dc.system.Judge(w.User.Name, w.Key)
	if err != nil {
		return Plan{}, err
	}
	if now.Answer == offline.Accepted && !revokes(w, previous) {
		return Plan{Verdict: now, Path: now.KeyPath, Previous: previous}, nil
	}
	best, tried := Plan{Verdict: now, Previous: previous}, false // a verdict with the key in place says more than one without
	for _, way := range dc.ways(w) {
		plan, err := dc.try(w, way)
		plan.Previous = previous
		if unfit := (*UnfitError)(nil); errors.As(err, &unfit) || errors.Is(err, offline.ErrAbsentVolume) {
			best.Rejected = append(best.Rejected, fmt.Sprintf("%s: %v", way.name, err))
			continue
		} else if err != nil {
			return Plan{}, err
		}
		if plan.Verdict.Answer == offline.Accepted {
			plan.Rejected = best.Rejected
			return plan, nil
		}
		best.Rejected = append(best.Rejected, fmt.Sprintf("%s: %s", way.name, whyNot(plan.Verdict)))
		if !tried || better(plan.Verdict, best.Verdict) {
			rejected := best.Rejected
			best, tried = plan, true
			best.Rejected = rejected
		}
	}
	return best, nil
}

func revokes(w Wish, previous []Previous) bool {
	return w.Revoke && slices.ContainsFunc(previous, func(p Previous) bool { return !p.Key.Equal(w.Key) })
}

// better prefers the answer nearer to accepted, then fewer reasons against.
func better(a, b sshd.Verdict) bool {
	rank := map[offline.Answer]int{offline.Accepted: 2, offline.Unknown: 1}
	if rank[a.Answer] != rank[b.Answer] {
		return rank[a.Answer] > rank[b.Answer]
	}
	return len(against(a)) < len(against(b))
}

func against(v sshd.Verdict) []sshd.Reason {
	return slices.DeleteFunc(slices.Clone(v.Reasons), func(r sshd.Reason) bool { return r.Answer == offline.Accepted })
}

func whyNot(v sshd.Verdict) string {
	for _, r := range against(v) {
		if r.Answer == v.Answer {
			return r.String()
		}
	}
	return string(v.Answer)
}

// ways lists the key files that sshd reads for the user, as they stand and with
// their path put right, and then the fallback.
func (dc *Decider) ways(w Wish) []way {
	var list []way
	own := dc.ownerOf(w.User)
	paths, err := dc.system.KeyPaths(w.User.Name)
	if err != nil {
		paths = nil // the verdict says what is wrong with AuthorizedKeysFile
	}
	for _, p := range paths {
		list = append(list, way{p.Path, func(d *draft) (string, error) { return dc.atPath(d, p.Path, own, w) }})
	}
	fallback := dc.fallbackWays(w)
	if w.Repair.None {
		return list
	}
	if w.Repair.Fallback {
		return append(fallback, list...)
	}
	return append(list, fallback...)
}

// try builds a way and asks for the verdict on it. Where the same key stands
// earlier in the file behind options that win, its line goes first.
func (dc *Decider) try(w Wish, way way) (Plan, error) {
	d := newDraft(dc.v, dc.labels)
	file, err := way.build(d)
	if err != nil {
		return Plan{}, err
	}
	if err := dc.revoke(d, w); err != nil {
		return Plan{}, err
	}
	changes, err := d.finish()
	if err != nil {
		return Plan{}, err
	}
	verdict, err := dc.judge(changes, w)
	return Plan{Changes: changes, Verdict: verdict, Path: file, Fallback: isFallback(file)}, err
}

func (dc *Decider) judge(changes []offline.Change, w Wish) (sshd.Verdict, error) {
	system, err := dc.system.On(dc.v.Preview(changes))
	if err != nil {
		return sshd.Verdict{}, err
	}
	return system.Judge(w.User.Name, w.Key)
}

// rounds bounds how often repairs are followed by a new look: a directory that
// could not be passed hides what is wrong below it.
const rounds = 4

// atPath puts the key into one of the files that sshd reads, then repairs what
// still stands in its way there.
func (dc *Decider) atPath(d *draft, configured string, own owner, w Wish) (string, error) {
	canonical, err := dc.resolve(configured)
	if err != nil {
		return "", err
	}
	if own.names(configured) && !own.owns(canonical) {
		if err := d.mayFollow(canonical, own); err != nil {
			return "", err
		}
	}
	if err := dc.addUnlessThere(d, canonical, own, w); err != nil {
		return "", err
	}
	return canonical, dc.clearTheWay(d, configured, canonical, own, w)
}

// clearTheWay repairs, component by component, what sshd and the kernel hold
// against the path.
func (dc *Decider) clearTheWay(d *draft, configured, canonical string, own owner, w Wish) error {
	if w.Repair.None {
		return nil
	}
	for range rounds {
		offences, err := dc.offences(d, configured, w)
		if err != nil {
			return err
		}
		mended := false
		for _, o := range offences {
			done, err := d.mend(o, own)
			if err != nil {
				return err
			}
			mended = mended || done
		}
		if !mended {
			break
		}
	}
	return d.mendLabel(canonical, own)
}

// resolve finds where the configured path leads, missing directories included.
func (dc *Decider) resolve(configured string) (string, error) {
	canonical, err := dc.v.ResolveMissing(configured)
	switch {
	case errors.Is(err, offline.ErrAbsentVolume):
		return "", err
	case err != nil:
		return "", &UnfitError{configured, err.Error()}
	}
	return canonical, nil
}

// addUnlessThere adds the key where the file does not let it in already. A line
// for the same key that forces a command, or limits it otherwise, wins over a
// later one: then the new line goes first.
func (dc *Decider) addUnlessThere(d *draft, canonical string, own owner, w Wish) error {
	f, err := d.v.Snapshot(canonical, offline.MaxKeys)
	if err != nil || f == nil || f.Kind != offline.Regular {
		return d.place(canonical, own, w)
	}
	out := sshkey.Parse(f.Data).Match(w.Key, dc.system.MatchContext())
	plain := !out.Grants.HasForced && out.Grants.PTY
	if out.Verdict == sshkey.Accepted && plain && len(out.Maybe) == 0 {
		return nil
	}
	if out.Verdict == sshkey.NotFound {
		return d.place(canonical, own, w)
	}
	e := edit(f)
	if err := d.mayAddTo(canonical, e, own); err != nil {
		return err
	}
	if e.Data, err = addKey(e.Data, w, true); err != nil {
		return err
	}
	return d.set(canonical, e.File, "add the key before an earlier line for it, which would win")
}

// offences are what StrictModes and the kernel hold against the path, as the
// draft leaves it.
func (dc *Decider) offences(d *draft, configured string, w Wish) ([]sshd.Offence, error) {
	system, err := dc.system.On(dc.v.Preview(d.changes))
	if err != nil {
		return nil, err
	}
	return system.Offences(w.User.Name, configured)
}
