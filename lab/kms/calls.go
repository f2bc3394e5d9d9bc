package kms

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// crypto are the parameters of the calls that encrypt and decrypt.
type crypto struct {
	KeyID               string `json:"KeyId"`
	Plaintext           []byte
	CiphertextBlob      []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	KeySpec             string   // GenerateDataKey
	NumberOfBytes       int      // GenerateDataKey
	GrantTokens         []string // harmless: the lab has no grants
}

type encrypted struct {
	Blob      []byte `json:"CiphertextBlob"`
	KeyID     string `json:"KeyId"`
	Plaintext []byte `json:",omitempty"`
	Algorithm string `json:"EncryptionAlgorithm,omitempty"`
}

type decrypted struct {
	KeyID     string `json:"KeyId"`
	Plaintext []byte
	Algorithm string `json:"EncryptionAlgorithm"`
}

// direct is the ARN of a key that the caller may use without another service in
// between.
func (k *KMS) direct(name string) (arn string, err error) {
	k.file.View(func(doc *document) {
		var found *key
		if found, err = k.find(doc, name); err != nil {
			return
		}
		if arn = k.keyARN(found); found.Managed {
			err = managedFault(arn)
		}
	})
	return arn, err
}

func (p crypto) check() error {
	if p.EncryptionAlgorithm != "" && p.EncryptionAlgorithm != algorithm {
		return wire.Faultf("InvalidKeyUsageException", "%s is no algorithm of a symmetric key", p.EncryptionAlgorithm)
	}
	return nil
}

func (k *KMS) encrypt(p crypto) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if n, limit := len(p.Plaintext), rules.LimitOf("kms.plaintext"); n < 1 || n > limit {
		return nil, wire.Faultf("ValidationException", "1 validation error detected: the plaintext has %d bytes, not 1 to %d", n, limit)
	}
	arn, err := k.direct(p.KeyID)
	if err != nil {
		return nil, err
	}
	blob, err := k.Encrypt(arn, p.Plaintext, p.EncryptionContext)
	return encrypted{Blob: blob, KeyID: arn, Algorithm: algorithm}, err
}

func (k *KMS) decrypt(p crypto) (any, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	id, err := KeyOf(p.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	arn, err := k.direct(id)
	if err != nil {
		return nil, err
	}
	if p.KeyID != "" {
		asked, err := k.direct(p.KeyID)
		if err != nil {
			return nil, err
		}
		if asked != arn {
			return nil, wire.Faultf("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	plain, err := k.Decrypt(p.CiphertextBlob, p.EncryptionContext)
	return decrypted{KeyID: arn, Plaintext: plain, Algorithm: algorithm}, err
}

func (k *KMS) generateDataKey(p crypto) (any, error) {
	size := p.NumberOfBytes
	switch {
	case p.KeySpec == "AES_256" && size == 0:
		size = keySize
	case p.KeySpec == "AES_128" && size == 0:
		size = keySize / 2
	case p.KeySpec != "" || size < 1 || size > 1024:
		return nil, wire.Faultf("ValidationException", "Please specify either number of bytes or key spec.")
	}
	arn, err := k.direct(p.KeyID)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, size)
	if _, err := io.ReadFull(k.cfg.Rand, plain); err != nil {
		return nil, fmt.Errorf("cannot make a data key: %w", err)
	}
	blob, err := k.Encrypt(arn, plain, p.EncryptionContext)
	return encrypted{Blob: blob, KeyID: arn, Plaintext: plain}, err
}

// Checks are the questions that a call raises.
func (k *KMS) Checks(_ context.Context, c *wire.Call) ([]wire.Check, error) {
	var p struct {
		KeyID             string `json:"KeyId"`
		TargetKeyID       string `json:"TargetKeyId"`
		AliasName         string
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	if err := json.Unmarshal(c.JSON, &p); err != nil && len(c.JSON) > 0 {
		return nil, wire.Faultf("SerializationException", "The parameters of %s do not have the types that it wants", c.Action)
	}
	action := "kms:" + c.Action
	switch c.Action {
	case "CreateKey", "ListAliases":
		return []wire.Check{{Action: action, Resource: "*"}}, nil
	case "CreateAlias":
		return append(k.Check(action, p.TargetKeyID, nil, ""), wire.Check{Action: action, Resource: k.arn(p.AliasName)}), nil
	case "Decrypt":
		id, err := KeyOf(p.CiphertextBlob)
		if err != nil {
			return nil, err
		}
		return k.Check(action, id, p.EncryptionContext, ""), nil
	}
	return k.Check(action, p.KeyID, p.EncryptionContext, ""), nil
}

// Check is the question that the use of a key raises for a caller, directly or
// via a service ("ssm.us-east-1.amazonaws.com"). There is none where no key is
// found, which the call itself then says, nor for an AWS managed key: its policy
// lets every principal of the account use it through its service.
func (k *KMS) Check(action, id string, ec map[string]string, via string) []wire.Check {
	arn, _, customer, ok := k.Key(id)
	if !ok || !customer {
		return nil
	}
	about := map[string][]string{"kms:CallerAccount": {k.cfg.Account}}
	if via != "" {
		about["kms:ViaService"] = []string{via}
	}
	for name, value := range ec {
		about["kms:EncryptionContext:"+name] = []string{value}
	}
	if len(ec) > 0 {
		about["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(ec))
	}
	return []wire.Check{{Action: action, Resource: arn, Context: about}}
}
