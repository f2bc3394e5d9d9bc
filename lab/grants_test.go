package lab

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/seed-77750964/regain/lab/ec2"
)

const (
	withoutGrants = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["ec2:*", "kms:CreateKey"], "Resource": "*"}}`
	grantsByEC2   = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*",
		"Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}, "StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}}}`
)

// TestCallsWithoutGrants: who may not grant EBS the use of a key is told so by an
// attachment, and by nothing else: a start succeeds, and the instance stops again.
func TestCallsWithoutGrants(t *testing.T) {
	b := serve(t, func(c *Config) { c.EnforceIAM = true })
	cloud := awsec2.NewFromConfig(b.cfg)
	b.allow(t, "all", withoutGrants)
	key, err := awskms.NewFromConfig(b.cfg).CreateKey(t.Context(), &awskms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	image := filepath.Join(t.TempDir(), "root.raw")
	if err := os.WriteFile(image, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := b.CreateInstance(t.Context(), ec2.Spec{Image: image, Stopped: true, Encrypted: true, Key: *key.KeyMetadata.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	start := func(want, reason string) {
		t.Helper()
		if _, err := cloud.StartInstances(t.Context(), &awsec2.StartInstancesInput{InstanceIds: []string{made.ID}}); err != nil {
			t.Fatalf("start: %v", err)
		}
		if state, why := b.settled(t, cloud, made.ID); state != want || why != reason {
			t.Errorf("started, it is %s (%s), want %s (%s)", state, why, want, reason)
		}
	}
	start("stopped", "Client.InternalError")

	volumes, err := cloud.DescribeVolumes(t.Context(), &awsec2.DescribeVolumesInput{})
	if err != nil {
		t.Fatal(err)
	}
	root := volumes.Volumes[0].VolumeId
	if _, err := cloud.DetachVolume(t.Context(), &awsec2.DetachVolumeInput{VolumeId: root}); err != nil {
		t.Fatal(err)
	}
	attach := func() error {
		waiter := awsec2.NewVolumeAvailableWaiter(cloud, func(o *awsec2.VolumeAvailableWaiterOptions) {
			o.MinDelay, o.MaxDelay = time.Millisecond, time.Millisecond
		})
		if err := waiter.Wait(t.Context(), &awsec2.DescribeVolumesInput{VolumeIds: []string{*root}}, time.Minute); err != nil {
			t.Fatal(err)
		}
		_, err := cloud.AttachVolume(t.Context(), &awsec2.AttachVolumeInput{VolumeId: root, InstanceId: &made.ID, Device: aws.String("/dev/xvda")})
		return err
	}
	if err := attach(); code(err) != "CustomerKeyHasBeenRevoked" {
		t.Errorf("attach: %v", err)
	}
	volume, err := cloud.CreateVolume(t.Context(), &awsec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1), Encrypted: aws.Bool(true), KmsKeyId: key.KeyMetadata.Arn,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cloud.DeleteVolume(t.Context(), &awsec2.DeleteVolumeInput{VolumeId: volume.VolumeId}); code(err) != "InvalidVolume.NotFound" {
		t.Errorf("the new volume: %v", err)
	}

	b.allow(t, "grants", grantsByEC2)
	if err := attach(); err != nil {
		t.Errorf("attach with a grant: %v", err)
	}
	start("running", "")
}

func (b *bench) allow(t *testing.T, name, policy string) {
	t.Helper()
	if _, err := b.PutPolicy(t.Context(), NewPolicy{Kind: "user", Principal: Operator, Name: name, Policy: []byte(policy)}); err != nil {
		t.Fatal(err)
	}
}

// settled is the state of an instance, and its reason, once it is pending no more.
// Of hundreds of answers within a moment some come before the client has closed
// its request, which then drops the connection: it asks again.
func (b *bench) settled(t *testing.T, cloud *awsec2.Client, id string) (state, reason string) {
	t.Helper()
	again := func(o *awsec2.Options) { o.Retryer = retry.NewStandard() }
	for range 1000 {
		got, err := cloud.DescribeInstances(t.Context(), &awsec2.DescribeInstancesInput{InstanceIds: []string{id}}, again)
		if err != nil {
			t.Fatal(err)
		}
		i := got.Reservations[0].Instances[0]
		if state = string(i.State.Name); i.StateReason != nil {
			reason = aws.ToString(i.StateReason.Code)
		}
		if state != "pending" {
			return state, reason
		}
	}
	return state, reason
}

// TestAHelperIsLostAtItsLaunch: a planned loss hits the instance that a call makes.
func TestAHelperIsLostAtItsLaunch(t *testing.T) {
	b := serve(t, nil)
	var lost []string
	b.parts.lose = func(id string) error { lost = append(lost, id); return b.ec2.Lose(id) }
	writeFaults(t, b.faults, "- {action: RunInstances, kind: lost-helper}")
	cloud := awsec2.NewFromConfig(b.cfg)
	made, err := cloud.RunInstances(t.Context(), &awsec2.RunInstancesInput{
		ImageId: aws.String(ec2.HelperImage("x86_64")), InstanceType: "t3.micro", MinCount: aws.Int32(1), MaxCount: aws.Int32(2),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lost) != 2 || lost[0] != *made.Instances[0].InstanceId || lost[1] != *made.Instances[1].InstanceId {
		t.Errorf("lost %q", lost)
	}
	instances, err := b.ec2.Instances()
	if err != nil || len(instances) != 2 || !instances[0].Lost {
		t.Errorf("%+v, %v", instances, err)
	}
}
