package bench

import (
	"context"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/sim"
)

// runbookPoll is how often the runbook's steps look: Systems Manager Automation
// documents no interval for its own waits; this is the shortest delay of the
// SDK's waiters (EC2, InstanceStoppedWaiter and VolumeAvailableWaiter: 15 s).
const runbookPoll = 15 * time.Second

// runbook goes through the published steps of AWSSupport-StartEC2RescueWorkflow,
// as AWSSupport-ResetAccess calls it (with an image before), from the stop of the
// instance to its start. The helper is up before; the agent's installation, its
// run and the helper's stop are not. The image is not waited for, although
// aws:createImage does, and neither is the image after: what is counted is the
// order of the steps, and not the size of a disk.
type runbook struct {
	cloud *sim.Cloud
	clock *sim.Clock
	b     *testing.B
}

func runbookDowntime(b *testing.B) time.Duration {
	b.Helper()
	a := newAccount(b, 2, false)
	r := &runbook{cloud: a.cloud, clock: a.clock, b: b}
	ctx := context.Background()
	patient, helper := a.patients[0], a.patients[1]
	found, err := r.cloud.Instances(ctx, patient)
	r.must(err)
	root := found[0].Devices[0]

	r.must(r.cloud.Stop(ctx, false, patient)) // step 11
	r.untilInstance(ctx, patient, controller.Stopped)
	r.must(r.cloud.Stop(ctx, false, patient)) // 12, and 13 by force: it is stopped already
	_, err = r.cloud.BackUpImage(ctx, patient, "runbook", "", nil)
	r.must(err) // 14
	r.clock.Pass(delays().Mapping)
	r.command(delays().Deliver + delays().Prepare) // 15: install EC2Rescue
	r.must(r.cloud.Detach(ctx, root.Volume, patient))
	r.untilVolume(ctx, root.Volume, "available") // 16
	r.must(r.cloud.Attach(ctx, root.Volume, helper, "/dev/sdf"))
	r.clock.Pass(10 * time.Second) // 17: aws:sleep, then the script
	r.command(delays().Deliver + delays().Rescue)
	r.must(r.cloud.Stop(ctx, false, helper)) // 18, 19
	r.untilInstance(ctx, helper, controller.Stopped)
	r.must(r.cloud.Detach(ctx, root.Volume, helper))
	r.untilVolume(ctx, root.Volume, "available") // 20
	r.must(r.cloud.Attach(ctx, root.Volume, patient, root.Name))
	r.untilVolume(ctx, root.Volume, "in-use") // 21
	r.clock.Pass(delays().Attaching)
	r.must(r.cloud.SetDeleteOnTermination(ctx, patient, root.Name, root.DeleteOnTermination)) // 23
	r.must(r.cloud.Start(ctx, patient))                                                       // 24
	r.untilInstance(ctx, patient, controller.Running)
	return r.cloud.Downtime(patient)
}

func (r *runbook) must(err error) {
	r.b.Helper()
	if err != nil {
		r.b.Fatal(err)
	}
}

// command is a Run Command, looked at like all else.
func (r *runbook) command(took time.Duration) {
	r.clock.Pass((took + runbookPoll - 1).Truncate(runbookPoll))
}

func (r *runbook) untilInstance(ctx context.Context, id, state string) {
	for {
		found, err := r.cloud.Instances(ctx, id)
		r.must(err)
		if found[0].State == state {
			return
		}
		r.clock.Pass(runbookPoll)
	}
}

func (r *runbook) untilVolume(ctx context.Context, id, state string) {
	for {
		found, err := r.cloud.Volumes(ctx, id)
		r.must(err)
		if found[0].State == state {
			return
		}
		r.clock.Pass(runbookPoll)
	}
}
