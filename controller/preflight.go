package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A check is something that can stand in the way of a rescue. It is a pure
// function of the situation, which is gathered before: it calls nothing, and
// one that fires hides no other.
type check struct {
	id    string
	title string // what is so; it stands after "because"
	// flag accepts it; empty: it is a refusal. usage is the flag's line of help.
	flag, usage string
	note        bool   // worth knowing, and in nobody's way
	late        bool   // it is the agent's report that decides, and that the flag is about
	instead     string // what to do about it
	// look returns what it found, a risk each.
	look func(*situation) []string
}

// checks is the catalogue, in the order a person would look. docs/preflight.md
// has a row for each.
var checks = slices.Concat(instanceChecks, windowsChecks, ownerChecks, runChecks, helperChecks, accountChecks)

// A Consent is a flag that accepts a risk.
type Consent struct {
	Risk  string // its id, as in Ask.Accept
	Flag  string // --accept-ip-change
	Usage string
}

// Consents are the flags that accept risks, in the order of the checks.
func Consents() []Consent {
	var all []Consent
	for _, c := range checks {
		if c.flag != "" {
			all = append(all, Consent{Risk: c.id, Flag: c.flag, Usage: c.usage})
		}
	}
	return all
}

// Accepts tells whether the operator accepts a risk.
func (a Ask) Accepts(risk string) bool { return slices.Contains(a.Accept, risk) }

// A RefusedError means that preflight refused, and nothing was changed.
type RefusedError struct{ Risks []Risk }

func (e *RefusedError) Error() string {
	var ids []string
	for _, r := range e.Risks {
		if !slices.Contains(ids, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return "cannot begin the rescue: refused because of " + strings.Join(ids, ", ")
}

// refusal is a *RefusedError with what stands in the way; nil: nothing does.
func (p Plan) refusal() error {
	var risks []Risk
	for _, r := range p.Risks {
		if !r.Accepted && !r.Note {
			risks = append(risks, r)
		}
	}
	if risks == nil {
		return nil
	}
	return &RefusedError{Risks: risks}
}

// situation is what the checks look at.
type situation struct {
	run    string // of whoever asks; empty: a plan
	ask    Ask
	now    time.Time
	caller Caller
	was    *Original
	place  Place
	// troubles were met on the way to a place, by the id of the check that
	// reports them.
	troubles map[string][]string

	profile   Profile
	noProfile bool
	noBucket  bool
	noAgent   error
	keys      []KMSKey // those of the volumes
	lostKeys  []string // ids of keys that KMS does not know
	secretKey *KMSKey  // the one that encrypts the parameter
	parameter *Parameter
	keyPair   KeyPair // of a Windows instance, if EC2 knows it
	noKeyPair bool    // it has one that EC2 does not know any more
	userData  []byte  // of a Windows instance
	userWords string  // that describe it; empty: it is not known
	online    bool    // a Windows instance that Systems Manager reaches

	needed      []Permission
	denied      []Permission // those of needed that the simulation denies
	refused     []string     // actions that were denied while looking
	unsimulated error
}

// trouble records what a check reports later.
func (s *situation) trouble(id, format string, args ...any) {
	if s.troubles == nil {
		s.troubles = map[string][]string{}
	}
	s.troubles[id] = append(s.troubles[id], fmt.Sprintf(format, args...))
}

// told is the look of a check that reports troubles.
func told(id string) func(*situation) []string {
	return func(s *situation) []string { return s.troubles[id] }
}

// aws is a command of the AWS CLI, for the region of the rescue.
func (s *situation) aws(command string) string {
	if s.caller.Region == "" {
		return "aws " + command
	}
	return "aws " + command + " --region " + s.caller.Region
}

// risks are what the checks find.
func (s *situation) risks() []Risk {
	var all []Risk
	for _, c := range checks {
		for _, detail := range c.look(s) {
			all = append(all, Risk{
				ID: c.id, Title: c.title, Detail: detail + ". " + c.instead, Flag: c.flag,
				Accepted: c.flag != "" && s.ask.Accepts(c.id), Note: c.note,
			})
		}
	}
	return all
}

// gathering asks the cloud for what the checks look at. Each stands on those
// before it. None changes anything.
var gathering = []func(context.Context, *Controller, Cloud, *situation) error{
	gatherHelper,
	gatherNetwork,
	gatherDelivery,
	gatherKeys,
	gatherWindows,
	gatherPermissions,
}

// examine finds where the helper of a rescue goes and what stands in the way,
// all of it at once. It changes nothing. run is the one that asks, whose own
// lock is no obstacle; it is empty for a plan.
func (c *Controller) examine(ctx context.Context, run string, ask Ask, was *Original) (Plan, error) {
	return c.examineOn(ctx, c.remembering(c.Cloud), run, ask, was)
}

// examineOn is examine by way of a cloud that remembers.
func (c *Controller) examineOn(ctx context.Context, cloud Cloud, run string, ask Ask, was *Original) (Plan, error) {
	caller, err := cloud.Caller(ctx)
	if err != nil {
		return Plan{}, fmt.Errorf("cannot find out who asks: %w", err)
	}
	s := &situation{run: run, ask: ask, now: c.Clock.Now(), caller: caller, was: was}
	p := Plan{Ask: ask, Caller: caller, Original: *was}
	if !gone(was.Instance.State) {
		for _, gather := range gathering {
			if err := gather(ctx, c, cloud, s); err != nil && !s.tolerates(err) {
				return Plan{}, fmt.Errorf("cannot examine instance %s: %w", was.Instance.ID, err)
			}
		}
		p.Place, p.Permissions, p.Downtime = s.place, s.needed, downtime(was, ask)
		p.UserData = s.userWords
		p.Steps = p.steps()
	}
	p.Risks = s.risks()
	return p, nil
}

// tolerates remembers that a look was denied: the missing permission is
// reported with everything else, and refuses the rescue.
func (s *situation) tolerates(err error) bool {
	var refused *CloudError
	if !errors.As(err, &refused) || refused.Kind != Denied {
		return false
	}
	if !slices.Contains(s.refused, refused.Action) {
		s.refused = append(s.refused, refused.Action)
	}
	return true
}

// is tells whether an error of the cloud is of a kind.
func is(err error, kind Kind) bool {
	var failed *CloudError
	return errors.As(err, &failed) && failed.Kind == kind
}
