package controller_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
	"github.com/seed-77750964/regain/offline"
)

// windowsScenarios are rescues of Windows instances that are struck.
func windowsScenarios() []scenario {
	stopped, dies, refuses := windowsPatient(), windowsPatient(), windowsPatient()
	stopped.Instance.State = controller.Stopped
	dies.AgentDies = 1
	refuses.Refusal = &offline.Problem{Code: "arming-refused", Message: "no launch agent can set a password"}
	var all []scenario
	for _, sc := range []scenario{
		{name: "Windows", patient: windowsPatient()},
		{name: "Windows, slow", patient: windowsPatient(), delays: sim.RealDelays()},
		{name: "Windows, stopped", patient: stopped},
		{name: "Windows, agent dies", patient: dies},
		{name: "Windows, agent refuses", patient: refuses},
		{name: "Windows, rolled back", patient: windowsPatient(), back: true},
	} {
		all = append(all, sc)
		sc.name, sc.elsewhere = sc.name+", elsewhere", true
		all = append(all, sc)
	}
	// A public RSA key does not fit into the tags: elsewhere it is asked for again.
	return append(all, scenario{name: "Windows, script", patient: windowsPatient(), ask: controller.Ask{PublicKey: rsaLine()}})
}

// passwords sees, of a Windows instance, that a run that was taken back makes no
// password, that one that succeeded makes the one that was asked for, and that the
// images hold what they are called.
func (s *story) passwords(o controller.Outcome) {
	if s.before.Instances[s.patient].Platform != controller.Windows || o.State == forgotten {
		return
	}
	s.images(o)
	s.clock.Pass(10 * time.Minute)
	s.cloud.Strike(nil, nil)
	is := s.cloud.Snapshot()
	runs := is.Instances[s.patient].State == controller.Running
	data, err := s.cloud.PasswordData(context.WithoutCancel(s.ctx), s.patient)
	if err != nil {
		s.problem("the password cannot be asked for: %v", err)
		return
	}
	rescued, script := o.State == controller.StateRescued, o.Rescue.Ask.PublicKey != ""
	if told := len(data.Cipher) > 0; told != (rescued && runs && !script) && !s.warned(o) {
		s.problem("it is %s, and a password was told: %v", o.State, told)
	}
	for id, files := range is.Files {
		if armed := files["armed"] != ""; armed != (rescued && !runs) && !s.warned(o) {
			s.problem("it is %s, and %s is armed: %v", o.State, id, armed)
		}
	}
}

// images are the backup, which is of a volume that nobody had written to, and the
// password-enabled image, made while the instance was down.
func (s *story) images(o controller.Outcome) {
	r, named := o.Rescue, map[string]int{}
	for id, b := range s.cloud.Snapshot().Backups {
		name := b.Tags["Name"]
		files, still := s.cloud.Held(id)
		if len(files) == 0 {
			continue // a snapshot, or an image that is not mapped yet
		}
		named[name]++
		switch before := s.before.Files[r.Original.Root.Volume]; name {
		case controller.BackupName(s.patient):
			if !maps.Equal(files, before) {
				s.problem("the backup holds %q, and the volume held %q", files, before)
			}
		case controller.EnabledName(s.patient):
			if !still || files["armed"] != "agent" {
				s.problem("the password-enabled image is of %q, its instance being down: %v", files, still)
			}
		}
	}
	wants := o.State == controller.StateRescued && r.Ask.PublicKey == "" && !r.NotEnabled
	if n := named[controller.EnabledName(s.patient)]; n > 1 || (n == 1) != wants {
		s.problem("it is %s, and there are %d password-enabled images, given up: %v", o.State, n, r.NotEnabled)
	}
}

// TestWindowsMutants plants defects that only a Windows rescue shows.
func TestWindowsMutants(t *testing.T) {
	swap := func(one, other string) func(*story, steps) {
		return func(_ *story, all steps) {
			a, b := step(all, one), step(all, other)
			a.Undo, b.Undo = b.Undo, a.Undo
		}
	}
	for name, m := range map[string]mutant{
		"the image is made after the start":  {scenario: "Windows, slow", plant: swap("enable", "stop")},
		"the image is not made":              {scenario: "Windows", plant: without("enable")},
		"the images are not settled":         {scenario: "Windows", plant: without("keep")},
		"the agent's work is not taken back": {scenario: "Windows", plant: mutants[slices.IndexFunc(mutants, func(m mutant) bool { return m.name == "the agent's work is not taken back" })].plant},
		"success is not judged":              {scenario: "Windows, agent refuses", plant: mutants[slices.IndexFunc(mutants, func(m mutant) bool { return m.name == "success is not judged" })].plant},
	} {
		t.Run(name, m.isCaught)
	}
}
