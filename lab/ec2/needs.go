package ec2

import (
	"cmp"
	"context"
	"maps"
	"strconv"

	"github.com/seed-77750964/regain/lab/wire"
)

// needs says which permissions a call wants, in the terms of the Service
// Authorization Reference for Amazon EC2: on the resources that parameters name,
// and on those that it makes.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
type needs struct {
	on    []string // parameters that hold ids
	makes []string // types of resource
	more  func(*EC2, *account, *request, *asking)
}

// asking collects the questions to IAM.
type asking struct {
	e      *EC2
	a      *account
	action string
	checks []wire.Check
}

// Checks are the questions to IAM that a call raises.
func (e *EC2) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	checks := []wire.Check{{Action: "ec2:" + c.Action, Resource: "*"}}
	if a, ok := actionNamed(c.Action); ok {
		e.file.View(func(of *account) { checks = a.needs.checks(e, of, newRequest(c)) })
	}
	return checks, nil
}

func (n needs) checks(e *EC2, a *account, r *request) []wire.Check {
	q := &asking{e: e, a: a, action: r.action}
	for _, name := range n.on {
		for _, id := range append(r.Strings(name), r.String(name)) {
			q.resource(kindOf(id).name, id, nil)
		}
	}
	tags := r.tagsAtCreation() // whether they are right is not IAM's business
	for _, kind := range n.makes {
		q.creation(kind, tags[kind], nil)
	}
	if n.more != nil {
		n.more(e, a, r, q)
	}
	if len(q.checks) == 0 {
		q.ask("ec2:"+r.action, "*", nil)
	}
	return q.checks
}

func (q *asking) ask(action, resource string, context map[string][]string) {
	q.checks = append(q.checks, wire.Check{Action: action, Resource: resource, Context: context})
}

// resource asks about one that exists, with its tags.
func (q *asking) resource(kind, id string, more map[string][]string) {
	if id != "" {
		q.ask("ec2:"+q.action, q.e.arn(kind, id), merge(more, q.a.tagKeysOf(id)))
	}
}

// creation asks about one that is to be made, and about its tags.
func (q *asking) creation(kind string, tags map[string]string, more map[string][]string) {
	q.ask("ec2:"+q.action, q.e.arn(kind, "*"), merge(more, requestTags(tags)))
	if len(tags) > 0 {
		q.ask("ec2:CreateTags", q.e.arn(kind, "*"), merge(requestTags(tags), map[string][]string{"ec2:CreateAction": {q.action}}))
	}
}

// grant asks for what EBS needs of the caller to use a customer's key. EC2 begins with
// the call before it learns the answer.
func (q *asking) grant(key string) {
	if arn, _, customer, ok := q.e.Keys.Key(cmp.Or(key, defaultKey)); ok && customer {
		q.ask("kms:CreateGrant", arn, map[string][]string{
			"kms:GrantIsForAWSResource": {"true"}, "kms:ViaService": {"ec2." + q.e.Region + ".amazonaws.com"},
		})
		q.checks[len(q.checks)-1].Late = true
	}
}

func merge(all ...map[string][]string) map[string][]string {
	context := map[string][]string{}
	for _, m := range all {
		maps.Copy(context, m)
	}
	return context
}

func (a *account) tagKeysOf(id string) map[string][]string {
	context := map[string][]string{}
	for k, v := range a.Tags[id] {
		context["ec2:ResourceTag/"+k], context["aws:ResourceTag/"+k] = one(v), one(v)
	}
	return context
}

func requestTags(tags map[string]string) map[string][]string {
	context := map[string][]string{}
	for k, v := range tags {
		context["aws:RequestTag/"+k] = one(v)
	}
	if len(tags) > 0 {
		context["aws:TagKeys"] = keys(tags)
	}
	return context
}

func tagNeeds(_ *EC2, _ *account, r *request, q *asking) {
	tags := requestTags(tagsOf(r.Params))
	for _, id := range r.Strings("ResourceId") {
		q.resource(kindOf(id).name, id, tags)
	}
}

// associationNeeds asks about the two that an association joins.
func associationNeeds(_ *EC2, a *account, r *request, q *asking) {
	id := r.String("AssociationId")
	for _, t := range sorted(a.Routes) {
		if s, ok := t.Associations[id]; ok {
			q.resource("route-table", t.ID, nil)
			q.resource("subnet", s, nil)
		}
	}
}

// encryptedNeeds asks for grants on the keys of what is to be attached.
func encryptedNeeds(_ *EC2, a *account, r *request, q *asking) {
	var of []*volume
	if v := a.Volumes[r.String("VolumeId")]; v != nil {
		of = append(of, v)
	}
	for _, id := range r.Strings("InstanceId") {
		if i := a.Instances[id]; i != nil {
			of = append(of, a.volumesOf(i)...)
		}
	}
	asked := map[string]bool{}
	for _, v := range of {
		if v.Encrypted && !asked[v.Key] {
			asked[v.Key] = true
			q.grant(v.Key)
		}
	}
}

func createVolumeNeeds(_ *EC2, _ *account, r *request, q *asking) {
	encrypted, key := r.Bool("Encrypted"), r.String("KmsKeyId")
	volume := map[string][]string{"ec2:Encrypted": one(strconv.FormatBool(encrypted)), "ec2:AvailabilityZone": one(r.String("AvailabilityZone"))}
	q.creation("volume", r.tagsAtCreation()["volume"], volume)
	if encrypted {
		q.grant(key)
	}
}

// runNeeds: a launch is checked on every resource that it touches.
func runNeeds(e *EC2, a *account, r *request, q *asking) {
	ask, tags := r.runAsk(), r.tagsAtCreation()
	x := a.Images[ask.Image]
	q.resource("image", ask.Image, map[string][]string{"ec2:Owner": {imageOwner(x)}})
	instance := map[string][]string{
		"ec2:InstanceType": one(ask.Type), "ec2:RootDeviceType": one("ebs"), "ec2:MetadataHttpTokens": one(cmp.Or(ask.Metadata.Tokens, "required")),
		"ec2:MetadataHttpPutResponseHopLimit": one(strconv.Itoa(max(ask.Metadata.Hops, 1))),
	}
	if ask.Profile != "" {
		arn, role, _ := e.Roles.Profile(ask.Profile)
		instance["ec2:InstanceProfile"] = one(arn)
		q.ask("iam:PassRole", "arn:aws:iam::"+e.Account+":role/"+role, map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}})
	}
	q.creation("instance", tags["instance"], instance)
	q.creation("network-interface", tags["network-interface"], nil)
	q.creation("volume", tags["volume"], nil)
	if x != nil {
		for _, d := range devicesOf(x, ask.changes) {
			if d.volume.Encrypted {
				q.grant(d.key)
			}
		}
	}
	q.keyPair(a.keyPairNamed(ask.KeyName))
	s, err := a.subnetFor(ask.Subnet, ask.Zone)
	if err != nil {
		s = &subnet{ID: ask.Subnet}
	}
	q.resource("subnet", s.ID, nil)
	if len(ask.Groups) == 0 {
		ask.Groups = one(a.defaultGroup(s.Vpc).ID)
	}
	for _, g := range ask.Groups {
		q.resource("security-group", g, nil)
	}
}

func imageOwner(x *image) string {
	if x == nil {
		return ""
	}
	return cmp.Or(x.OwnerAlias, x.Owner)
}
