package sim

import (
	"context"
	"slices"

	"github.com/seed-77750964/regain/controller"
)

const (
	account    = "123456789012"
	region     = "eu-central-1"
	imageAMD64 = "ami-0000000000000amd4"
	imageARM64 = "ami-0000000000000arm4"
)

// The names of what an account has from the beginning.
const (
	ZoneA   = region + "a"
	ZoneB   = region + "b"
	VPC     = "vpc-default"
	SubnetA = "subnet-a" // a public one of ZoneA
	SubnetB = "subnet-b" // a public one of ZoneB
	Helper  = "regain-helper"
)

// furnish is the account at its beginning.
func (c *Cloud) furnish() {
	open := []controller.Route{{Destination: "0.0.0.0/0", Target: "igw-default"}}
	c.vpcs[VPC] = &vpc{}
	c.subnets[SubnetA] = &subnet{controller.Subnet{ID: SubnetA, VPC: VPC, Zone: ZoneA, AutoPublicIP: true, Free: 4000}, open}
	c.subnets[SubnetB] = &subnet{controller.Subnet{ID: SubnetB, VPC: VPC, Zone: ZoneB, AutoPublicIP: true, Free: 4000}, open}
	c.images[imageAMD64] = &controller.Image{ID: imageAMD64, State: available, Architecture: "x86_64", RootDevice: "/dev/xvda"}
	c.images[imageARM64] = &controller.Image{ID: imageARM64, State: available, Architecture: "arm64", RootDevice: "/dev/xvda"}
	c.pairs["lost"] = controller.KeyPair{Name: "lost", Type: "rsa"} // its private half may be
	c.profiles[Helper] = controller.Profile{Name: Helper, ARN: profileARN(Helper), Role: Helper}
}

func profileARN(name string) string {
	return "arn:aws:iam::" + account + ":instance-profile/" + name
}

// AddKey adds a key of KMS, or changes its state.
func (c *Cloud) AddKey(k controller.KMSKey) {
	c.outside(func() { c.keys[k.ARN] = k })
}

// RemoveProfile takes an instance profile away.
func (c *Cloud) RemoveProfile(name string) {
	c.outside(func() { delete(c.profiles, name) })
}

// Deny forbids the caller more actions.
func (c *Cloud) Deny(actions ...string) {
	c.outside(func() { c.options.Denied = append(slices.Clone(c.options.Denied), actions...) })
}

// Caller is GetCallerIdentity.
func (c *Cloud) Caller(ctx context.Context) (who controller.Caller, err error) {
	err = c.call(ctx, "sts:GetCallerIdentity", func() error {
		who = controller.Caller{Account: account, ARN: "arn:aws:iam::" + account + ":user/operator", Partition: "aws", Region: region}
		return nil
	})
	return who, err
}

// Simulate is SimulatePrincipalPolicy.
func (c *Cloud) Simulate(ctx context.Context, _ controller.Caller, asked []controller.Permission) (denied []controller.Permission, err error) {
	err = c.call(ctx, "iam:SimulatePrincipalPolicy", func() error {
		for _, p := range asked {
			if slices.Contains(c.options.Denied, p.Action) {
				denied = append(denied, p)
			}
		}
		return nil
	})
	return denied, err
}

// Profile is GetInstanceProfile.
func (c *Cloud) Profile(ctx context.Context, name string) (p controller.Profile, err error) {
	err = c.call(ctx, "iam:GetInstanceProfile", func() error {
		known := false
		if p, known = c.profiles[name]; !known {
			return refusal(controller.NotFound, "NoSuchEntity", "instance profile %s cannot be found", name)
		}
		return nil
	})
	return p, err
}

// Key is DescribeKey.
func (c *Cloud) Key(ctx context.Context, id string) (k controller.KMSKey, err error) {
	err = c.call(ctx, "kms:DescribeKey", func() error {
		known := false
		if k, known = c.keys[id]; !known {
			return refusal(controller.NotFound, "NotFoundException", "key '%s' does not exist", id)
		}
		return nil
	})
	return k, err
}

// VPCQuota is GetServiceQuota.
func (c *Cloud) VPCQuota(ctx context.Context) (most int, err error) {
	err = c.call(ctx, "servicequotas:GetServiceQuota", func() error {
		most = c.options.VPCQuota
		return nil
	})
	return most, err
}
