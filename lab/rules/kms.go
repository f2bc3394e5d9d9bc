package rules

// kms are the rules of KMS.
var kms = []Rule{
	{"kms.plaintext", Limit(4096), "AWS KMS API Reference, Encrypt: up to 4,096 bytes"},
	{"kms.deletion.min", Limit(7), "AWS KMS API Reference, ScheduleKeyDeletion: PendingWindowInDays, 7 to 30"},
	{"kms.deletion.max", Limit(30), "AWS KMS API Reference, ScheduleKeyDeletion: PendingWindowInDays, 7 to 30; the default"},
	{"kms.managed", Fact("an AWS managed key is used through its service, by everybody of the account whom the service lets, and never directly"),
		"AWS KMS Developer Guide, AWS managed keys; AWS Systems Manager User Guide, Restricting access to Parameter Store parameters"},
}
