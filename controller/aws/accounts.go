package aws

import (
	"context"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/seed-77750964/regain/controller"
)

// Caller is who the credentials belong to; asked once.
func (c *Cloud) Caller(ctx context.Context) (controller.Caller, error) {
	c.mu.Lock()
	known := c.caller
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	out, err := call(ctx, c.sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return controller.Caller{}, err
	}
	caller := controller.Caller{Account: sdk.ToString(out.Account), ARN: sdk.ToString(out.Arn), Region: c.region}
	parsed, err := arn.Parse(caller.ARN)
	if err != nil {
		return controller.Caller{}, &controller.CloudError{Kind: controller.Invalid, Action: "sts:GetCallerIdentity", Code: "InvalidArn", Message: caller.ARN}
	}
	caller.Partition = parsed.Partition
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caller = &caller
	return caller, nil
}

// Profile looks up an instance profile by name.
func (c *Cloud) Profile(ctx context.Context, name string) (controller.Profile, error) {
	out, err := call(ctx, c.iam.GetInstanceProfile, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		return controller.Profile{}, err
	}
	got := controller.Profile{Name: name, ARN: sdk.ToString(out.InstanceProfile.Arn)}
	for _, r := range out.InstanceProfile.Roles {
		got.Role = sdk.ToString(r.Arn)
	}
	return got, nil
}

// Key looks up a KMS key.
func (c *Cloud) Key(ctx context.Context, id string) (controller.KMSKey, error) {
	out, err := call(ctx, c.kms.DescribeKey, &kms.DescribeKeyInput{KeyId: &id})
	if err != nil {
		return controller.KMSKey{}, err
	}
	k := out.KeyMetadata
	return controller.KMSKey{ARN: sdk.ToString(k.Arn), State: string(k.KeyState), Managed: k.KeyManager == types.KeyManagerTypeAws}, nil
}

// vpcsPerRegion is the code of the quota "VPCs per Region".
const vpcsPerRegion = "L-F678F1CE"

// VPCQuota is how many VPCs the region may hold.
func (c *Cloud) VPCQuota(ctx context.Context) (int, error) {
	out, err := call(ctx, c.quotas.GetServiceQuota, &servicequotas.GetServiceQuotaInput{ServiceCode: sdk.String("vpc"), QuotaCode: sdk.String(vpcsPerRegion)})
	if err != nil {
		return 0, err
	}
	return int(sdk.ToFloat64(out.Quota.Value)), nil
}

// principal is whose policies the caller acts under: a user, or the role that an
// assumed role is a session of. The session does not tell the role's path.
func (c *Cloud) principal(ctx context.Context, caller controller.Caller) (string, error) {
	parsed, err := arn.Parse(caller.ARN)
	if err != nil {
		return "", &controller.CloudError{Kind: controller.Invalid, Action: "iam:SimulatePrincipalPolicy", Code: "InvalidArn", Message: caller.ARN}
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	if parsed.Service != "sts" || kind != "assumed-role" {
		return caller.ARN, nil
	}
	role, _, _ := strings.Cut(rest, "/")
	out, err := call(ctx, c.iam.GetRole, &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.Role.Arn), nil
}
