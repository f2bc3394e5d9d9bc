package rules

// kms are the rules of KMS.
var kms = []Rule{}
