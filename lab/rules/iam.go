package rules

import "time"

const rolesForEC2 = "Amazon EC2 User Guide, Retrieve security credentials from instance metadata"

// iam are the rules of IAM and STS.
var iam = []Rule{
	{"iam.instance.lifetime", Delay(6 * time.Hour), rolesForEC2 + "; that they last about six hours is observed and published by others"},
	{"iam.instance.rotation", Delay(5 * time.Minute), rolesForEC2 + ": new ones are there at least five minutes before the old ones end"},
	{"sts.session.shortest", Delay(15 * time.Minute), "AWS STS API Reference, AssumeRole: DurationSeconds of at least 900"},
	{"sts.session.default", Delay(time.Hour), "AWS STS API Reference, AssumeRole: DurationSeconds"},
	{"sts.session.longest", Delay(time.Hour), "AWS STS API Reference, AssumeRole: up to the role's maximum, whose default is an hour"},
}
