package lab

import (
	"context"
	"slices"
	"strings"
	"testing"

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
