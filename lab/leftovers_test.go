package lab

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestLeftovers(t *testing.T) {
	b := serve(t, nil)
	client := awsec2.NewFromConfig(b.cfg)
	volume := func(run string) string {
		made, err := client.CreateVolume(t.Context(), &awsec2.CreateVolumeInput{
			AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1),
			TagSpecifications: []types.TagSpecification{{ResourceType: "volume", Tags: []types.Tag{{Key: aws.String(runTag), Value: &run}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return *made.VolumeId
	}
	mine := volume("r-1")
	volume("r-2")
	bucket := "regain-" + Account + "-us-east-1"
	for _, key := range []string{"agent/r-1", "agent/r-2"} {
		if _, err := b.s3().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	var left Left
	b.run(t)
	if err := Do(context.WithoutCancel(t.Context()), b.Lab.cfg.State, "leftovers", Run{"r-1"}, &left); err != nil {
		t.Fatal(err)
	}
	if want := []string{"s3://" + bucket + "/agent/r-1", mine}; !slices.Equal(left.Resources, want) {
		t.Errorf("got %v, want %v", left.Resources, want)
	}
	if none, err := b.Leftovers(t.Context(), Run{"r-3"}); err != nil || len(none.Resources) > 0 {
		t.Errorf("of a run that left nothing: %v, %v", none, err)
	}
	if _, err := b.Leftovers(t.Context(), Run{}); err == nil {
		t.Error("a run without a name is looked for")
	}
}

// TestGoesByItself: a volume that is being deleted is shown, and is no leftover.
func TestGoesByItself(t *testing.T) {
	b := serve(t, func(c *Config) { c.Speed = 1 })
	b.run(t)
	client := awsec2.NewFromConfig(b.cfg)
	made, err := client.CreateVolume(t.Context(), &awsec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(1),
		TagSpecifications: []types.TagSpecification{{ResourceType: "volume", Tags: []types.Tag{{Key: aws.String(runTag), Value: aws.String("r-1")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	available := awsec2.NewVolumeAvailableWaiter(client, func(o *awsec2.VolumeAvailableWaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	if err := available.Wait(t.Context(), &awsec2.DescribeVolumesInput{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if left, err := b.Leftovers(t.Context(), Run{"r-1"}); err != nil || !slices.Equal(left.Resources, []string{*made.VolumeId}) {
		t.Fatalf("%v, %v", left, err)
	}
	if _, err := client.DeleteVolume(t.Context(), &awsec2.DeleteVolumeInput{VolumeId: made.VolumeId}); err != nil {
		t.Fatal(err)
	}
	tags, err := client.DescribeTags(t.Context(), &awsec2.DescribeTagsInput{})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("it is not shown: %v", err)
	}
	if left, err := b.Leftovers(t.Context(), Run{"r-1"}); err != nil || len(left.Resources) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}
