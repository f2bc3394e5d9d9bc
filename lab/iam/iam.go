// Package iam is the lab's Identity and Access Management and its Security Token
// Service: users with access keys, roles, instance profiles and the credentials of
// sessions. It decides whether a caller may do something; the rules of that are in
// the package policy.
//
// It has no managed policies, groups, boundaries or organisations, and creates
// nothing through its API: who owns the lab does that by the methods here.
package iam

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/store"
)

// Config is what the service depends on.
type Config struct {
	Dir       string // the lab's state
	Partition string
	Region    string
	Account   string
	Pace      rules.Pace
	Now       func() time.Time
	Rand      io.Reader
	// Enforce means that users have the policies attached to them; else each is an
	// administrator.
	Enforce bool
}

// IAM holds the principals of one account.
type IAM struct {
	cfg  Config
	file *store.File[document]
}

// A document is what the state directory keeps.
type document struct {
	Users    map[string]*user
	Roles    map[string]*role
	Profiles map[string]*profile
	Keys     map[string]longKey // by access key
	Sessions map[string]session // by access key
}

type user struct {
	ID       string
	Created  time.Time
	Policies map[string]json.RawMessage
}

type role struct {
	ID       string
	Created  time.Time
	Trust    json.RawMessage
	Policies map[string]json.RawMessage
}

type profile struct {
	ID      string
	Created time.Time
	Role    string
}

type longKey struct{ Secret, User string }

// A session is what a role's temporary credentials stand for.
type session struct {
	Secret, Token   string
	Role, Name      string
	Instance        string
	Policy          json.RawMessage `json:",omitempty"` // narrows the role's
	Issued, Expires time.Time
}

// Open reads the principals from the state directory.
func Open(cfg Config) (*IAM, error) {
	file, err := store.Open[document](filepath.Join(cfg.Dir, "iam.json"))
	if err != nil {
		return nil, err
	}
	return &IAM{cfg: cfg, file: file}, nil
}

// update changes the document, whose maps are there.
func (i *IAM) update(change func(*document) error) error {
	return i.file.Update(func(d *document) error {
		if d.Users == nil {
			*d = document{map[string]*user{}, map[string]*role{}, map[string]*profile{}, map[string]longKey{}, map[string]session{}}
		}
		return change(d)
	})
}

func (i *IAM) arn(kind, name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:%s/%s", i.cfg.Partition, i.cfg.Account, kind, name)
}

// id makes an identifier as IAM's are: a prefix that tells the kind, and 16 characters.
func (i *IAM) id(prefix string) (string, error) {
	random, err := i.random(10)
	return prefix + base32.StdEncoding.EncodeToString(random), err
}

func (i *IAM) secret(size int) (string, error) {
	random, err := i.random(size)
	return base64.StdEncoding.EncodeToString(random), err
}

func (i *IAM) random(size int) ([]byte, error) {
	random := make([]byte, size)
	if _, err := io.ReadFull(i.cfg.Rand, random); err != nil {
		return nil, fmt.Errorf("cannot get random bytes: %w", err)
	}
	return random, nil
}
