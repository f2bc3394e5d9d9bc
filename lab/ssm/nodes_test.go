package ssm_test

import (
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/ssm"
)

// ping is the state of the helper's agent; empty when it is not listed.
func (w *world) ping(s *ssm.SSM) string {
	w.t.Helper()
	list := items(w.must(s, "DescribeInstanceInformation", object{
		"Filters": []object{{"Key": "InstanceIds", "Values": []string{helper}}},
	})["InstanceInformationList"])
	if len(list) == 0 {
		return ""
	}
	return list[0]["PingStatus"].(string)
}

// TestRegistration follows an agent from its machine's first boot to its end.
func TestRegistration(t *testing.T) {
	w := newWorld(t)
	w.instance(helper, func(i *ssm.Instance) { i.Up = time.Time{} })
	s := w.open()
	see := func(when, want string) {
		t.Helper()
		if got := w.ping(s); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
		w.must(s, "DescribeParameters", object{}) // any other call changes nothing
	}
	boot := func() {
		now := w.clock()
		w.instance(helper, func(i *ssm.Instance) { i.Up = now })
	}
	see("before the boot", "")
	boot()
	see("at boot", "")
	w.pass(30 * time.Second)
	see("30 s later", "Online")
	w.pass(time.Hour)
	see("an hour later", "Online")
	w.instance(helper, func(i *ssm.Instance) { i.Up = time.Time{} })
	see("just stopped", "Online") // until a health signal is missed
	w.pass(5 * time.Minute)
	see("stopped", "ConnectionLost")
	s = w.open()
	see("after a restart", "ConnectionLost")
	id := w.start(s, send([]string{helper}, "echo hello"))
	w.end(s)
	if got := w.invocation(s, id); got["Status"] != "Pending" {
		t.Errorf("a stopped node got a command: %v", got)
	}
	boot()
	w.pass(30 * time.Second)
	see("back", "Online")
	w.work.Wait()
	if got := w.invocation(s, id); got["Status"] != "Success" {
		t.Errorf("a command that waited for the node: %v", got)
	}
	w.instance(helper, func(i *ssm.Instance) { i.Ended = true })
	see("terminated", "")
}

func TestNeedsLeave(t *testing.T) {
	for name, tt := range map[string]struct {
		denied []string
		want   string
	}{
		"all allowed": {nil, "Online"},
		"no signal":   {[]string{"ssm:UpdateInstanceInformation"}, ""},
		"no messages": {[]string{"ssmmessages:OpenDataChannel", "ec2messages:GetMessages"}, ""},
		"the old way": {[]string{"ssmmessages:OpenDataChannel"}, "Online"},
		"the new way": {[]string{"ec2messages:GetMessages"}, "Online"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.denied = tt.denied
			if got := w.ping(w.open()); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestLosesLeave takes the agent's permission away while it is registered.
func TestLosesLeave(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	if got := w.ping(s); got != "Online" {
		t.Fatalf("at first: %q", got)
	}
	w.denied = []string{"ssm:UpdateInstanceInformation"}
	w.pass(6 * time.Minute)
	if got := w.ping(s); got != "ConnectionLost" {
		t.Errorf("without leave: %q", got)
	}
}

func TestDescribeNodes(t *testing.T) {
	w := newWorld(t)
	w.instances = append(w.instances, ssm.Instance{ID: second, Agent: true, Up: w.now.Add(-time.Hour), Role: "regain-helper"})
	s := w.open()
	for name, tt := range map[string]struct {
		params object
		want   int
	}{
		"all":        {object{}, 2},
		"old filter": {object{"InstanceInformationFilterList": []object{{"key": "InstanceIds", "valueSet": []string{second}}}}, 1},
		"tag":        {object{"Filters": []object{{"Key": "tag:run", "Values": []string{"r1"}}}}, 1},
		"ping":       {object{"Filters": []object{{"Key": "PingStatus", "Values": []string{"ConnectionLost"}}}}, 0},
		"page":       {object{"MaxResults": 5}, 2},
	} {
		if got := items(w.must(s, "DescribeInstanceInformation", tt.params)["InstanceInformationList"]); len(got) != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for code, params := range map[string]object{
		"InvalidInstanceInformationFilterValue": {"Filters": []object{{"Key": "Age", "Values": []string{"1"}}}},
		"ValidationException":                   {"MaxResults": 1},
	} {
		if _, got := w.call(s, "DescribeInstanceInformation", params); got != code {
			t.Errorf("got %q, want %q", got, code)
		}
	}
}
