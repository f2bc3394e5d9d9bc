package controller

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-77750964/regain/controller/policy"
)

// Plan tells what a rescue would do, and everything that stands in its way. It
// changes nothing.
func (c *Controller) Plan(ctx context.Context, ask Ask) (Plan, error) {
	ask = ask.withDefaults()
	was, err := look(ctx, c.remembering(c.Cloud), ask.Instance)
	if err != nil {
		return Plan{}, err
	}
	ask = ask.on(was.Instance.Platform)
	if !moving(was.Instance.State) {
		c.plans.add(c.Clock.Now(), was)
	}
	return c.examine(ctx, "", ask, was)
}

// withDefaults is the ask with every choice made.
func (a Ask) withDefaults() Ask {
	if a.PublicKey != "" {
		a.Keys = KeysGiven
	}
	for _, choice := range []struct {
		of *string
		is string
	}{
		{&a.Keys, KeysAgent}, {&a.Backup, BackupAMI}, {&a.Verify, VerifyAuto},
		{&a.Subnet, SubnetAuto}, {&a.Profile, policy.DefaultRole},
	} {
		if *choice.of == "" {
			*choice.of = choice.is
		}
	}
	return a
}

// on is the ask for an instance of a platform: on Windows no key is made, and no
// login proves anything.
func (a Ask) on(platform string) Ask {
	if platform != Windows {
		return a
	}
	if a.Keys == KeysAgent || a.Keys == "" {
		a.Keys = KeysPassword
	}
	if a.Verify == VerifyAuto || a.Verify == "" {
		a.Verify = VerifyNever
	}
	return a
}

// The waits that EC2 usually imposes between the stop and the start of a Linux
// instance. They are observed, not promised: an estimate.
const (
	usualStop   = 40 * time.Second // 20 to 60 s for a Linux guest
	usualBackup = 5 * time.Second  // until the point in time is fixed
	usualMove   = 5 * time.Second  // each attachment or detachment: 2 to 10 s
	usualRescue = 10 * time.Second
	usualStart  = 20 * time.Second // 10 to 30 s until it runs
)

// usualWindowsStop is what Windows takes, with its services and updates.
const usualWindowsStop = 2 * time.Minute

// downtime estimates how long the instance does not run because of the rescue.
func downtime(was *Original, ask Ask) time.Duration {
	if was.Instance.State != Running && was.Instance.State != Pending {
		return 0
	}
	d := usualStop + 4*usualMove + usualRescue + usualStart
	if ask.Backup != BackupNone {
		d += usualBackup
	}
	if was.Instance.Platform == Windows {
		d += usualWindowsStop - usualStop
		if ask.enables() {
			d += usualBackup
		}
	}
	return d
}

// steps are the plan in words, in order.
func (p Plan) steps() []string {
	var steps []string
	say := func(so bool, format string, args ...any) {
		if so {
			steps = append(steps, fmt.Sprintf(format, args...))
		}
	}
	i, root := p.Original.Instance, p.Original.Root
	runs := i.State == Running || i.State == Pending
	standby := p.Original.Group != nil && p.Original.Group.Lifecycle == "InService" && runs
	protected := p.Original.Attributes.StopProtection && runs

	say(true, "lock: tag %s and %s with the run, so that no other begins and any machine can finish it", i.ID, root.Volume)
	say(p.Place.New, "network: make a temporary VPC in %s (%s)", p.Place.Zone, p.Place.Why)
	say(!p.Ask.Installed, "deliver: put the agent into bucket %s", deliveryBucket(p.Ask, p.Caller))
	say(true, "helper: launch a helper (%s, %s) in %s", orUnknown(p.Place.Type), orUnknown(p.Place.AMI), p.Place.where())
	say(true, "prepare, arm: have the agent wait there for volume %s", root.Volume)
	say(standby, "standby: take %s out of service in the group %s", i.ID, groupName(p.Original.Group))
	say(protected, "unprotect: lift the stop protection of %s", i.ID)
	say(runs, "stop: stop %s", i.ID)
	say(p.Ask.Backup == BackupAMI, "backup: make an AMI of %s, without waiting for its completion", i.ID)
	say(p.Ask.Backup == BackupSnapshot, "backup: make a snapshot of %s, without waiting for its completion", root.Volume)
	say(true, "detach, attach: move %s from %s to the helper, as %s", root.Volume, root.Name, p.Place.Device)
	say(true, "rescue: %s", p.Ask.repairs(i))
	say(true, "home: move %s back to %s, DeleteOnTermination %s", root.Volume, root.Name, onOff(root.DeleteOnTermination))
	say(i.Platform == Windows && p.Ask.enables(), "home: make a password-enabled AMI of %s, by which a new instance gets its own password, without waiting for its completion", i.ID)
	say(runs, "home: start %s", i.ID)
	say(!runs, "home: leave %s stopped, as it was", i.ID)
	say(protected, "home: put the stop protection back")
	say(runs && p.Ask.Verify != VerifyNever, "home: log in with the new key%s", p.Ask.ifPath())
	say(standby, "home: put %s back in service", i.ID)
	say(true, "home: remove the helper and all else that was made for it, look again, and compare")
	return steps
}

func (p Place) where() string {
	if p.New {
		return "the temporary VPC"
	}
	if p.Subnet == "" {
		return "no subnet yet"
	}
	return p.Subnet + " (" + p.Why + ")"
}

// repairs tells what the agent does.
func (a Ask) repairs(i Instance) string {
	instance := i.ID
	switch {
	case i.Platform == Windows && a.PublicKey != "":
		return "put a start-up script there that makes a new administrator password, encrypted to your public key, and removes itself"
	case i.Platform == Windows:
		return "have its launch agent make a new administrator password at the next start, encrypted to the key pair " + i.KeyName
	}
	const repair = "repair what locks out, "
	switch a.Keys {
	case KeysGiven:
		return repair + "and let your public key in"
	case KeysController:
		return repair + "and let a new key in, made here; its private half goes to " + parameterName(instance)
	}
	return repair + "and let a new key in, made on the helper; its private half goes to " + parameterName(instance)
}

func (a Ask) ifPath() string {
	if a.Verify == VerifyAuto {
		return ", if there is a way to it from here"
	}
	return ""
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
