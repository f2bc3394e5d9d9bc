package template

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/seed-77750964/regain/controller/policy"
)

// sections puts a template together; empty ones are left out.
func sections(description string, parameters, conditions, resources, outputs *yaml.Node) *yaml.Node {
	fields := []field{
		{"AWSTemplateFormatVersion", text("2010-09-09")},
		{"Description", text(description)},
	}
	for _, f := range []field{{"Parameters", parameters}, {"Conditions", conditions}, {"Resources", resources}, {"Outputs", outputs}} {
		if f.value != nil {
			fields = append(fields, f)
		}
	}
	return mapping(fields...)
}

var (
	helperName = field{"HelperName", parameter(policy.DefaultRole, "Name of the helper's role and instance profile (regain reset --instance-profile)")}
	boundary   = field{"PermissionsBoundary", parameter("", "ARN of a permissions boundary for the role, where the organisation wants one")}
	bounded    = field{"HasBoundary", function("Not", function("Equals", ref("PermissionsBoundary"), text("")))}
	withBound  = field{"PermissionsBoundary", function("If", text("HasBoundary"), ref("PermissionsBoundary"), ref("AWS::NoValue"))}
)

// helper is the role and the instance profile of helpers.
func helper() *yaml.Node {
	role, profile := helperResources()
	return sections("regain: the role of helper instances. One stack serves all regions of an account.",
		mapping(helperName, boundary), mapping(bounded),
		mapping(field{"HelperRole", role}, field{"HelperProfile", profile}),
		mapping(
			field{"InstanceProfile", output("for regain reset --instance-profile", ref("HelperProfile"))},
			field{"RoleArn", output("what the controller passes to EC2", attribute("HelperRole.Arn"))},
		))
}

func helperResources() (role, profile *yaml.Node) {
	role = resource("AWS::IAM::Role",
		field{"RoleName", ref("HelperName")},
		field{"Description", text("regain helpers: reached by Systems Manager, store a new key, read nothing")},
		field{"AssumeRolePolicyDocument", document(policy.Trust(scope()))},
		withBound,
		field{"Policies", list(mapping(field{"PolicyName", text("regain-helper")}, field{"PolicyDocument", document(policy.Helper(scope()))}))},
	)
	profile = resource("AWS::IAM::InstanceProfile", field{"InstanceProfileName", ref("HelperName")}, field{"Roles", list(ref("HelperRole"))})
	return role, profile
}

// controller is the role of the operator, or of a worker.
func controller() *yaml.Node {
	var resources []field
	var arns []*yaml.Node
	for i, d := range policy.Controller(scope()) {
		name := fmt.Sprintf("ControllerPolicy%d", i+1)
		resources = append(resources, field{name, resource("AWS::IAM::ManagedPolicy",
			field{"ManagedPolicyName", sub(fmt.Sprintf("${ControllerName}-%d", i+1))},
			field{"Description", text("regain: what a rescue through the API needs, and nothing else")},
			field{"PolicyDocument", document(d)},
		)})
		arns = append(arns, ref(name))
	}
	root := sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
	trust := mapping(
		field{"Version", text("2012-10-17")},
		field{"Statement", list(mapping(
			field{"Effect", text("Allow")},
			field{"Principal", mapping(field{"AWS", function("If", text("HasTrusted"), ref("TrustedPrincipal"), root)})},
			field{"Action", text("sts:AssumeRole")},
		))},
	)
	resources = append(resources, field{"ControllerRole", resource("AWS::IAM::Role",
		field{"RoleName", ref("ControllerName")},
		field{"Description", text("regain: regains access to instances")},
		field{"MaxSessionDuration", number(14400)},
		field{"AssumeRolePolicyDocument", trust},
		withBound,
		field{"ManagedPolicyArns", list(arns...)},
	)})
	return sections("regain: the role for regain itself. One stack serves all regions of an account.",
		mapping(
			field{"ControllerName", parameter("regain-controller", "Name of the role (regain --role-arn)")},
			helperName,
			field{"TrustedPrincipal", parameter("", "ARN of who may assume the role; empty, whoever in this account is allowed to by policies of their own")},
			boundary,
		),
		mapping(bounded, field{"HasTrusted", function("Not", function("Equals", ref("TrustedPrincipal"), text("")))}),
		mapping(resources...),
		mapping(field{"RoleArn", output("for regain --role-arn", attribute("ControllerRole.Arn"))}))
}

// setup is what a region needs: the bucket, and in the first region the helper's
// role with it.
func setup() *yaml.Node {
	role, profile := helperResources()
	only := field{"Condition", text("WithHelper")}
	for _, n := range []*yaml.Node{role, profile} {
		n.Content = append(n.Content[:2:2], append(mapping(only).Content, n.Content[2:]...)...)
	}
	return sections("regain: what it needs in a region: the bucket that helpers get the agent from, and, once an account, the helper's role.",
		mapping(
			field{"Helper", parameter("create", "create in the first region of an account; exists in every other: roles are the account's", "create", "exists")},
			helperName, boundary,
		),
		mapping(field{"WithHelper", function("Equals", ref("Helper"), text("create"))}, bounded),
		mapping(field{"HelperRole", role}, field{"HelperProfile", profile}, field{"Bucket", bucket()}, field{"BucketPolicy", bucketPolicy()}),
		mapping(field{"BucketName", output("where regain delivers the agent", ref("Bucket"))}))
}

// bucket is private, and forgets after a day what a killed run left.
func bucket() *yaml.Node {
	blocked := mapping(field{"BlockPublicAcls", yes()}, field{"BlockPublicPolicy", yes()}, field{"IgnorePublicAcls", yes()}, field{"RestrictPublicBuckets", yes()})
	return resource("AWS::S3::Bucket",
		field{"BucketName", sub(policy.DefaultBucket("${AWS::AccountId}", "${AWS::Region}"))},
		field{"PublicAccessBlockConfiguration", blocked},
		field{"OwnershipControls", mapping(field{"Rules", list(mapping(field{"ObjectOwnership", text("BucketOwnerEnforced")}))})},
		field{"BucketEncryption", mapping(field{"ServerSideEncryptionConfiguration", list(mapping(
			field{"ServerSideEncryptionByDefault", mapping(field{"SSEAlgorithm", text("AES256")})}))})},
		field{"LifecycleConfiguration", mapping(field{"Rules", list(mapping(
			field{"Id", text("nothing-stays")}, field{"Status", text("Enabled")}, field{"ExpirationInDays", number(1)},
			field{"AbortIncompleteMultipartUpload", mapping(field{"DaysAfterInitiation", number(1)})},
		))})},
	)
}

func bucketPolicy() *yaml.Node {
	insecure := mapping(
		field{"Sid", text("EncryptedTransportOnly")},
		field{"Effect", text("Deny")},
		field{"Principal", text("*")},
		field{"Action", text("s3:*")},
		field{"Resource", list(attribute("Bucket.Arn"), sub("${Bucket.Arn}/*"))},
		field{"Condition", mapping(field{"Bool", mapping(field{"aws:SecureTransport", text("false")})})},
	)
	return resource("AWS::S3::BucketPolicy",
		field{"Bucket", ref("Bucket")},
		field{"PolicyDocument", mapping(field{"Version", text("2012-10-17")}, field{"Statement", list(insecure)})},
	)
}
