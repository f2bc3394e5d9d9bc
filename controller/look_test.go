package controller

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestLook(t *testing.T) {
	c := quiet()
	secondVolume(Volume{ID: "vol-2"})(c, nil)
	inGroup(Group{Lifecycle: "InService"})(c, nil)
	c.change(func(i *Instance) {
		i.Type = "m5d.large"
		i.Devices = slices.Insert(i.Devices, 0, Device{Name: "/dev/sdb"}) // being attached
	})
	o, err := look(t.Context(), c, patientID)
	if err != nil {
		t.Fatal(err)
	}
	if o.Root.Volume != rootVol || !o.Root.DeleteOnTermination || o.Volume.ID != rootVol || len(o.Others) != 1 || o.Others[0].ID != "vol-2" ||
		o.Attributes.Shutdown != "stop" || o.Group.Name != "workers" || !o.InstanceStore || o.Instance.KeyName != "lost" {
		t.Errorf("got %+v", o)
	}
	if len(c.asked) != 5 {
		t.Errorf("a look takes the calls %q", c.asked)
	}
}

// What is terminated has no attributes to ask for.
func TestLookAtTheTerminated(t *testing.T) {
	c := quiet()
	inState(Terminated)(c, nil)
	o, err := look(t.Context(), c, patientID)
	if err != nil || o.Instance.State != Terminated || !slices.Equal(c.asked, []string{"Instances"}) {
		t.Errorf("got %+v, %v after %q", o, err, c.asked)
	}
}

func TestLookFails(t *testing.T) {
	var missing *MissingError
	if _, err := look(t.Context(), quiet(), "i-00000000"); !errors.As(err, &missing) || missing.Instance != "i-00000000" || !strings.Contains(err.Error(), "i-00000000") {
		t.Errorf("got %v", err)
	}
	var wrong *IDError
	c := quiet()
	if _, err := look(t.Context(), c, "vol-1"); !errors.As(err, &wrong) || len(c.asked) != 0 {
		t.Errorf("got %v after %q", err, c.asked)
	}
	for _, method := range []string{"Instances", "Volumes", "Attributes", "InstanceType", "Group"} {
		c := quiet()
		c.fails[method] = denial("ec2:" + method)
		_, err := look(t.Context(), c, patientID)
		if !is(err, Denied) || !strings.HasPrefix(err.Error(), "cannot look at instance "+patientID+": ec2:"+method) {
			t.Errorf("%s: got %v", method, err)
		}
	}
}

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*Original)
		want string // a beginning; empty: no difference
	}{
		"nothing":     {func(*Original) {}, ""},
		"state":       {func(o *Original) { o.Instance.State = Stopped }, "the state was running and is stopped"},
		"root volume": {func(o *Original) { o.Root.Volume = "vol-9" }, "the root volume was " + rootVol + " and is vol-9"},
		"root gone":   {func(o *Original) { o.Root = Device{} }, "the root volume was " + rootVol + " and is none"},
		"root device": {func(o *Original) { o.Instance.RootDevice = "/dev/sda1" }, "the root device was /dev/xvda and is /dev/sda1"},
		"device gone": {func(o *Original) { o.Instance.Devices = o.Instance.Devices[1:] }, "the volume at /dev/xvda was " + rootVol + " and is none"},
		"DeleteOnTermination": {
			func(o *Original) { o.Instance.Devices[0].DeleteOnTermination = false }, "DeleteOnTermination of /dev/xvda was on and is off",
		},
		"another device": {
			func(o *Original) {
				o.Instance.Devices = append(o.Instance.Devices, Device{Name: "/dev/sdg", Volume: "vol-9"})
			},
			"the volume at /dev/sdg was none and is vol-9",
		},
		"stop protection":        {func(o *Original) { o.Attributes.StopProtection = false }, "stop protection was on and is off"},
		"termination protection": {func(o *Original) { o.Attributes.TerminationProtection = true }, "termination protection was off and is on"},
		"shutdown":               {func(o *Original) { o.Attributes.Shutdown = "terminate" }, "the shutdown behaviour was stop and is terminate"},
		"private address":        {func(o *Original) { o.Instance.PrivateIP = "10.0.0.8" }, "the private address was 10.0.0.7"},
		"public address":         {func(o *Original) { o.Instance.PublicIP = "203.0.113.9" }, ""},
		"Elastic IP":             {func(o *Original) { o.Instance.PublicIP, o.Instance.Elastic = "203.0.113.9", true }, "the Elastic IP was none and is 203.0.113.9"},
		"key name":               {func(o *Original) { o.Instance.KeyName = "" }, "the key name was lost and is none"},
		"profile":                {func(o *Original) { o.Instance.Profile = "arn:p" }, "the instance profile was none and is arn:p"},
		"group":                  {func(o *Original) { o.Group = nil }, "the Auto Scaling group was workers and is none"},
		"lifecycle":              {func(o *Original) { o.Group.Lifecycle = "Standby" }, "the lifecycle state in workers was InService and is Standby"},
		"tag gone":               {func(o *Original) { delete(o.Instance.Tags, "Name") }, `the tag "Name" of the instance was "web-1" and is none`},
		"tag empty":              {func(o *Original) { o.Instance.Tags["Name"] = "" }, `the tag "Name" of the instance was "web-1" and is ""`},
		"tag new":                {func(o *Original) { o.Volume.Tags = map[string]string{"x": ""} }, `the tag "x" of the root volume was none and is ""`},
		"our tags":               {func(o *Original) { o.Instance.Tags[TagRun], o.Volume.Tags = "R", map[string]string{TagKept: "R"} }, ""},
		"tags of AWS":            {func(o *Original) { o.Instance.Tags["aws:x"] = "y" }, ""},
		"tags of AWS and others": {
			func(o *Original) { o.Instance.Tags["aws:x"], o.Instance.Tags["zone"] = "y", "a" }, `the tag "zone" of the instance was none and is "a"`,
		},
		"order": {func(o *Original) { slices.Reverse(o.Instance.Devices) }, ""},
	} {
		was, is := homely(t), homely(t)
		test.edit(is)
		got := compare(was, is)
		if len(got) > 1 || len(got) == 1 != (test.want != "") || strings.Join(got, "") != test.want && !strings.HasPrefix(strings.Join(got, ""), test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		if back := compare(is, was); len(back) != len(got) {
			t.Errorf("%s: one way %q, the other %q", name, got, back)
		}
	}
}

// homely is an instance that has something of everything.
func homely(t *testing.T) *Original {
	t.Helper()
	c := quiet()
	c.attributes.StopProtection = true
	secondVolume(Volume{ID: "vol-2"})(c, nil)
	inGroup(Group{Lifecycle: "InService"})(c, nil)
	o, err := look(t.Context(), c, patientID)
	if err != nil {
		t.Fatal(err)
	}
	o.Instance.Tags = maps.Clone(o.Instance.Tags)
	return o
}
