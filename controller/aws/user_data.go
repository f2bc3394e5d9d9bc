package aws

import (
	"context"
	"encoding/base64"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/seed-77750964/regain/controller"
)

// KeyPair looks a key pair up; NotFound when the region has none of that name.
// The name is a filter, so that there is one way in which none is found.
func (c *Cloud) KeyPair(ctx context.Context, name string) (controller.KeyPair, error) {
	out, err := call(ctx, c.ec2.DescribeKeyPairs, &ec2.DescribeKeyPairsInput{Filters: []types.Filter{filter("key-name", name)}})
	if err != nil {
		return controller.KeyPair{}, err
	}
	for _, k := range out.KeyPairs {
		if sdk.ToString(k.KeyName) == name { // a filter takes wildcards
			return controller.KeyPair{Name: name, Type: string(k.KeyType), Fingerprint: sdk.ToString(k.KeyFingerprint)}, nil
		}
	}
	return controller.KeyPair{}, missing("ec2:DescribeKeyPairs", "key pair "+name)
}

// UserData decodes what EC2 keeps in base64.
func (c *Cloud) UserData(ctx context.Context, instance string) ([]byte, error) {
	out, err := call(ctx, c.ec2.DescribeInstanceAttribute, &ec2.DescribeInstanceAttributeInput{
		InstanceId: &instance, Attribute: types.InstanceAttributeNameUserData,
	})
	if err != nil || out.UserData == nil || sdk.ToString(out.UserData.Value) == "" {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(*out.UserData.Value)
	if err != nil {
		return nil, fmt.Errorf("cannot read the user data of %s: it is not base64", instance) // it may hold secrets
	}
	return data, nil
}
