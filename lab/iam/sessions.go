package iam

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// remembered is how long credentials that have ended are told from unknown ones.
const remembered = 24 * time.Hour

// shortest is the least that the credentials of an instance last, however fast the
// lab's time runs: clients renew credentials that end within minutes at each call.
const shortest = time.Minute

var errNoRole = errors.New("there is no such role")

// Credential looks an access key up; it makes an IAM a wire.Keys.
func (i *IAM) Credential(_ context.Context, accessKey string) (c wire.Credential, ok bool) {
	i.file.View(func(d *document) {
		if k, found := d.Keys[accessKey]; found {
			owner := wire.Identity{Account: i.cfg.Account, ARN: i.arn("user", k.User), UserID: d.Users[k.User].ID}
			c, ok = wire.Credential{Secret: k.Secret, Owner: owner}, true
		}
		if s, found := d.Sessions[accessKey]; found {
			c, ok = wire.Credential{Secret: s.Secret, Token: s.Token, Expires: s.Expires, Owner: i.identity(d, s)}, true
		}
	})
	return c, ok
}

// identity is who a session is.
func (i *IAM) identity(d *document, s session) wire.Identity {
	id := wire.Identity{
		Account: i.cfg.Account, ARN: "arn:" + i.cfg.Partition + ":sts::" + i.cfg.Account + ":assumed-role/" + s.Role + "/" + s.Name,
		Role: s.Role, Instance: s.Instance,
	}
	if role := d.Roles[s.Role]; role != nil {
		id.UserID = role.ID + ":" + s.Name
	}
	return id
}

// RoleCredentials are what the metadata service of an instance hands out. They are the
// same until shortly before they end; then there are new ones, while the old ones last.
func (i *IAM) RoleCredentials(role, instance string) (accessKey, secret, token string, expires time.Time, err error) {
	now := i.cfg.Now()
	lifetime := max(i.cfg.Pace.Of("iam.instance.lifetime"), shortest)
	early := min(i.cfg.Pace.Of("iam.instance.rotation"), lifetime/4)
	i.file.View(func(d *document) {
		for key, s := range d.Sessions {
			if s.Instance == instance && s.Role == role && s.Expires.Sub(now) > early && s.Expires.After(expires) {
				accessKey, secret, token, expires = key, s.Secret, s.Token, s.Expires
			}
		}
	})
	if accessKey != "" {
		return accessKey, secret, token, expires, nil
	}
	expires = now.Add(lifetime).UTC().Truncate(time.Second)
	c, err := i.issue(session{Role: role, Name: instance, Instance: instance, Issued: now, Expires: expires})
	return c.AccessKey, c.Secret, c.Token, expires, err
}

// issue makes the credentials of a session.
func (i *IAM) issue(s session) (Credentials, error) {
	key, err := i.id("ASIA")
	if err != nil {
		return Credentials{}, err
	}
	if s.Secret, err = i.secret(30); err != nil {
		return Credentials{}, err
	}
	if s.Token, err = i.secret(180); err != nil {
		return Credentials{}, err
	}
	err = i.update(func(d *document) error {
		if d.Roles[s.Role] == nil {
			return errNoRole
		}
		for key, old := range d.Sessions {
			if s.Issued.Sub(old.Expires) > remembered {
				delete(d.Sessions, key)
			}
		}
		d.Sessions[key] = s
		return nil
	})
	return Credentials{AccessKey: key, Secret: s.Secret, Token: s.Token}, err
}

// policies are the documents that apply to a caller: of the user or role, and those
// that narrow the session, if any.
func (i *IAM) policies(caller wire.Identity) (own map[string]json.RawMessage, narrowed json.RawMessage) {
	i.file.View(func(d *document) {
		if key, ok := d.Keys[caller.AccessKey]; ok {
			own = copied(d.Users[key.User].Policies)
		}
		if s, ok := d.Sessions[caller.AccessKey]; ok {
			narrowed = s.Policy
			if role := d.Roles[s.Role]; role != nil {
				own = copied(role.Policies)
			}
		}
	})
	return own, narrowed
}

func copied(policies map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for name, p := range policies {
		out[name] = append(json.RawMessage(nil), p...)
	}
	return out
}
