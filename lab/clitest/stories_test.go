package clitest

// The stories call each action at least once. What they hold is the documentation's
// view of an answer, as botocore reads it.

var kmsStory = []step{
	{
		call: "kms CreateKey", params: object{"Description": "volumes"}, keep: map[string]string{"key": "KeyMetadata.KeyId", "arn": "KeyMetadata.Arn"},
		want: map[string]any{
			"KeyMetadata.KeyState": "Enabled", "KeyMetadata.KeyManager": "CUSTOMER", "KeyMetadata.KeySpec": "SYMMETRIC_DEFAULT",
			"KeyMetadata.AWSAccountId": "123456789012", "KeyMetadata.CreationDate": "~^20", "KeyMetadata.Enabled": true,
		},
	},
	{call: "kms CreateAlias", params: object{"AliasName": "alias/volumes", "TargetKeyId": "{key}"}},
	{call: "kms DescribeKey", params: object{"KeyId": "alias/volumes"}, want: map[string]any{"KeyMetadata.Arn": "{arn}", "KeyMetadata.Description": "volumes"}},
	{call: "kms ListAliases", want: map[string]any{"Aliases.#": 3, "Aliases.0.AliasName": "alias/aws/ebs", "Aliases.2.TargetKeyId": "{key}", "Truncated": false}},
	{
		call: "kms Encrypt", params: object{"KeyId": "{key}", "Plaintext": object{"$bytes": "c2VjcmV0"}, "EncryptionContext": object{"a": "b"}},
		keep: map[string]string{"blob": "CiphertextBlob"}, want: map[string]any{"KeyId": "{arn}", "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
	},
	{
		call: "kms Decrypt", params: object{"CiphertextBlob": object{"$bytes": "{blob}"}, "EncryptionContext": object{"a": "b"}},
		want: map[string]any{"Plaintext": "c2VjcmV0", "KeyId": "{arn}"},
	},
	{call: "kms Decrypt", params: object{"CiphertextBlob": object{"$bytes": "{blob}"}}, fault: "InvalidCiphertextException"},
	{call: "kms GenerateDataKey", params: object{"KeyId": "{key}", "KeySpec": "AES_256"}, want: map[string]any{"Plaintext": "~^.{44}$", "CiphertextBlob": "~."}},
	{call: "kms DisableKey", params: object{"KeyId": "{key}"}},
	{call: "kms Encrypt", params: object{"KeyId": "{key}", "Plaintext": object{"$bytes": "AA=="}}, fault: "DisabledException"},
	{call: "kms EnableKey", params: object{"KeyId": "{key}"}},
	{call: "kms ScheduleKeyDeletion", params: object{"KeyId": "{key}"}, want: map[string]any{"KeyState": "PendingDeletion", "DeletionDate": "~^20", "KeyId": "{arn}"}},
	{call: "kms CancelKeyDeletion", params: object{"KeyId": "{key}"}, want: map[string]any{"KeyId": "{arn}"}},
	{call: "kms DescribeKey", params: object{"KeyId": "none"}, fault: "NotFoundException"},
}

var s3Story = []step{
	{call: "s3 CreateBucket", params: object{"Bucket": "cli-test"}, want: map[string]any{"Location": "/cli-test"}},
	{call: "s3 CreateBucket", params: object{"Bucket": "cli-test"}, fault: "BucketAlreadyOwnedByYou"},
	{call: "s3 ListBuckets", want: map[string]any{"Buckets.0.Name": "cli-test", "Buckets.1.Name": "regain-123456789012-us-east-1", "Owner.ID": "~^.{64}$"}},
	{call: "s3 HeadBucket", params: object{"Bucket": "cli-test"}},
	{call: "s3 GetBucketLocation", params: object{"Bucket": "cli-test"}, want: map[string]any{"LocationConstraint": nil}},
	{
		call:   "s3 PutObject",
		params: object{"Bucket": "cli-test", "Key": "a b/ü", "Body": object{"$bytes": "aGVsbG8="}, "ChecksumAlgorithm": "SHA256", "Metadata": object{"run": "r1"}},
		want:   map[string]any{"ETag": `"5d41402abc4b2a76b9719d911017c592"`, "ChecksumSHA256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
	},
	{
		call: "s3 GetObject", params: object{"Bucket": "cli-test", "Key": "a b/ü", "ChecksumMode": "ENABLED"},
		want: map[string]any{"Body": "hello", "ContentLength": 5, "Metadata.run": "r1", "ContentType": "binary/octet-stream", "LastModified": "~^20"},
	},
	{
		call: "s3 GetObject", params: object{"Bucket": "cli-test", "Key": "a b/ü", "Range": "bytes=1-2"},
		want: map[string]any{"Body": "el", "ContentRange": "bytes 1-2/5"},
	},
	{call: "s3 HeadObject", params: object{"Bucket": "cli-test", "Key": "a b/ü"}, want: map[string]any{"ContentLength": 5, "AcceptRanges": "bytes"}},
	{
		call: "s3 ListObjectsV2", params: object{"Bucket": "cli-test", "Prefix": "a"},
		want: map[string]any{"Contents.0.Key": "a b/ü", "Contents.0.Size": 5, "Contents.0.StorageClass": "STANDARD", "KeyCount": 1, "IsTruncated": false, "Name": "cli-test"},
	},
	{call: "s3 DeleteBucket", params: object{"Bucket": "cli-test"}, fault: "BucketNotEmpty"},
	{call: "s3 DeleteObject", params: object{"Bucket": "cli-test", "Key": "a b/ü"}},
	{call: "s3 GetObject", params: object{"Bucket": "cli-test", "Key": "a b/ü"}, fault: "NoSuchKey"},
	{call: "s3 HeadObject", params: object{"Bucket": "cli-test", "Key": "a b/ü"}, fault: "404"},
	{call: "s3 DeleteBucket", params: object{"Bucket": "cli-test"}},
	{call: "s3 ListObjectsV2", params: object{"Bucket": "cli-test"}, fault: "NoSuchBucket"},
	{call: "s3 ListObjects", params: object{"Bucket": "cli-test"}, fault: "NotImplemented"},
}

const operator = "arn:aws:iam::123456789012:user/operator"

var identityStory = []step{
	{call: "sts GetCallerIdentity", want: map[string]any{"Account": "123456789012", "Arn": operator, "UserId": "~."}},
	{
		call: "sts AssumeRole", params: object{"RoleArn": "arn:aws:iam::123456789012:role/cli-test", "RoleSessionName": "session"},
		want: map[string]any{
			"Credentials.AccessKeyId": "~^ASIA", "Credentials.SessionToken": "~.", "Credentials.Expiration": "~^20",
			"AssumedRoleUser.Arn": "arn:aws:sts::123456789012:assumed-role/cli-test/session",
		},
	},
	{call: "sts AssumeRole", params: object{"RoleArn": "arn:aws:iam::123456789012:role/regain-helper", "RoleSessionName": "session"}, fault: "AccessDenied"},
	{
		call: "iam GetInstanceProfile", params: object{"InstanceProfileName": "regain-helper"},
		want: map[string]any{
			"InstanceProfile.Arn": "arn:aws:iam::123456789012:instance-profile/regain-helper", "InstanceProfile.Roles.0.RoleName": "regain-helper",
			"InstanceProfile.CreateDate": "~^20",
		},
	},
	{call: "iam GetInstanceProfile", params: object{"InstanceProfileName": "none"}, fault: "NoSuchEntity"},
	{
		call: "iam GetRole", params: object{"RoleName": "regain-helper"},
		want: map[string]any{"Role.Arn": "arn:aws:iam::123456789012:role/regain-helper", "Role.AssumeRolePolicyDocument.Statement.0.Principal.Service": "ec2.amazonaws.com"},
	},
	{call: "iam ListInstanceProfiles", want: map[string]any{"InstanceProfiles.#": "~^[1-9]", "IsTruncated": false}},
	{call: "iam GetUser", want: map[string]any{"User.UserName": "operator", "User.Arn": operator}},
	{
		call: "iam SimulatePrincipalPolicy", params: object{
			"PolicySourceArn": "arn:aws:iam::123456789012:role/regain-helper", "ActionNames": []string{"ssm:PutParameter", "ec2:StopInstances"},
			"ResourceArns": []string{"arn:aws:ssm:us-east-1:123456789012:parameter/ec2rl/openssh/i-1/key"},
		},
		want: map[string]any{
			"EvaluationResults.0.EvalActionName": "ssm:PutParameter", "EvaluationResults.0.EvalDecision": "allowed", "EvaluationResults.1.EvalDecision": "implicitDeny",
		},
	},
}

var parameterStory = []step{
	{
		call: "ssm PutParameter", params: object{"Name": "/cli/key", "Value": "secret", "Type": "SecureString", "Tags": []object{{"Key": "run", "Value": "r1"}}},
		want: map[string]any{"Version": 1, "Tier": "Standard"},
	},
	{call: "ssm PutParameter", params: object{"Name": "/cli/key", "Value": "other", "Type": "SecureString"}, fault: "ParameterAlreadyExists"},
	{call: "ssm PutParameter", params: object{"Name": "/cli/key", "Value": "second", "Type": "SecureString", "Overwrite": true}, want: map[string]any{"Version": 2}},
	{
		call: "ssm GetParameter", params: object{"Name": "/cli/key", "WithDecryption": true},
		want: map[string]any{
			"Parameter.Value": "second", "Parameter.Version": 2, "Parameter.Type": "SecureString", "Parameter.LastModifiedDate": "~^20",
			"Parameter.ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/cli/key", "Parameter.DataType": "text",
		},
	},
	{call: "ssm GetParameter", params: object{"Name": "/cli/key"}, want: map[string]any{"Parameter.Value": "~^[A-Za-z0-9+/=]{60,}$"}},
	{call: "ssm GetParameter", params: object{"Name": "/cli/key:1", "WithDecryption": true}, want: map[string]any{"Parameter.Value": "secret", "Parameter.Selector": ":1"}},
	{
		call: "ssm GetParameters", params: object{"Names": []string{"/cli/key", "/cli/none"}, "WithDecryption": true},
		want: map[string]any{"Parameters.0.Value": "second", "InvalidParameters.0": "/cli/none"},
	},
	{
		call: "ssm GetParameterHistory", params: object{"Name": "/cli/key", "WithDecryption": true},
		want: map[string]any{"Parameters.#": 2, "Parameters.0.Value": "secret", "Parameters.1.KeyId": "alias/aws/ssm", "Parameters.1.LastModifiedUser": operator},
	},
	{
		call: "ssm DescribeParameters", params: object{"ParameterFilters": []object{{"Key": "tag:run", "Values": []string{"r1"}}}},
		want: map[string]any{"Parameters.0.Name": "/cli/key", "Parameters.0.Tier": "Standard", "Parameters.0.Version": 2, "Parameters.#": 1},
	},
	{call: "ssm AddTagsToResource", params: object{"ResourceType": "Parameter", "ResourceId": "/cli/key", "Tags": []object{{"Key": "a", "Value": "b"}}}},
	{
		call: "ssm ListTagsForResource", params: object{"ResourceType": "Parameter", "ResourceId": "/cli/key"},
		want: map[string]any{"TagList.0.Key": "a", "TagList.1.Value": "r1"},
	},
	{call: "ssm DeleteParameter", params: object{"Name": "/cli/key"}},
	{call: "ssm DeleteParameter", params: object{"Name": "/cli/key"}, fault: "ParameterNotFound"},
	{call: "ssm DeleteParameters", params: object{"Names": []string{"/cli/none"}}, want: map[string]any{"InvalidParameters.0": "/cli/none"}},
	{
		call: "ssm GetParameter", params: object{"Name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"},
		want: map[string]any{"Parameter.Value": "~^ami-[0-9a-f]{17}$", "Parameter.Type": "String"}, keep: map[string]string{"amazon": "Parameter.Value"},
	},
	{
		call: "ssm GetParameter", params: object{"Name": "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"},
		want: map[string]any{"Parameter.Type": "String"}, keep: map[string]string{"canonical": "Parameter.Value"},
	},
	{
		call: "ec2 DescribeImages", params: object{"ImageIds": []string{"{amazon}", "{canonical}"}, "Filters": []object{{"Name": "owner-id", "Values": []string{"099720109477"}}}},
		want: map[string]any{"Images.0.ImageId": "{canonical}", "Images.0.Architecture": "arm64", "Images.#": 1},
	},
}
