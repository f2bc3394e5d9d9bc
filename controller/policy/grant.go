package policy

import (
	"slices"
	"strings"
)

// grant is a line of the catalogue: what is asked for, on what, under which
// conditions, and why. Resources and values hold places for what a Scope or a
// Target knows: {region}, {instance}, ….
type grant struct {
	sid     string
	why     string
	only    func(Features) bool // nil: always
	actions []string
	implied []string // granted too; see Implied
	on      []string
	patient bool // the resources are the patient's: its opt-in tag is a condition
	when    []when
}

// when is one condition.
type when struct {
	operator, key string
	values        []string
}

// Features are the parts of a rescue that need permissions of their own.
type Features struct {
	Image          bool // a backup by AMI
	Snapshot       bool // a backup by snapshot
	NewVPC         bool // a temporary network
	ControllerKeys bool // the controller makes and stores the key
	FetchKey       bool // regain key, regain ssh
	Groups         bool // instances of Auto Scaling groups
	Delivery       bool // the agent goes through S3
	OwnKeys        bool // KMS keys that the customer manages
	Windows        bool // instances that run Windows
}

// All is every feature.
func All() Features {
	return Features{Image: true, Snapshot: true, NewVPC: true, ControllerKeys: true, FetchKey: true, Groups: true, Delivery: true, OwnKeys: true, Windows: true}
}

// Scope is where a policy is to hold.
type Scope struct {
	Partition string // aws, aws-cn, aws-us-gov, …
	Region    string // empty: any
	Account   string
	// Suffix is the partition's domain; empty: looked up.
	Suffix string
	// TagKey and TagValue, when set, are the tag that an instance must carry
	// before a rescue may touch it.
	TagKey, TagValue string
	Role             string // the helper's, by name; empty: regain-helper
	Profile          string // the helper's instance profile; empty: as the role
	Bucket           string // delivers the agent; empty: the account's default
	KMSKeys          []string
	Features         Features
}

// suffixes are the domains of the partitions that have one of their own.
var suffixes = map[string]string{
	"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov",
	"aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov", "aws-eusc": "amazonaws.eu",
}

func suffixOf(partition string) string {
	if s, ok := suffixes[partition]; ok {
		return s
	}
	return "amazonaws.com"
}

// DefaultRole is the helper's role and instance profile, as the templates make
// them.
const DefaultRole = "regain-helper"

// DefaultBucket is the bucket that the template makes.
func DefaultBucket(account, region string) string { return "regain-" + account + "-" + region }

// filled sets what is empty to what it stands for.
func (s Scope) filled() Scope {
	or := func(text *string, other string) {
		if *text == "" {
			*text = other
		}
	}
	or(&s.Region, "*")
	or(&s.Suffix, suffixOf(s.Partition))
	or(&s.Role, DefaultRole)
	or(&s.Profile, s.Role)
	or(&s.Bucket, DefaultBucket(s.Account, s.Region))
	return s
}

// expand fills the places of a text; what a scope does not know is a "*".
func (s Scope) expand(text string) string {
	s = s.filled()
	return strings.NewReplacer(
		"{partition}", s.Partition, "{region}", s.Region, "{account}", s.Account, "{suffix}", s.Suffix,
		"{role}", s.Role, "{profile}", s.Profile, "{bucket}", s.Bucket,
		"{instance}", "*", "{helper}", "*", "{volume}", "*", "{subnet}", "*", "{vpc}", "*", "{image}", "*", "{group}", "*", "{new}", "*",
		"{parameter}", "/ec2rl/openssh/*/key", "{run}", "?*", "{caller}", "*",
	).Replace(text)
}

// statements are the grants that the scope's features need.
func (s Scope) statements(grants []grant) []Statement {
	var statements []Statement
	for _, g := range grants {
		if g.only == nil || g.only(s.Features) {
			statements = append(statements, s.statement(g))
		}
	}
	return statements
}

func (s Scope) statement(g grant) Statement {
	st := Statement{Sid: g.sid, Effect: "Allow", Action: slices.Concat(g.actions, g.implied)}
	slices.Sort(st.Action)
	for _, r := range g.on {
		if r == kmsKey && len(s.KMSKeys) > 0 {
			st.Resource = append(st.Resource, s.KMSKeys...)
			continue
		}
		st.Resource = append(st.Resource, s.expand(strings.ReplaceAll(r, "{key}", "*")))
	}
	conditions := g.when
	if g.patient && s.TagKey != "" {
		conditions = append(slices.Clone(conditions), when{"StringEquals", "ec2:ResourceTag/" + s.TagKey, []string{s.TagValue}})
	}
	for _, w := range conditions {
		st.Condition = st.Condition.with(s, w)
	}
	return st
}

// with adds a condition; what turned out to hold wildcards is compared as such.
func (c Condition) with(s Scope, w when) Condition {
	if c == nil {
		c = Condition{}
	}
	values := make([]string, len(w.values))
	for i, v := range w.values {
		values[i] = s.expand(v)
		if strings.ContainsAny(values[i], "*?") {
			w.operator = strings.Replace(w.operator, "StringEquals", "StringLike", 1)
		}
	}
	if c[w.operator] == nil {
		c[w.operator] = map[string][]string{}
	}
	c[w.operator][w.key] = values
	return c
}
