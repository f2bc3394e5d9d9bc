package policy

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	lab "github.com/seed-77750964/regain/lab/iam/policy"
)

var partitions = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-iso": "us-iso-east-1"}

func scopeOf(partition string) Scope {
	return Scope{Partition: partition, Account: "111122223333", Features: All()}
}

func targetOf(partition string) Target {
	arn := func(service, rest string) string {
		return "arn:" + partition + ":" + service + ":" + partitions[partition] + ":111122223333:" + rest
	}
	return Target{
		Partition: partition, Region: partitions[partition], Account: "111122223333", Instance: "i-0a", Volume: "vol-0a", Subnet: "subnet-0a", Image: "ami-0a",
		InstanceTags: map[string]string{"opt": "in"}, RoleARN: "arn:" + partition + ":iam::111122223333:role/regain-helper", Profile: "regain-helper",
		Bucket: DefaultBucket("111122223333", partitions[partition]), Parameter: "/ec2rl/openssh/i-0a/key",
		KMSKeys: []string{arn("kms", "key/k1"), arn("kms", "key/k2")}, ParameterKey: arn("kms", "key/k3"), Group: "web", Features: All(),
	}
}

// parsed reads policies with the evaluator of the lab, which others wrote.
func parsed(t *testing.T, documents ...Document) []*lab.Document {
	t.Helper()
	var all []*lab.Document
	for _, d := range documents {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		one, err := lab.Parse(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, one)
	}
	return all
}

func allows(policies []*lab.Document, p Permission) bool {
	context := lab.Context{}
	for key, value := range p.Context {
		context[key] = []string{value}
		if key == "aws:TagKeys" {
			context[key] = strings.Split(value, ",")
		}
	}
	return lab.Evaluate(policies, lab.Request{Action: p.Action, Resource: p.Resource, Context: context}).Decision == lab.Allowed
}

// TestNeededIsGranted has what preflight asks for decided by the policies that
// are printed.
func TestNeededIsGranted(t *testing.T) {
	for partition := range partitions {
		for name, scope := range map[string]Scope{
			"anywhere":   scopeOf(partition),
			"one region": {Partition: partition, Region: partitions[partition], Account: "111122223333", Features: All()},
			"opted in":   {Partition: partition, Account: "111122223333", TagKey: "opt", TagValue: "in", Features: All()},
			"its keys":   {Partition: partition, Account: "111122223333", KMSKeys: append(targetOf(partition).KMSKeys, targetOf(partition).ParameterKey), Features: All()},
		} {
			policies := parsed(t, Controller(scope)...)
			for _, p := range Needed(targetOf(partition)) {
				if !allows(policies, p) {
					t.Errorf("%s, %s: the policy does not grant %+v", partition, name, p)
				}
			}
		}
	}
}

// TestFeaturesAreWhatIsNeeded leaves one feature out of both at a time, and then
// asks a policy for a feature that it is without.
func TestFeaturesAreWhatIsNeeded(t *testing.T) {
	for name, without := range map[string]func(*Features){
		"Image": func(f *Features) { f.Image = false }, "Snapshot": func(f *Features) { f.Snapshot = false },
		"NewVPC": func(f *Features) { f.NewVPC = false }, "ControllerKeys": func(f *Features) { f.ControllerKeys = false },
		"Groups": func(f *Features) { f.Groups = false }, "Delivery": func(f *Features) { f.Delivery = false }, "OwnKeys": func(f *Features) { f.OwnKeys = false },
	} {
		t.Run(name, func(t *testing.T) {
			scope, target := scopeOf("aws"), targetOf("aws")
			without(&scope.Features)
			policies := parsed(t, Controller(scope)...)
			lacking := 0
			for _, p := range Needed(target) {
				if !allows(policies, p) {
					lacking++
				}
			}
			if lacking == 0 {
				t.Error("a policy without the feature grants all of it")
			}
			target.Features = scope.Features
			for _, p := range Needed(target) {
				if !allows(policies, p) {
					t.Errorf("needed and not granted: %+v", p)
				}
			}
		})
	}
}

// TestBounds asks for what the policy must not grant.
func TestBounds(t *testing.T) {
	const ec2 = "arn:aws:ec2:us-east-1:111122223333:"
	locked := map[string]string{"ec2:ResourceTag/regain:run": "R"} // the patient, during a run
	scope := scopeOf("aws")
	scope.TagKey, scope.TagValue = "opt", "in"
	controller, helper := parsed(t, Controller(scope)...), parsed(t, Helper(scope))
	for name, tt := range map[string]struct {
		policies []*lab.Document
		asked    Permission
	}{
		"terminate the patient":          {controller, Permission{"ec2:TerminateInstances", ec2 + "instance/i-0a", locked}},
		"stop one that has not opted in": {controller, Permission{"ec2:StopInstances", ec2 + "instance/i-0b", map[string]string{"ec2:ResourceTag/opt": "out"}}},
		"opt one in":                     {controller, Permission{"ec2:CreateTags", ec2 + "instance/i-0b", map[string]string{"aws:TagKeys": "opt"}}},
		"make a volume a backup":         {controller, Permission{"ec2:CreateTags", ec2 + "volume/vol-0a", map[string]string{"aws:TagKeys": "regain:role"}}},
		"remove all tags":                {controller, Permission{"ec2:DeleteTags", ec2 + "volume/vol-0a", nil}},
		"launch untagged":                {controller, Permission{"ec2:RunInstances", ec2 + "instance/*", nil}},
		"a tag that others go by": {controller, Permission{"ec2:CreateTags", ec2 + "instance/*",
			map[string]string{"ec2:CreateAction": "RunInstances", "aws:TagKeys": "regain:run,project"}}},
		"pass another role":               {controller, Permission{"iam:PassRole", "arn:aws:iam::111122223333:role/admin", map[string]string{"iam:PassedToService": "ec2.amazonaws.com"}}},
		"pass the role to another":        {controller, Permission{"iam:PassRole", "arn:aws:iam::111122223333:role/regain-helper", map[string]string{"iam:PassedToService": "lambda.amazonaws.com"}}},
		"a command to the patient":        {controller, Permission{"ssm:SendCommand", ec2 + "instance/i-0a", map[string]string{"ssm:resourceTag/regain:run": "R"}}},
		"another document":                {controller, Permission{"ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunRemoteScript", nil}},
		"delete a foreign snapshot":       {controller, Permission{"ec2:DeleteSnapshot", "arn:aws:ec2:us-east-1::snapshot/snap-1", nil}},
		"delete a foreign VPC":            {controller, Permission{"ec2:DeleteVpc", ec2 + "vpc/vpc-1", map[string]string{"ec2:ResourceTag/regain:run": "R"}}},
		"a subnet in a foreign VPC":       {controller, Permission{"ec2:CreateSubnet", ec2 + "vpc/vpc-1", map[string]string{"aws:RequestTag/regain:run": "R", "aws:RequestTag/regain:role": "network"}}},
		"any parameter":                   {controller, Permission{"ssm:GetParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/prod/password", nil}},
		"a grant for oneself":             {controller, Permission{"kms:CreateGrant", "arn:aws:kms:us-east-1:111122223333:key/k1", map[string]string{"kms:ViaService": "ec2.us-east-1.amazonaws.com"}}},
		"decrypt directly":                {controller, Permission{"kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k1", nil}},
		"another bucket":                  {controller, Permission{"s3:PutObject", "arn:aws:s3:::somebody/regain", nil}},
		"make a role":                     {controller, Permission{"iam:CreateRole", "arn:aws:iam::111122223333:role/regain-helper", nil}},
		"helper: read the key":            {helper, Permission{"ssm:GetParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/ec2rl/openssh/i-0a/key", nil}},
		"helper: decrypt the key":         {helper, Permission{"kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/k1", map[string]string{"kms:ViaService": "ssm.us-east-1.amazonaws.com"}}},
		"helper: another parameter":       {helper, Permission{"ssm:PutParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/prod/password", nil}},
		"helper: encrypt something else":  {helper, Permission{"kms:Encrypt", "arn:aws:kms:us-east-1:111122223333:key/k1", map[string]string{"kms:ViaService": "ssm.us-east-1.amazonaws.com"}}},
		"helper: command another machine": {helper, Permission{"ssm:SendCommand", ec2 + "instance/i-0a", nil}},
		"helper: change a volume":         {helper, Permission{"ec2:DetachVolume", ec2 + "volume/vol-0a", nil}},
	} {
		if allows(tt.policies, tt.asked) {
			t.Errorf("%s: granted: %+v", name, tt.asked)
		}
	}
}

// TestHelperMayDoItsWork asks for the calls of agent/key and of the SSM agent.
func TestHelperMayDoItsWork(t *testing.T) {
	for partition, region := range partitions {
		policies := parsed(t, Helper(scopeOf(partition)))
		parameter := "arn:" + partition + ":ssm:" + region + ":111122223333:parameter/ec2rl/openssh/i-0a/key"
		for _, p := range []Permission{
			{"ssm:UpdateInstanceInformation", "*", nil},
			{"ssmmessages:OpenDataChannel", "*", nil},
			{"ec2messages:GetMessages", "*", nil},
			{"ssm:PutParameter", parameter, nil},
			{"ssm:PutParameter", parameter, map[string]string{"ssm:Overwrite": "true"}},
			{"ssm:AddTagsToResource", parameter, map[string]string{"aws:TagKeys": "regain:run,regain:fingerprint"}},
			{"kms:Encrypt", "arn:" + partition + ":kms:" + region + ":111122223333:key/k1", map[string]string{
				"kms:ViaService": "ssm." + region + "." + suffixOf(partition), "kms:EncryptionContext:PARAMETER_ARN": parameter,
			}},
		} {
			if !allows(policies, p) {
				t.Errorf("not granted: %+v", p)
			}
		}
	}
}

// TestFitsIAM wants sizes, names and ARNs that IAM takes.
func TestFitsIAM(t *testing.T) {
	sid := regexp.MustCompile(`^[A-Za-z0-9]+$`)
	for partition := range partitions {
		scope := scopeOf(partition)
		scope.TagKey, scope.TagValue = strings.Repeat("k", 128), strings.Repeat("v", 256) // the longest there are
		documents := append(Controller(scope), Helper(scope))
		if len(documents) > 5 {
			t.Errorf("%d policies: more than a role takes with ease", len(documents))
		}
		seen := map[string]bool{}
		for _, d := range documents {
			if d.Size() > maxSize || len(d.Statement) == 0 {
				t.Errorf("%s: a policy of %d statements has %d characters", partition, len(d.Statement), d.Size())
			}
			for _, s := range d.Statement {
				if !sid.MatchString(s.Sid) || seen[s.Sid] && s.Sid != "StoreKey" {
					t.Errorf("%q is no name of a statement, or names two", s.Sid)
				}
				seen[s.Sid] = true
				checkResources(t, partition, s)
			}
		}
	}
}

func checkResources(t *testing.T, partition string, s Statement) {
	for _, text := range slices.Concat(s.Resource, conditionValues(s.Condition)) {
		if strings.ContainsAny(text, "{}") {
			t.Errorf("%s: %s is left unfilled", s.Sid, text)
		}
		if strings.HasPrefix(text, "arn:") && !strings.HasPrefix(text, "arn:"+partition+":") {
			t.Errorf("%s: %s is of another partition", s.Sid, text)
		}
	}
}

func conditionValues(c Condition) (values []string) {
	for _, byKey := range c {
		for list := range maps.Values(byKey) {
			values = append(values, list...)
		}
	}
	return values
}

func TestGrantedBy(t *testing.T) {
	for action, want := range map[string][]string{
		"ec2:StopInstances": {"Patient"}, "ec2:RunInstances": {"Launch", "LaunchFrom"}, "iam:PassRole": {"HelperRole"}, "iam:CreateRole": nil,
	} {
		if got := GrantedBy(action); !slices.Equal(got, want) {
			t.Errorf("%s is granted by %v, want %v", action, got, want)
		}
	}
	for _, p := range Needed(targetOf("aws")) {
		if len(GrantedBy(p.Action)) == 0 {
			t.Errorf("nothing is said to grant %s", p.Action)
		}
	}
}

func TestTrust(t *testing.T) {
	for partition, want := range map[string]string{"aws": "ec2.amazonaws.com", "aws-cn": "ec2.amazonaws.com.cn", "aws-us-gov": "ec2.amazonaws.com"} {
		text, err := json.Marshal(Trust(Scope{Partition: partition}))
		if err != nil {
			t.Fatal(err)
		}
		d, err := lab.ParseTrust(text)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Trusts("sts:AssumeRole", []string{want}, nil) {
			t.Errorf("%s: %s does not trust %s", partition, text, want)
		}
	}
}

// TestNeededNamesWhatIsThere wants the ids of the target, and nothing unfilled.
func TestNeededNamesWhatIsThere(t *testing.T) {
	var all strings.Builder
	for _, p := range Needed(targetOf("aws")) {
		if strings.ContainsAny(p.Resource, "{}*") && p.Resource != "*" || p.Resource == "" {
			t.Errorf("%s on %q", p.Action, p.Resource)
		}
		all.WriteString(p.Action + " " + p.Resource + "\n")
	}
	for _, want := range []string{
		"ec2:StopInstances arn:aws:ec2:us-east-1:111122223333:instance/i-0a\n", "ec2:DetachVolume arn:aws:ec2:us-east-1:111122223333:volume/vol-0a\n",
		"ec2:RunInstances arn:aws:ec2:us-east-1:111122223333:subnet/subnet-0a\n", "ec2:RunInstances arn:aws:ec2:us-east-1::image/ami-0a\n",
		"kms:CreateGrant arn:aws:kms:us-east-1:111122223333:key/k2\n", "kms:Encrypt arn:aws:kms:us-east-1:111122223333:key/k3\n",
		"iam:PassRole arn:aws:iam::111122223333:role/regain-helper\n", "ssm:PutParameter arn:aws:ssm:us-east-1:111122223333:parameter/ec2rl/openssh/i-0a/key\n",
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("not asked for: %s", want)
		}
	}
}
