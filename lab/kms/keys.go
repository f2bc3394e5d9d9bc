package kms

import (
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// keyOnly are the parameters of actions that name a key and nothing else.
type keyOnly struct {
	KeyID string `json:"KeyId"`
}

// metadata is a key as the API tells of it.
type metadata struct {
	Account     string     `json:"AWSAccountId"`
	KeyID       string     `json:"KeyId"`
	ARN         string     `json:"Arn"`
	Created     wire.Time  `json:"CreationDate"`
	Enabled     bool       `json:"Enabled"`
	Description string     `json:"Description"`
	Usage       string     `json:"KeyUsage"`
	State       State      `json:"KeyState"`
	Deletion    *wire.Time `json:"DeletionDate,omitempty"`
	Origin      string     `json:"Origin"`
	Manager     string     `json:"KeyManager"`
	OldSpec     string     `json:"CustomerMasterKeySpec"`
	Spec        string     `json:"KeySpec"`
	Algorithms  []string   `json:"EncryptionAlgorithms"`
	MultiRegion bool       `json:"MultiRegion"`
}

const (
	usage     = "ENCRYPT_DECRYPT"
	algorithm = "SYMMETRIC_DEFAULT" // as a key's spec and as the way to encrypt
	origin    = "AWS_KMS"
)

func (k *KMS) metadata(of *key) metadata {
	m := metadata{
		Account: k.cfg.Account, KeyID: of.ID, ARN: k.keyARN(of), Created: wire.Time{Time: of.Created},
		Enabled: of.State == Enabled, Description: of.Description, Usage: usage, State: of.State,
		Origin: origin, Manager: "CUSTOMER", OldSpec: algorithm, Spec: algorithm, Algorithms: []string{algorithm},
	}
	if of.Managed {
		m.Manager = "AWS"
	}
	if of.State == PendingDeletion {
		at := wire.Time{Time: of.Deletion}
		m.Deletion = &at
	}
	return m
}

type createKey struct {
	Description           string
	KeyUsage              string
	KeySpec               string
	CustomerMasterKeySpec string
	Origin                string
	MultiRegion           bool
	Tags                  []tag
}

func (k *KMS) createKey(p createKey) (any, error) {
	for _, given := range []struct{ have, only string }{
		{p.KeyUsage, usage}, {p.KeySpec, algorithm}, {p.CustomerMasterKeySpec, algorithm}, {p.Origin, origin},
	} {
		if given.have != "" && given.have != given.only {
			return nil, wire.Faultf("UnsupportedOperationException", "The lab has symmetric keys of its own only, not %s", given.have)
		}
	}
	if p.MultiRegion {
		return nil, wire.Faultf("UnsupportedOperationException", "The lab has one region")
	}
	made, err := k.newKey(p.Description)
	if err != nil {
		return nil, err
	}
	made.Tags = p.Tags
	err = k.file.Update(func(doc *document) error {
		doc.Keys = append(doc.Keys, made)
		return nil
	})
	return map[string]metadata{"KeyMetadata": k.metadata(&made)}, err
}

func (k *KMS) newKey(description string) (key, error) {
	random := make([]byte, 16+keySize)
	if _, err := io.ReadFull(k.cfg.Rand, random); err != nil {
		return key{}, fmt.Errorf("cannot make a key: %w", err)
	}
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80 // RFC 9562: version 4
	id := hex.EncodeToString(random[:16])
	id = strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
	return key{ID: id, Material: random[16:], Description: description, State: Enabled, Created: k.cfg.Now().UTC()}, nil
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func isUUID(s string) bool { return uuid.MatchString(s) }

type describeKey struct {
	keyOnly
	GrantTokens []string // harmless: the lab has no grants
}

func (k *KMS) describe(p describeKey) (any, error) {
	var m metadata
	var err error
	k.file.View(func(doc *document) {
		var found *key
		if found, err = k.find(doc, p.KeyID); err == nil {
			m = k.metadata(found)
		}
	})
	return map[string]metadata{"KeyMetadata": m}, err
}

// change updates a customer managed key that is in one of the states.
func (k *KMS) change(name string, from []State, f func(*key)) error {
	return k.file.Update(func(doc *document) error {
		found, err := k.find(doc, name)
		switch {
		case err != nil:
			return err
		case found.Managed:
			return managedFault(k.keyARN(found))
		case !slices.Contains(from, found.State):
			return k.stateFault(found)
		}
		f(found)
		return nil
	})
}

func managedFault(arn string) error {
	return wire.Faultf("AccessDeniedException", "The policy of the AWS managed key %s does not allow this", arn)
}

func (k *KMS) stateFault(of *key) error {
	switch of.State {
	case PendingDeletion:
		return wire.Faultf("KMSInvalidStateException", "%s is pending deletion.", k.keyARN(of))
	case Disabled:
		return wire.Faultf("DisabledException", "%s is disabled.", k.keyARN(of))
	default:
		return wire.Faultf("KMSInvalidStateException", "%s is not pending deletion.", k.keyARN(of))
	}
}

func (k *KMS) disable(p keyOnly) (any, error) {
	return struct{}{}, k.change(p.KeyID, []State{Enabled, Disabled}, func(of *key) { of.State = Disabled })
}

func (k *KMS) enable(p keyOnly) (any, error) {
	return struct{}{}, k.change(p.KeyID, []State{Enabled, Disabled}, func(of *key) { of.State = Enabled })
}

type scheduleDeletion struct {
	keyOnly
	PendingWindowInDays *int
}

func (k *KMS) scheduleDeletion(p scheduleDeletion) (any, error) {
	least, most := rules.LimitOf("kms.deletion.min"), rules.LimitOf("kms.deletion.max")
	days := most
	if p.PendingWindowInDays != nil {
		days = *p.PendingWindowInDays
	}
	if days < least || days > most {
		return nil, wire.Faultf("ValidationException", "PendingWindowInDays must be between %d and %d", least, most)
	}
	var changed key
	err := k.change(p.KeyID, []State{Enabled, Disabled}, func(of *key) {
		of.State, of.Window, of.Deletion = PendingDeletion, days, k.cfg.Now().UTC().Add(time.Duration(days)*24*time.Hour)
		changed = *of
	})
	return struct {
		KeyID    string    `json:"KeyId"`
		Deletion wire.Time `json:"DeletionDate"`
		State    State     `json:"KeyState"`
		Window   int       `json:"PendingWindowInDays"`
	}{k.keyARN(&changed), wire.Time{Time: changed.Deletion}, changed.State, changed.Window}, err
}

// cancelDeletion leaves a key disabled, as KMS does.
func (k *KMS) cancelDeletion(p keyOnly) (any, error) {
	var changed key
	err := k.change(p.KeyID, []State{PendingDeletion}, func(of *key) { of.State, changed = Disabled, *of })
	return keyOnly{k.keyARN(&changed)}, err
}
