package regain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/controller/pace"
	"github.com/seed-77750964/regain/controller/sim"
	lab "github.com/seed-77750964/regain/lab/rules"
)

// TestDelaysAgree holds the cloud in memory to the lab's rule table: neither may
// import the other, and what is measured in one must mean something in the other.
func TestDelaysAgree(t *testing.T) {
	d := sim.RealDelays()
	for id, got := range map[string]time.Duration{
		"ec2.instance.pending": d.Pending, "ec2.instance.stopping": d.Stopping, "ec2.instance.stopping-force": d.ForcedStop,
		"ec2.instance.shutting-down": d.ShuttingDown, "ec2.instance.terminated": d.Terminated,
		"ec2.volume.attaching": d.Attaching, "ec2.volume.detaching": d.Detaching,
		"ec2.snapshot.pending": d.Snapshot, "ec2.image.pending": d.Image,
		"ssm.node.registration": d.Register, "ssm.command.delivery": d.Deliver, "consistency.ssm.invocation": d.Invoked,
		"autoscaling.entering-standby": d.Standby, "autoscaling.pending": d.Service, "autoscaling.health": d.Health,
		"consistency.ec2.create": d.Unknown,
	} {
		if want := lab.DelayOf(id); got != want {
			t.Errorf("%s is %s in the lab, %s in memory", id, want, got)
		}
	}
	if want := lab.LimitOf("consistency.ec2.describes"); d.Misses != want {
		t.Errorf("%d describes miss what is new in the lab, %d in memory", want, d.Misses)
	}
}

// TestBucketsAgree holds both the cloud in memory and the governor to the token
// buckets of the lab, for all that a rescue calls.
func TestBucketsAgree(t *testing.T) {
	for _, action := range strings.Fields(`
		ec2:RunInstances ec2:StartInstances ec2:StopInstances ec2:TerminateInstances ec2:AttachVolume ec2:DetachVolume
		ec2:CreateTags ec2:DeleteTags ec2:CreateImage ec2:CreateSnapshot ec2:DeregisterImage ec2:DeleteSnapshot
		ec2:ModifyInstanceAttribute ec2:CreateVpc ec2:DeleteVpc ec2:CreateSubnet ec2:CreateSecurityGroup
		ec2:DescribeInstances ec2:DescribeVolumes ec2:DescribeInstanceAttribute ec2:DescribeSubnets ec2:DescribeImages
		ssm:SendCommand ssm:GetCommandInvocation ssm:DescribeInstanceInformation ssm:ListCommands
		ssm:GetParameter ssm:GetParameters ssm:PutParameter
		sts:GetCallerIdentity iam:GetInstanceProfile kms:DescribeKey`) {
		service, verb, _ := strings.Cut(action, ":")
		rule, limited := lab.RequestBucket(service, verb, true)
		want, _ := rule.Value.(lab.Bucket)
		if size, refill, ok := sim.Rate(action); ok != limited || size != want.Size || refill != want.Refill {
			t.Errorf("%s: %v in the lab, %v/%v in memory", action, want, size, refill)
		}
		if b, ok := pace.Requests(action); ok != limited || b.Size != want.Size || b.Refill != want.Refill {
			t.Errorf("%s: %v in the lab, %v for the governor", action, want, b)
		}
		rule, limited = lab.ResourceBucket(service, verb)
		want, _ = rule.Value.(lab.Bucket)
		if b, ok := pace.Resources(action); ok != limited || b.Size != want.Size || b.Refill != want.Refill {
			t.Errorf("%s, for each instance: %v in the lab, %v for the governor", action, want, b)
		}
	}
}
