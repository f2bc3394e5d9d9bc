package ec2

import (
	"strings"
	"testing"
	"time"
)

// TestInstanceStates goes through the states of an instance: what is asked, what
// the answer says at once, and what it is when time has gone by.
func TestInstanceStates(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	for _, step := range []struct{ action, before, at, later string }{
		{"StartInstances", running, running, running},
		{"StopInstances", running, stopping, stopped},
		{"StopInstances", stopped, stopped, stopped},
		{"StartInstances", stopped, pending, running},
		{"StopInstances", running, stopping, stopped},
		{"TerminateInstances", stopped, shuttingDown, terminated},
		{"TerminateInstances", terminated, terminated, terminated},
	} {
		x := b.do(step.action, "InstanceId.1="+id)
		b.want(step.action+": before", x.at("instancesSet/item/previousState/name"), step.before)
		b.want(step.action+": now", x.at("instancesSet/item/currentState/name"), step.at)
		b.want(step.action+": described at once", b.state(id), step.at)
		b.pass(time.Minute)
		b.want(step.action+": later", b.state(id), step.later)
		b.want("machine is on", btoa(b.host.On(id)), btoa(step.later == running))
	}
	b.pass(2 * time.Hour)
	b.fails("InvalidInstanceID.NotFound", "DescribeInstances", "InstanceId.1="+id)
}

func TestCallsInWrongStates(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true})
	b.do("StartInstances", "InstanceId.1="+id)
	b.fails("IncorrectInstanceState", "StopInstances", "InstanceId.1="+id) // pending
	b.fails("IncorrectState", "RebootInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.do("StopInstances", "InstanceId.1="+id)
	b.fails("IncorrectInstanceState", "StartInstances", "InstanceId.1="+id) // stopping
	b.pass(time.Minute)
	b.do("TerminateInstances", "InstanceId.1="+id)
	b.fails("IncorrectInstanceState", "StartInstances", "InstanceId.1="+id)
	b.fails("IncorrectInstanceState", "StopInstances", "InstanceId.1="+id)
}

// TestAllOrNothing: a call that names one bad instance changes none.
func TestAllOrNothing(t *testing.T) {
	b := newBench(t)
	a, c := b.guest(Spec{}), b.guest(Spec{NoStop: true})
	b.fails("OperationNotPermitted", "StopInstances", "InstanceId.1="+a, "InstanceId.2="+c)
	b.fails("InvalidInstanceID.NotFound", "StopInstances", "InstanceId.1="+a, "InstanceId.2=i-00000000000000000")
	b.fails("InvalidInstanceID.Malformed", "StopInstances", "InstanceId.1="+a, "InstanceId.2=nonsense")
	b.want("state", b.state(a), running)
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	for name, tt := range map[string]struct {
		spec         Spec
		action, code string
		more         []string
	}{
		"stop protection":        {Spec{NoStop: true}, "StopInstances", "OperationNotPermitted", nil},
		"termination protection": {Spec{NoTerminate: true}, "TerminateInstances", "OperationNotPermitted", nil},
		"one-time Spot":          {Spec{Spot: "terminate"}, "StopInstances", "UnsupportedOperation", nil},
		"instance-store root":    {Spec{StoreRoot: true}, "StopInstances", "UnsupportedOperation", nil},
		"managed":                {Spec{Operator: "eks.amazonaws.com"}, "StopInstances", "OperationNotPermitted", nil},
		"no hibernation":         {Spec{}, "StopInstances", "UnsupportedHibernationConfiguration", []string{"Hibernate=true"}},
		"image of store root":    {Spec{StoreRoot: true}, "CreateImage", "InvalidParameterValue", []string{"Name=image"}},
	} {
		t.Run(name, func(t *testing.T) {
			id := b.guest(tt.spec)
			param := "InstanceId.1="
			if tt.action == "CreateImage" {
				param = "InstanceId="
			}
			b.fails(tt.code, tt.action, append(tt.more, param+id)...)
			b.want("state", b.state(id), running)
		})
	}
}

// TestStopProtection is lifted and put back by ModifyInstanceAttribute.
func TestStopProtection(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{NoStop: true})
	b.want("protection", b.do("DescribeInstanceAttribute", "InstanceId="+id, "Attribute=disableApiStop").at("disableApiStop/value"), "true")
	b.do("ModifyInstanceAttribute", "InstanceId="+id, "DisableApiStop.Value=false")
	b.do("StopInstances", "InstanceId.1="+id)
	b.do("ModifyInstanceAttribute", "InstanceId="+id, "Attribute=disableApiStop", "Value=true")
	b.want("protection", b.do("DescribeInstanceAttribute", "InstanceId="+id, "Attribute=disableApiStop").at("disableApiStop/value"), "true")
	b.pass(time.Minute)
	b.want("state", b.state(id), stopped)
}

func TestSpotAndHibernation(t *testing.T) {
	b := newBench(t)
	spot, sleeper := b.guest(Spec{Spot: "stop"}), b.guest(Spec{Hibernation: true})
	b.want("lifecycle", b.instance(spot, "instanceLifecycle"), "spot")
	b.do("StopInstances", "InstanceId.1="+spot)
	b.do("StopInstances", "InstanceId.1="+sleeper, "Hibernate=true")
	b.want("reason", b.instance(sleeper, "stateReason/code"), "Client.UserInitiatedHibernate")
	b.pass(time.Minute)
	root := b.root(spot)
	b.do("DetachVolume", "VolumeId="+root)
	b.pass(time.Minute)
	b.do("StartInstances", "InstanceId.1="+spot)
	b.pass(time.Minute)
	b.want("state of a Spot instance that lost its root", b.state(spot), terminated)
}

func TestStartWithoutRoot(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true, RootDevice: "/dev/sda1"})
	root := b.root(id)
	b.do("DetachVolume", "VolumeId="+root)
	b.pass(time.Minute)
	_, err := b.call("StartInstances", "InstanceId.1="+id)
	if err == nil || !strings.Contains(err.Error(), "InvalidParameterValue") || !strings.Contains(err.Error(), "does not have a volume attached at root (/dev/sda1)") {
		t.Errorf("got %v", err)
	}
	// At another name it is not the root.
	b.do("AttachVolume", "VolumeId="+root, "InstanceId="+id, "Device=/dev/sdf")
	b.pass(time.Minute)
	b.fails("InvalidParameterValue", "StartInstances", "InstanceId.1="+id)
}

// TestBrokenRoot: the start is answered with success, and then the instance is
// stopped with a reason.
func TestBrokenRoot(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{Stopped: true, Image: b.disk("broken")})
	b.want("now", b.do("StartInstances", "InstanceId.1="+id).at("instancesSet/item/currentState/name"), pending)
	b.pass(time.Second)
	b.want("at first", b.state(id), pending)
	b.pass(time.Minute)
	b.want("later", b.state(id), stopped)
	b.want("reason", b.instance(id, "stateReason/code"), "Client.InternalError")
}

func TestDisabledKey(t *testing.T) {
	for _, boot := range []string{"sshd", "none"} {
		t.Run(boot, func(t *testing.T) {
			b := newBench(t)
			b.Boot = boot
			id := b.guest(Spec{Stopped: true, Encrypted: true, Key: key})
			b.want("key", b.volume(b.root(id), "kmsKeyId"), key)
			b.keys[key] = false
			b.do("StartInstances", "InstanceId.1="+id)
			b.want("at first", b.state(id), pending)
			b.pass(time.Minute)
			b.want("later", b.state(id), stopped)
			b.want("reason", b.instance(id, "stateReason/message"), "Client.InternalError: Client error on launch")
			b.keys[key] = true
			b.do("StartInstances", "InstanceId.1="+id)
			b.pass(time.Minute)
			b.want("with the key", b.state(id), running)
			b.want("reason", b.instance(id, "stateReason/code"), "")
		})
	}
}

// TestShutdownFromInside: the guest switches itself off.
func TestShutdownFromInside(t *testing.T) {
	for behaviour, want := range map[string]string{"stop": stopped, "terminate": terminated} {
		b := newBench(t)
		id := b.guest(Spec{Shutdown: behaviour})
		if err := b.host.Stop(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Second)
		b.want(behaviour, b.state(id), want)
		b.want("reason", b.instance(id, "stateReason/code"), "Client.InstanceInitiatedShutdown")
	}
}

func TestForcedStopIsQuick(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	b.do("StopInstances", "InstanceId.1="+id)
	b.do("StopInstances", "InstanceId.1="+id, "Force=true")
	b.pass(10 * time.Second)
	b.want("state", b.state(id), stopped)
}

func TestReboot(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	b.do("RebootInstances", "InstanceId.1="+id)
	b.pass(time.Second)
	b.want("state", b.state(id), running)
	b.want("boots", itoa(b.host.boots[id]), "2")
}

func TestLostMachine(t *testing.T) {
	b := newBench(t)
	id := b.helper()
	if err := b.Lose(id); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Hour)
	b.want("state", b.state(id), running)
	of, err := b.Instances()
	if err != nil || len(of) != 1 || !of[0].Up.IsZero() {
		t.Errorf("got %+v, %v", of, err)
	}
	b.do("StopInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.do("StartInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.want("machine is on", btoa(b.host.On(id)), "true")
}

// TestStubbornMachine: what cannot be switched off is tried again, and not at once.
func TestStubbornMachine(t *testing.T) {
	b := newBench(t)
	id := b.guest(Spec{})
	b.host.stubborn = true
	b.do("StopInstances", "InstanceId.1="+id)
	b.pass(time.Minute)
	b.want("state", b.state(id), stopping)
	b.host.stubborn = false
	b.pass(time.Minute)
	b.want("state", b.state(id), stopped)
}
