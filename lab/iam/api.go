package iam

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/seed-77750964/regain/lab/wire"
)

// Name is the signing name.
func (*IAM) Name() string { return "iam" }

// Actions are what the service answers.
func (*IAM) Actions() []string {
	return []string{"GetInstanceProfile", "GetRole", "GetUser", "ListInstanceProfiles", "SimulatePrincipalPolicy"}
}

// Checks are the questions to IAM itself.
func (i *IAM) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	p := c.Params()
	resource := c.Caller.ARN
	switch c.Action {
	case "GetInstanceProfile":
		resource = i.arn("instance-profile", p.String("InstanceProfileName"))
	case "ListInstanceProfiles":
		resource = i.arn("instance-profile", "")
	case "GetRole":
		resource = i.arn("role", p.String("RoleName"))
	case "GetUser":
		if name := p.String("UserName"); name != "" {
			resource = i.arn("user", name)
		}
	case "SimulatePrincipalPolicy":
		resource = p.String("PolicySourceArn")
	}
	return []wire.Check{{Action: "iam:" + c.Action, Resource: resource}}, nil
}

// Do carries out a call.
func (i *IAM) Do(_ context.Context, c *wire.Call) (any, error) {
	switch p := c.Params(); c.Action {
	case "GetInstanceProfile":
		return i.getProfile(p)
	case "ListInstanceProfiles":
		return i.listProfiles(p)
	case "GetRole":
		return i.getRole(p)
	case "GetUser":
		return i.getUser(c, p)
	default:
		return i.simulate(c, p)
	}
}

type roleXML struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  wire.Time
	AssumeRolePolicyDocument    string
	MaxSessionDuration          int `xml:",omitempty"`
}

type profileXML struct {
	Path, InstanceProfileName, InstanceProfileId, Arn string
	CreateDate                                        wire.Time
	Roles                                             []roleXML `xml:"Roles>member"`
}

func (i *IAM) roleXML(d *document, name string) roleXML {
	r := d.Roles[name]
	return roleXML{
		Path: "/", RoleName: name, RoleId: r.ID, Arn: i.RoleARN(name), CreateDate: wire.Time{Time: r.Created},
		AssumeRolePolicyDocument: url.QueryEscape(string(r.Trust)),
	}
}

func (i *IAM) profileXML(d *document, name string) profileXML {
	p := d.Profiles[name]
	return profileXML{
		Path: "/", InstanceProfileName: name, InstanceProfileId: p.ID, Arn: i.arn("instance-profile", name),
		CreateDate: wire.Time{Time: p.Created}, Roles: []roleXML{i.roleXML(d, p.Role)},
	}
}

func (i *IAM) getProfile(p *wire.Params) (any, error) {
	name := p.Require("InstanceProfileName")
	if err := p.Done(); err != nil {
		return nil, err
	}
	var answer struct{ InstanceProfile profileXML }
	err := noSuchEntity("Instance Profile", name)
	i.file.View(func(d *document) {
		if d.Profiles[name] != nil {
			answer.InstanceProfile, err = i.profileXML(d, name), nil
		}
	})
	return answer, err
}

func (i *IAM) listProfiles(p *wire.Params) (any, error) {
	p.Ignore("MaxItems", "PathPrefix", "Marker") // the lab has few, and all at /
	if err := p.Done(); err != nil {
		return nil, err
	}
	var answer struct {
		IsTruncated      bool
		InstanceProfiles []profileXML `xml:"InstanceProfiles>member"`
	}
	i.file.View(func(d *document) {
		for _, name := range slices.Sorted(maps.Keys(d.Profiles)) {
			answer.InstanceProfiles = append(answer.InstanceProfiles, i.profileXML(d, name))
		}
	})
	return answer, nil
}

func (i *IAM) getRole(p *wire.Params) (any, error) {
	name := p.Require("RoleName")
	if err := p.Done(); err != nil {
		return nil, err
	}
	var answer struct{ Role roleXML }
	err := noSuchEntity("role", name)
	i.file.View(func(d *document) {
		if d.Roles[name] != nil {
			answer.Role, err = i.roleXML(d, name), nil
			answer.Role.MaxSessionDuration = 3600
		}
	})
	return answer, err
}

func (i *IAM) getUser(c *wire.Call, p *wire.Params) (any, error) {
	name := p.String("UserName")
	if err := p.Done(); err != nil {
		return nil, err
	}
	if name == "" && c.Caller.Role != "" {
		return nil, wire.Faultf("ValidationError", "Must specify userName when calling with non-User credentials")
	}
	type userXML struct {
		Path, UserName, UserId, Arn string
		CreateDate                  wire.Time
	}
	var answer struct{ User userXML }
	err := noSuchEntity("user", name)
	i.file.View(func(d *document) {
		if name == "" {
			name = d.Keys[c.Caller.AccessKey].User
		}
		if u := d.Users[name]; u != nil {
			answer.User, err = userXML{"/", name, u.ID, i.arn("user", name), wire.Time{Time: u.Created}}, nil
		}
	})
	return answer, err
}

// noSuchEntity returns an error, not a *wire.Fault, so that it can be set to nil.
func noSuchEntity(kind, name string) error {
	return &wire.Fault{Code: "NoSuchEntity", Message: fmt.Sprintf("%s %s cannot be found.", kind, name), Status: http.StatusNotFound}
}
