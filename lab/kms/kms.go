// Package kms is the lab's Key Management Service: symmetric keys with their
// states and aliases, and real AES-256-GCM with the encryption context as
// additional data. The key material stays in one file that root alone can read.
//
// It has no key policies beside the default one, which leaves everything to IAM,
// keeps no grants, and deletes no key: a key pending deletion stays so.
package kms

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/store"
	"github.com/seed-77750964/regain/lab/wire"
)

// Config is what the service depends on.
type Config struct {
	Dir       string // the lab's state
	Partition string // "aws"
	Region    string
	Account   string
	Now       func() time.Time
	Rand      io.Reader
}

// KMS holds the keys of one account and region.
type KMS struct {
	cfg  Config
	file *store.File[document]
}

// A document is what the state directory keeps.
type document struct {
	Keys    []key
	Aliases []alias
}

type key struct {
	ID          string // a UUID
	Material    []byte
	Description string
	State       State
	Managed     bool // by AWS: made for one service, used through it alone
	Created     time.Time
	Deletion    time.Time // of a key pending deletion
	Window      int       // days
	Tags        []tag
}

type alias struct {
	Name    string // alias/…
	Target  string // id of the key
	Created time.Time
}

type tag struct{ TagKey, TagValue string }

// A State is a key's state as DescribeKey tells it.
type State string

// The states of a key.
const (
	Enabled         State = "Enabled"
	Disabled        State = "Disabled"
	PendingDeletion State = "PendingDeletion"
)

// managed are the AWS managed keys that an account has from the start.
var managed = []string{"ebs", "ssm"}

// Open reads the keys from the state directory and makes the AWS managed ones
// where they are missing.
func Open(cfg Config) (*KMS, error) {
	file, err := store.Open[document](filepath.Join(cfg.Dir, "kms.json"))
	if err != nil {
		return nil, fmt.Errorf("cannot open the keys: %w", err)
	}
	k := &KMS{cfg: cfg, file: file}
	if err := file.Update(k.makeManaged); err != nil {
		return nil, fmt.Errorf("cannot make the managed keys: %w", err)
	}
	return k, nil
}

func (k *KMS) makeManaged(doc *document) error {
	for _, service := range managed {
		name := "alias/aws/" + service
		if slices.ContainsFunc(doc.Aliases, func(a alias) bool { return a.Name == name }) {
			continue
		}
		made, err := k.newKey("Default key that protects the data of " + service)
		if err != nil {
			return err
		}
		made.Managed = true
		doc.Keys = append(doc.Keys, made)
		doc.Aliases = append(doc.Aliases, alias{Name: name, Target: made.ID, Created: made.Created})
	}
	return nil
}

// Name is the signing name.
func (*KMS) Name() string { return "kms" }

// An action is one operation of the API.
type action struct {
	name string
	do   func(*KMS, *wire.Call) (any, error)
}

// actions are sorted by name.
var actions = []action{
	{"CancelKeyDeletion", with((*KMS).cancelDeletion)},
	{"CreateAlias", with((*KMS).createAlias)},
	{"CreateKey", with((*KMS).createKey)},
	{"Decrypt", with((*KMS).decrypt)},
	{"DescribeKey", with((*KMS).describe)},
	{"DisableKey", with((*KMS).disable)},
	{"EnableKey", with((*KMS).enable)},
	{"Encrypt", with((*KMS).encrypt)},
	{"GenerateDataKey", with((*KMS).generateDataKey)},
	{"ListAliases", with((*KMS).listAliases)},
	{"ScheduleKeyDeletion", with((*KMS).scheduleDeletion)},
}

// with decodes the parameters that f takes.
func with[P any](f func(*KMS, P) (any, error)) func(*KMS, *wire.Call) (any, error) {
	return func(k *KMS, c *wire.Call) (any, error) {
		var params P
		if err := c.Decode(&params); err != nil {
			return nil, err
		}
		return f(k, params)
	}
}

// Actions lists the operations.
func (*KMS) Actions() []string {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	return names
}

// Do carries out a call.
func (k *KMS) Do(_ context.Context, c *wire.Call) (any, error) {
	i, ok := slices.BinarySearchFunc(actions, c.Action, func(a action, name string) int { return cmp.Compare(a.name, name) })
	if !ok {
		return nil, wire.Faultf("UnknownOperationException", "The lab does not know %s", c.Action)
	}
	return actions[i].do(k, c)
}

// find is the key that an id, an ARN, an alias or the ARN of an alias names.
func (k *KMS) find(doc *document, name string) (*key, error) {
	id, isARN := name, false
	if rest, ok := strings.CutPrefix(name, "arn:"); ok {
		parts := strings.SplitN(rest, ":", 5)
		if len(parts) != 5 || parts[1] != "kms" {
			return nil, wire.Faultf("InvalidArnException", "Invalid arn %s", name)
		}
		if parts[2] != k.cfg.Region || parts[3] != k.cfg.Account {
			return nil, wire.Faultf("NotFoundException", "Invalid arn %s", parts[2])
		}
		id, isARN = strings.TrimPrefix(parts[4], "key/"), true
	}
	if strings.HasPrefix(id, "alias/") {
		i := slices.IndexFunc(doc.Aliases, func(a alias) bool { return a.Name == id })
		if i < 0 {
			return nil, wire.Faultf("NotFoundException", "Alias %s is not found.", k.arn(id))
		}
		id = doc.Aliases[i].Target
	}
	i := slices.IndexFunc(doc.Keys, func(have key) bool { return have.ID == id })
	switch {
	case i >= 0:
		return &doc.Keys[i], nil
	case !isARN && !isUUID(id):
		return nil, wire.Faultf("NotFoundException", "Invalid keyId '%s'", name)
	}
	return nil, wire.Faultf("NotFoundException", "Key '%s' does not exist", k.arn("key/"+id))
}

// arn is the ARN of key/… or alias/….
func (k *KMS) arn(resource string) string {
	return fmt.Sprintf("arn:%s:kms:%s:%s:%s", k.cfg.Partition, k.cfg.Region, k.cfg.Account, resource)
}

func (k *KMS) keyARN(of *key) string { return k.arn("key/" + of.ID) }

// Key tells other services of a key by its id, ARN or alias: whether it can be
// used, and whether it is the customer's. Who uses a customer's key needs leave by
// IAM; the policy of an AWS managed key gives it to everybody of the account.
func (k *KMS) Key(id string) (arn string, enabled, customer, ok bool) {
	k.file.View(func(doc *document) {
		found, err := k.find(doc, id)
		if err != nil {
			return
		}
		arn, enabled, customer, ok = k.keyARN(found), found.State == Enabled, !found.Managed, true
	})
	return arn, enabled, customer, ok
}
