package clitest

import (
	"testing"

	"github.com/seed-77750964/regain/lab"
)

// narrow is what an operator may: read parameters below /cli, write them where there
// is none, decrypt one of them, and read one folder of a bucket.
const narrow = `{"Version": "2012-10-17", "Statement": [
	{"Effect": "Allow", "Action": ["kms:CreateKey", "s3:CreateBucket"], "Resource": "*"},
	{"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:*:*:parameter/cli/*"},
	{"Effect": "Allow", "Action": "ssm:PutParameter", "Resource": "arn:aws:ssm:*:*:parameter/cli/*", "Condition": {"StringEquals": {"ssm:Overwrite": "false"}}},
	{"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*", "Condition": {"StringEquals": {
		"kms:ViaService": "ssm.us-east-1.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/cli/mine"}}},
	{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::cli-enforced/run/*"},
	{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::cli-enforced", "Condition": {"StringLike": {"s3:prefix": "run/*"}}}
]}`

var enforcedStory = []step{
	{call: "kms CreateKey", keep: map[string]string{"key": "KeyMetadata.KeyId"}},
	{call: "kms DescribeKey", params: object{"KeyId": "{key}"}, fault: "AccessDeniedException"},
	{call: "kms Encrypt", params: object{"KeyId": "{key}", "Plaintext": object{"$bytes": "AA=="}}, fault: "AccessDeniedException"},
	{call: "ssm PutParameter", params: object{"Name": "/cli/mine", "Value": "x", "Type": "SecureString", "KeyId": "{key}"}},
	{call: "ssm PutParameter", params: object{"Name": "/cli/mine", "Value": "y", "Overwrite": true}, fault: "AccessDeniedException"},
	{call: "ssm PutParameter", params: object{"Name": "/cli/other", "Value": "x", "Type": "SecureString", "KeyId": "{key}"}, fault: "AccessDeniedException"},
	{call: "ssm PutParameter", params: object{"Name": "/cli/tags", "Value": "x", "Type": "String", "Tags": []object{{"Key": "a", "Value": "b"}}}, fault: "AccessDeniedException"},
	{call: "ssm PutParameter", params: object{"Name": "/else", "Value": "x", "Type": "String"}, fault: "AccessDeniedException"},
	{call: "ssm GetParameter", params: object{"Name": "/cli/mine", "WithDecryption": true}, want: map[string]any{"Parameter.Value": "x"}},
	{call: "ssm PutParameter", params: object{"Name": "/cli/managed", "Value": "x", "Type": "SecureString"}}, // whoever may the parameter may aws/ssm
	{call: "ssm GetParameter", params: object{"Name": "/cli/managed", "WithDecryption": true}, want: map[string]any{"Parameter.Value": "x"}},
	{call: "ssm GetParameterHistory", params: object{"Name": "/cli/mine"}, fault: "AccessDeniedException"},
	{call: "ssm DescribeInstanceInformation", fault: "AccessDeniedException"},
	{call: "s3 CreateBucket", params: object{"Bucket": "cli-enforced"}},
	{call: "s3 PutObject", params: object{"Bucket": "cli-enforced", "Key": "run/a", "Body": object{"$bytes": "AA=="}}},
	{call: "s3 PutObject", params: object{"Bucket": "cli-enforced", "Key": "other/a"}, fault: "AccessDenied"},
	{call: "s3 GetObject", params: object{"Bucket": "cli-enforced", "Key": "run/a"}, fault: "AccessDenied"},
	{call: "s3 ListObjectsV2", params: object{"Bucket": "cli-enforced", "Prefix": "run/"}, want: map[string]any{"KeyCount": 1}},
	{call: "s3 ListObjectsV2", params: object{"Bucket": "cli-enforced"}, fault: "AccessDenied"},
	{call: "s3 ListBuckets", fault: "AccessDenied"},
}

// TestEnforced holds an operator to a narrow policy.
func TestEnforced(t *testing.T) {
	t.Parallel()
	a := openWith(t, lab.Config{EnforceIAM: true})
	_, err := a.lab.PutPolicy(t.Context(), lab.NewPolicy{Kind: "user", Principal: lab.Operator, Name: "narrow", Policy: []byte(narrow)})
	if err != nil {
		t.Fatal(err)
	}
	(&story{client: a.client(t), kept: map[string]string{}, t: t}).tell(enforcedStory)
}
