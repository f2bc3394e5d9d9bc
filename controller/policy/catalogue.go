package policy

import "slices"

// The tags of a run, as package controller writes them. What a run makes carries
// TagRole from its creation to its end, and the patient never does: a right to
// delete goes by it.
const (
	tagRun   = "regain:run"
	tagRole  = "regain:role"
	helper   = "helper"
	backup   = "backup"
	network  = "network"
	anyRun   = "{run}"
	ownEC2   = "arn:{partition}:ec2:{region}:{account}:"
	awsEC2   = "arn:{partition}:ec2:{region}::"
	kmsKey   = "arn:{partition}:kms:{region}:{account}:key/{key}"
	storeKey = "arn:{partition}:ssm:{region}:{account}:parameter{parameter}"
)

// made is the condition on what a call makes.
func made(role string) []when {
	return []when{
		{"StringLike", "aws:RequestTag/" + tagRun, []string{anyRun}},
		{"StringEquals", "aws:RequestTag/" + tagRole, []string{role}},
	}
}

// ours is the condition on what a run has made.
func ours(role string) []when {
	return []when{{"StringEquals", "ec2:ResourceTag/" + tagRole, []string{role}}}
}

// keys is the condition on the tags that a call writes or removes. Without the
// second part a call that names no tag at all would pass, and DeleteTags without
// names removes every tag.
func keys(names ...string) []when {
	return []when{
		{"ForAllValues:StringEquals", "aws:TagKeys", names},
		{"Null", "aws:TagKeys", []string{"false"}},
	}
}

// through is the condition on the use of a KMS key: by this service only.
func through(service string) when {
	return when{"StringEquals", "kms:ViaService", []string{service + ".{region}.{suffix}"}}
}

// parameterContext binds the use of a KMS key to the parameters of keys.
var parameterContext = when{"StringLike", "kms:EncryptionContext:PARAMETER_ARN", []string{storeKey}}

// controllerGrants is the catalogue of the controller, in the order of a rescue.
var controllerGrants = slices.Concat(patientSteps, helperSteps, backupSteps, keySteps, windowsSteps, groupSteps, networkSteps)
