package rules

// iam are the rules of IAM and STS.
var iam = []Rule{}
