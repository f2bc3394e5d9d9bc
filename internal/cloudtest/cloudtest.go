// Package cloudtest holds the rules that every controller.Cloud keeps: what a
// rescue relies on, and what an API must refuse it. The cloud in memory is held
// to them, and the adapters over a wire.
//
// A rule asks the interface and nothing else; it knows no service.
package cloudtest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// World is an account for one rule.
type World struct {
	Cloud   controller.Cloud
	Patient string // an instance that has been running for long, with a root volume on EBS and a tag Name
	Type    string // of helpers
	Image   string // for them
	Subnet  string // in the patient's zone
	Profile string // of helpers
	Bucket  string
	// Pass lets time pass, real or not.
	Pass func(time.Duration)
}

// T is a test as rules see it.
type T interface {
	Context() context.Context
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// TB is a T that has parts; *testing.T is one.
type TB[P any] interface {
	T
	Run(name string, part func(P)) bool
}

// Run holds a cloud to all rules but the excepted, each in a world of its own.
func Run[P TB[P]](t P, open func(P) World, except ...string) {
	for _, r := range rules {
		if !slices.Contains(except, r.name) {
			t.Run(r.name, func(t P) { r.check(&bed{T: t, World: open(t)}) })
		}
	}
}

// rule is one thing to rely on.
type rule struct {
	name  string
	check func(*bed)
}

// rules are all of them.
var rules = []rule{
	{"look", look},
	{"nothing is asked of nothing", nothing},
	{"stop and start", stopAndStart},
	{"stop protection", stopProtection},
	{"a root stays while its instance runs", rootStays},
	{"a volume has one place", onePlace},
	{"the swap and back", swap},
	{"a device name has one volume", oneDevice},
	{"tags", tags},
	{"a launch has one token", launch},
	{"a helper ends", helperEnds},
	{"backup by image", backUpImage},
	{"backup by snapshot", backUpSnapshot},
	{"secrets", secrets},
	{"deliveries", deliveries},
	{"a network of its own", network},
	{"commands that are not", noCommands},
	{"what is not there", notThere},
	{"passwords", passwords},
	{"who asks", caller},
	{"no group", noGroup},
}

// bed is the world of a rule, with what rules often do.
type bed struct {
	T
	World
}

// must ends the rule at an error.
func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatalf("%v", err)
	}
}

// gone wants no failure, or that what was to be removed is not there any more: a
// policy that goes by tags denies what has none.
func (b *bed) gone(err error) {
	b.Helper()
	var failed *controller.CloudError
	if err != nil && (!errors.As(err, &failed) || failed.Kind != controller.NotFound && failed.Kind != controller.Denied) {
		b.Errorf("removed again: %v", err)
	}
}

// refused wants an error of a kind.
func (b *bed) refused(err error, want controller.Kind) {
	b.Helper()
	var failed *controller.CloudError
	switch {
	case !errors.As(err, &failed):
		b.Errorf("got %v, want a refusal of kind %s", err, want)
	case failed.Kind != want:
		b.Errorf("got %v of kind %s, want %s", failed, failed.Kind, want)
	case failed.Action == "" || failed.Code == "":
		b.Errorf("a refusal without action or code: %+v", failed)
	}
}

// until looks again and again, for up to ten minutes of the world's time.
func (b *bed) until(what string, seen func() bool) {
	b.Helper()
	for range 600 {
		if seen() {
			return
		}
		b.Pass(time.Second)
	}
	b.Fatalf("not within ten minutes: %s", what)
}

func (b *bed) instance(id string) (controller.Instance, bool) {
	b.Helper()
	found, err := b.Cloud.Instances(b.Context(), id)
	b.must(err)
	if len(found) == 0 {
		return controller.Instance{}, false
	}
	return found[0], true
}

func (b *bed) patient() controller.Instance {
	b.Helper()
	i, ok := b.instance(b.Patient)
	if !ok {
		b.Fatalf("the patient is not there")
	}
	return i
}

func (b *bed) volume(id string) controller.Volume {
	b.Helper()
	found, err := b.Cloud.Volumes(b.Context(), id)
	b.must(err)
	if len(found) != 1 {
		b.Fatalf("%d volumes are called %s", len(found), id)
	}
	return found[0]
}

func (b *bed) untilState(id, state string) {
	b.Helper()
	b.until(id+" is "+state, func() bool { i, ok := b.instance(id); return ok && i.State == state })
}

// root is the patient's root device.
func (b *bed) root() controller.Device {
	b.Helper()
	i := b.patient()
	for _, d := range i.Devices {
		if d.Name == i.RootDevice {
			return d
		}
	}
	b.Fatalf("no root among %+v", i.Devices)
	return controller.Device{}
}

// stopped is the patient's root device, once the patient has been stopped.
func (b *bed) stopped() controller.Device {
	b.Helper()
	root := b.root()
	b.must(b.Cloud.Stop(b.Context(), false, b.Patient))
	b.untilState(b.Patient, controller.Stopped)
	return root
}

// helper launches one and waits until it runs.
func (b *bed) helper() string {
	b.Helper()
	id, err := b.Cloud.Launch(b.Context(), b.launch("token-1"))
	b.must(err)
	b.untilState(id, controller.Running)
	return id
}

func (b *bed) launch(token string) controller.Launch {
	return controller.Launch{
		Token: token, Image: b.Image, Type: b.Type, Subnet: b.Subnet, PublicIP: true, Profile: b.Profile,
		Tags: map[string]string{controller.TagRun: "R", controller.TagRole: "helper"},
	}
}
