package controller_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/flow"
	"github.com/seed-77750964/regain/controller/sim"
)

type steps = []flow.Step[controller.Rescue]

var stepNames = []string{
	"look", "preflight", "lock", "network", "deliver", "helper", "prepare", "arm", "keep", "standby", "verify", "unprotect", "stop", "enable", "backup", "detach", "attach", "rescue",
}

func step(all steps, name string) *flow.Step[controller.Rescue] {
	return &all[slices.IndexFunc(all, func(s flow.Step[controller.Rescue]) bool { return s.Name == name })]
}

type undo = func(context.Context, *controller.Rescue) (flow.Wait, error)

func skipped(context.Context, *controller.Rescue) (flow.Wait, error) { return flow.Wait{}, nil }

// without is the defect of a step that takes nothing back.
func without(name string) func(*story, steps) {
	return func(_ *story, all steps) { step(all, name).Undo = skipped }
}

// every wraps all Undos.
func every(all steps, wrap func(undo) undo) {
	for i := range all {
		if all[i].Undo != nil {
			all[i].Undo = wrap(all[i].Undo)
		}
	}
}

// A mutant is a defect of the undo code. docs/crash-proof.md lists them.
type mutant struct {
	name     string
	scenario string // in which it shows
	plant    func(*story, steps)
}

var mutants = []mutant{
	{"the instance is not started", "plain", without("stop")},
	{"the volume is not attached again", "plain", without("detach")},
	{"the volume stays on the helper", "plain", without("attach")},
	{"the agent's work is not taken back", "plain", func(_ *story, all steps) {
		for _, name := range []string{"rescue", "attach"} {
			undo := step(all, name).Undo
			step(all, name).Undo = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
				r.Calm = true
				return undo(ctx, r)
			}
		}
	}},
	{"DeleteOnTermination is forgotten", "plain", attachedAt("", false)},
	{"the volume comes home under another name", "plain", attachedAt("/dev/sdf", true)},
	{"attaching does not converge", "plain", func(s *story, all steps) {
		step(all, "detach").Undo = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
			root := r.Original.Root
			if err := s.cloud.Attach(ctx, root.Volume, s.patient, root.Name); err != nil {
				return flow.Wait{}, err
			}
			return flow.Wait{}, s.cloud.SetDeleteOnTermination(ctx, s.patient, root.Name, root.DeleteOnTermination)
		}
	}},
	{"the helper is terminated by its stored id only", "plain", func(s *story, all steps) {
		step(all, "helper").Undo = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
			if r.Helper == "" {
				return flow.Wait{}, nil
			}
			return flow.Wait{}, s.cloud.Terminate(ctx, r.Helper)
		}
	}},
	{"the lock stays", "plain", without("lock")},
	{"the object stays", "plain", without("deliver")},
	{"the temporary network stays", "new VPC", without("network")},
	{"the network is removed by stored ids only", "new VPC", func(s *story, all steps) {
		step(all, "network").Undo = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
			for _, p := range slices.Backward(r.Network) {
				if err := s.cloud.DeletePart(ctx, p); err != nil {
					return flow.Wait{}, err
				}
			}
			return flow.Wait{}, nil
		}
	}},
	{"stop protection is not put back", "protected, in a group", without("unprotect")},
	{"the instance stays in standby", "protected, in a group", without("standby")},
	{"an untouched backup stays", "plain", func(_ *story, all steps) {
		step(all, "keep").Undo = skipped
	}},
	{"the backup is not kept", "plain", func(s *story, all steps) {
		undo := step(all, "keep").Undo
		step(all, "keep").Undo = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
			r.Exposed = false
			return undo(ctx, r)
		}
	}},
	{"a failed undo is passed over", "plain", func(_ *story, all steps) {
		every(all, func(undo undo) undo {
			return func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
				if wait, err := undo(ctx, r); err == nil {
					return wait, nil
				}
				return flow.Wait{}, nil
			}
		})
	}},
	{"undo ends with the interrupted context", "plain", func(s *story, all steps) {
		every(all, func(undo undo) undo {
			return func(_ context.Context, r *controller.Rescue) (flow.Wait, error) { return undo(s.ctx, r) }
		})
	}},
	{"the start comes before the volume", "plain", func(_ *story, all steps) {
		a, b := step(all, "stop"), step(all, "detach")
		a.Undo, b.Undo = b.Undo, a.Undo
	}},
	{"the helper goes before the volume has left it", "plain", func(_ *story, all steps) {
		a, b := step(all, "helper"), step(all, "attach")
		a.Undo, b.Undo = b.Undo, a.Undo
	}},
	{"nothing is put back after success", "plain", func(_ *story, all steps) {
		every(all, func(undo undo) undo {
			return func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
				if r.Result != nil && r.Result.Good {
					return flow.Wait{}, nil
				}
				return undo(ctx, r)
			}
		})
	}},
	{"the tags do not tell of the way home", "plain, elsewhere", func(_ *story, all steps) {
		every(all, func(undo undo) undo {
			return func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
				r.Homing = true
				return undo(ctx, r)
			}
		})
	}},
	{"success is not judged", "agent refuses", func(_ *story, all steps) {
		do := step(all, "rescue").Do
		step(all, "rescue").Do = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
			wait, err := do(ctx, r)
			if r.Result != nil {
				r.Result.Good = true
				return flow.Wait{}, nil
			}
			return wait, err
		}
	}},
}

// attachedAt is the defect of a volume that comes home wrongly.
func attachedAt(device string, flag bool) func(*story, steps) {
	return func(s *story, all steps) {
		step(all, "detach").Undo = func(ctx context.Context, r *controller.Rescue) (flow.Wait, error) {
			root := r.Original.Root
			if device != "" {
				root.Name = device
			}
			found, err := s.cloud.Volumes(ctx, root.Volume)
			if err != nil {
				return flow.Wait{}, err
			}
			if len(found[0].Attachments) == 0 {
				if err := s.cloud.Attach(ctx, root.Volume, s.patient, root.Name); err != nil {
					return flow.Wait{}, err
				}
			}
			if flag {
				return flow.Wait{}, s.cloud.SetDeleteOnTermination(ctx, s.patient, root.Name, root.DeleteOnTermination)
			}
			return flow.Wait{}, nil
		}
	}
}

// TestMutants plants each defect, and sees that the invariants notice. It tells
// how many faults it took.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, m.isCaught)
	}
}

func (m mutant) isCaught(t *testing.T) {
	t.Parallel()
	all := scenarios()
	sc := all[slices.IndexFunc(all, func(sc scenario) bool { return sc.name == m.scenario })]
	sc.mutant = m.plant
	if runs, faults := hunt(sc); faults < 0 {
		t.Errorf("not caught in %d runs", runs)
	} else {
		t.Logf("caught after %d runs, with faults: %d", runs, faults)
	}
}

// hunt plays a scenario with no fault, one, and two, until an invariant breaks.
func hunt(sc scenario) (runs, faults int) {
	undisturbed := sc.play()
	runs = 1
	if len(undisturbed.problems) > 0 {
		return runs, 0
	}
	var singles []blow
	for n := range undisturbed.cloud.Calls() {
		for _, f := range sim.Faults() {
			singles = append(singles, blow{n + 1, f})
		}
	}
	for _, b := range singles {
		if runs++; len(sc.play(b).problems) > 0 {
			return runs, 1
		}
	}
	for i, a := range singles {
		for _, b := range singles[i:] {
			if b.call > a.call && (i+b.call)%7 == 0 {
				if runs++; len(sc.play(a, b).problems) > 0 {
					return runs, 2
				}
			}
		}
	}
	return runs, -1
}

// TestMutantsAreListed keeps docs/crash-proof.md true.
func TestMutantsAreListed(t *testing.T) {
	text, err := os.ReadFile("../docs/crash-proof.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		if !strings.Contains(string(text), m.name) {
			t.Errorf("docs/crash-proof.md does not list %q", m.name)
		}
	}
}
