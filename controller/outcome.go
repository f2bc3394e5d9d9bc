package controller

import (
	"errors"
	"time"

	"github.com/seed-77750964/regain/controller/flow"
)

// event is a notice of the engine, for whoever watches.
func event(n flow.Notice, r *Rescue, way flow.Way) Event {
	e := Event{Time: n.Time, Run: r.Run, Instance: r.Ask.Instance, Step: n.Step, Way: "out", Event: string(n.Event), Wait: n.Wait.For, Why: n.Wait.Why}
	if n.Undo || way != flow.Out {
		e.Way = "home"
	}
	switch {
	case n.Event == "" && n.Wait.Done():
		e.Event = "begins"
	case n.Event == "":
		e.Event = "waits"
	}
	if n.Err != nil {
		e.Error = n.Err.Error()
	}
	if r.RunningAt.IsZero() {
		e.Down = r.StoppedAt
	}
	return e
}

// outcome is how a run ended.
func outcome(run *flow.Run[Rescue], now time.Time) Outcome {
	r := run.State
	r.keepParameter()
	o := Outcome{Run: r.Run, Instance: r.Ask.Instance, Rescue: r, Err: run.Err()}
	if !r.StoppedAt.IsZero() {
		until := r.RunningAt
		if until.IsZero() {
			until = now
		}
		o.Downtime = until.Sub(r.StoppedAt)
	}
	var refused *RefusedError
	var locked *LockedError
	switch {
	case run.Way() != flow.AtHome:
		o.State, o.Step = StateNotHome, run.Step()
	case r.Gone:
		o.State, o.Err = StateTakenBack, errors.Join(o.Err, errors.New("somebody has terminated the instance: there is nothing left to rescue"))
	case r.rescued():
		o.State, o.Err = StateRescued, nil
		o.Login = login(&r)
		if v := r.Verified.State; v == Refused || v == NoPath && r.Ask.Verify == VerifyAlways {
			o.State, o.Err = StateUnproven, errors.New("the key is in, but no login has proven it: "+r.Verified.Detail)
		}
	case errors.As(o.Err, &refused), errors.As(o.Err, &locked):
		o.State = StateRefused
	case errors.Is(o.Err, flow.ErrInterrupted):
		o.State = StateInterrupted
	default:
		o.State = StateTakenBack
	}
	var failed *flow.Error
	if errors.As(o.Err, &failed) {
		o.Step = failed.Step
	}
	if o.Err != nil {
		o.Error = o.Err.Error()
	}
	return o
}

// keepParameter lists the private key among what is kept.
func (r *Rescue) keepParameter() {
	if r.Param == nil {
		return
	}
	in := ""
	if r.Caller.Region != "" {
		in = " --region " + r.Caller.Region
	}
	r.keep(Kept{What: "private key " + r.Param.Name, Remove: "aws ssm delete-parameter --name " + r.Param.Name + in})
}

// KeyFile is the name of the file that regain key writes unless told otherwise,
// and that the commands of an outcome use.
func KeyFile(instance string) string { return "regain-" + instance }

// login are the commands that use the new key.
func login(r *Rescue) []string {
	switch {
	case r.windows() && !r.stops():
		return []string{startCommand(r.Ask.Instance), "regain password " + r.Ask.Instance + " --key FILE"}
	case r.windows():
		return []string{"regain password " + r.Ask.Instance + " --key FILE"}
	}
	if len(r.Result.Users) == 0 {
		return nil
	}
	user, host := r.Result.Users[0], r.address()
	var commands []string
	key := ""
	if r.Param != nil {
		commands = append(commands, "regain key "+r.Ask.Instance)
		key = " -i " + KeyFile(r.Ask.Instance)
	}
	switch {
	case !r.stops():
		commands = append(commands, startCommand(r.Ask.Instance))
	case host != "":
		commands = append(commands, "ssh"+key+" "+user+"@"+host)
	}
	if r.Ask.Keys == KeysGiven { // it is stored nowhere
		return append(commands, "regain ssh "+r.Ask.Instance+" --identity FILE")
	}
	return append(commands, "regain ssh "+r.Ask.Instance)
}

// startCommand starts an instance that was stopped, and came home so.
func startCommand(instance string) string {
	return "aws ec2 start-instances --instance-ids " + instance
}

// address is where the instance is reached now: where the proof reached it, or
// where it was, unless that has changed with the stop.
func (r *Rescue) address() string {
	i := r.Original.Instance
	switch {
	case r.Address != "":
		return r.Address
	case i.Elastic:
		return i.PublicIP
	case i.PublicIP == "":
		return i.PrivateIP
	}
	return ""
}
