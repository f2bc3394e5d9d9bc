package iam

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"github.com/seed-77750964/regain/lab/iam/policy"
)

// Credentials are an access key with what belongs to it.
type Credentials struct {
	AccessKey string `json:"access_key"`
	Secret    string `json:"secret"`
	Token     string `json:"token,omitempty"`
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]{1,64}$`)

// EnsureUser makes a user with an access key, unless there is one; fresh tells which.
func (i *IAM) EnsureUser(name string) (c Credentials, fresh bool, err error) {
	err = i.update(func(d *document) error {
		if d.Users[name] != nil {
			for key, k := range d.Keys {
				if k.User == name {
					c = Credentials{AccessKey: key, Secret: k.Secret}
				}
			}
			return nil
		}
		id, err := i.id("AIDA")
		if err != nil {
			return err
		}
		if c.AccessKey, err = i.id("AKIA"); err != nil {
			return err
		}
		if c.Secret, err = i.secret(30); err != nil {
			return err
		}
		d.Users[name] = &user{ID: id, Created: i.cfg.Now(), Policies: map[string]json.RawMessage{}}
		d.Keys[c.AccessKey] = longKey{Secret: c.Secret, User: name}
		fresh = true
		return nil
	})
	return c, fresh, err
}

// A Role is what PutRole makes.
type Role struct {
	Name   string
	Trust  json.RawMessage // who may take it
	Rights json.RawMessage // its policy, named like the role
	Made   time.Time       // zero: now
}

// TrustService is a trust policy that lets a service take the role.
func TrustService(service string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sts:AssumeRole"}]}`, service))
}

// PutRole makes a role and an instance profile of its name. Where there is such a
// role, its trust and its policies are replaced.
func (i *IAM) PutRole(r Role) error {
	if !nameForm.MatchString(r.Name) {
		return fmt.Errorf("cannot make role %q: a name has 1 to 64 letters, digits and +=,.@_-", r.Name)
	}
	if _, err := policy.ParseTrust(r.Trust); err != nil {
		return err
	}
	if _, err := policy.Parse(r.Rights); err != nil {
		return err
	}
	if r.Made.IsZero() {
		r.Made = i.cfg.Now()
	}
	return i.update(func(d *document) error {
		if d.Roles[r.Name] == nil {
			roleID, err := i.id("AROA")
			if err != nil {
				return err
			}
			profileID, err := i.id("AIPA")
			if err != nil {
				return err
			}
			d.Roles[r.Name] = &role{ID: roleID, Created: r.Made}
			d.Profiles[r.Name] = &profile{ID: profileID, Created: r.Made, Role: r.Name}
		}
		d.Roles[r.Name].Trust = r.Trust
		d.Roles[r.Name].Policies = map[string]json.RawMessage{r.Name: r.Rights}
		return nil
	})
}

// PutPolicy attaches a policy to a user or a role, or replaces the one of that name.
func (i *IAM) PutPolicy(kind, principal, name string, rights json.RawMessage) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("cannot put policy %q: a name has 1 to 64 letters, digits and +=,.@_-", name)
	}
	if _, err := policy.Parse(rights); err != nil {
		return err
	}
	return i.onPolicies(kind, principal, func(policies map[string]json.RawMessage) { policies[name] = rights })
}

// DeletePolicy takes a policy away. One that is not there is no error.
func (i *IAM) DeletePolicy(kind, principal, name string) error {
	return i.onPolicies(kind, principal, func(policies map[string]json.RawMessage) { delete(policies, name) })
}

func (i *IAM) onPolicies(kind, principal string, change func(map[string]json.RawMessage)) error {
	return i.update(func(d *document) error {
		switch user, role := d.Users[principal], d.Roles[principal]; {
		case kind == "user" && user != nil:
			change(user.Policies)
		case kind == "role" && role != nil:
			change(role.Policies)
		default:
			return fmt.Errorf("cannot change the policies of %s %q: there is none", kind, principal)
		}
		return nil
	})
}

// Profile finds an instance profile by its name or ARN. A profile that is younger than
// the consistency window is not known yet to other services.
func (i *IAM) Profile(nameOrARN string) (arn, role string, ok bool) {
	i.file.View(func(d *document) {
		for name, p := range d.Profiles {
			settled := i.cfg.Now().Sub(p.Created) >= i.cfg.Pace.Of("consistency.iam.profile")
			if own := i.arn("instance-profile", name); settled && (nameOrARN == name || nameOrARN == own) {
				arn, role, ok = own, p.Role, true
			}
		}
	})
	return arn, role, ok
}

// RoleARN is the ARN of a role.
func (i *IAM) RoleARN(name string) string { return i.arn("role", name) }
