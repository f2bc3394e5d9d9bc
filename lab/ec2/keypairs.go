package ec2

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// A keyPair is what EC2 keeps of one: the public half.
type keyPair struct {
	ID, Name, Type, Fingerprint string // rsa or ed25519
	Public                      string // as OpenSSH writes it, without a comment
	Made                        time.Time
}

func (a *account) keyPair(id string) (*keyPair, error) { return find(a.KeyPairs, keyPairKind, id) }

// keyPairNamed is the pair of a name; nil where there is none.
func (a *account) keyPairNamed(name string) *keyPair {
	for _, k := range a.KeyPairs {
		if k.Name == name {
			return k
		}
	}
	return nil
}

func lostKeyPair(name string) error {
	return wire.Faultf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", name)
}

// CreateKeyPair adds a pair as who owns the account may have made it, of rsa or
// ed25519, and returns the private half, which nobody keeps.
func (e *EC2) CreateKeyPair(name, kind string) (private string, err error) {
	if kind != "rsa" && kind != "ed25519" {
		return "", fmt.Errorf("cannot make a key pair of type %q: rsa and ed25519 are known", kind)
	}
	if private, _, err = e.makeKeyPair(name, kind, nil); err != nil {
		return "", fmt.Errorf("cannot make key pair %s: %w", name, err)
	}
	return private, nil
}

func (e *EC2) createKeyPair(_ context.Context, r *request) (any, error) {
	name, kind, tags := r.Require("KeyName"), r.String("KeyType"), r.tagsAtCreation("key-pair")["key-pair"]
	if format := r.String("KeyFormat"); format != "" && format != "pem" {
		r.Fail(wire.Faultf("UnsupportedOperation", "The lab writes private keys as pem only."))
	}
	if kind != "" && kind != "rsa" && kind != "ed25519" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter KeyType is invalid.", kind))
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	private, shown, err := e.makeKeyPair(name, kind, tags)
	if err != nil {
		return nil, err
	}
	return append(item{{"keyMaterial", private}}, shown...), nil
}

// makeKeyPair returns the private half, and what is shown of the pair.
func (e *EC2) makeKeyPair(name, kind string, tags map[string]string) (private string, shown item, err error) {
	private, public, fingerprint, err := e.newKey(kind)
	if err != nil {
		return "", nil, err
	}
	err = e.change(func(a *account, now time.Time) error {
		k, err := e.addKeyPair(a, name, public, tags, now)
		if err != nil {
			return err
		}
		k.Fingerprint = fingerprint
		shown = e.keyPairName(a, k)
		return nil
	})
	return private, shown, err
}

// newKey makes a pair: the private half as EC2 writes it down, and its fingerprint.
func (e *EC2) newKey(kind string) (private string, public ssh.PublicKey, fingerprint string, err error) {
	var key crypto.Signer
	var block *pem.Block
	if kind == "ed25519" {
		_, secret, err := ed25519.GenerateKey(e.Random)
		if err != nil {
			return "", nil, "", err
		}
		if block, err = ssh.MarshalPrivateKey(secret, ""); err != nil {
			return "", nil, "", err
		}
		key = secret
	} else {
		secret, err := rsa.GenerateKey(e.Random, rules.LimitOf("ec2.keypair.bits"))
		if err != nil {
			return "", nil, "", err
		}
		block = &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(secret)}
		whole, err := x509.MarshalPKCS8PrivateKey(secret)
		if err != nil {
			return "", nil, "", err
		}
		fingerprint, key = colons(sha1.Sum(whole)), secret
	}
	if public, err = ssh.NewPublicKey(key.Public()); err != nil {
		return "", nil, "", err
	}
	if fingerprint == "" {
		fingerprint, err = importedFingerprint(public)
	}
	return string(pem.EncodeToMemory(block)), public, fingerprint, err
}

// importKeyPair takes the public half of a pair, as OpenSSH writes it or in DER.
func (e *EC2) importKeyPair(_ context.Context, r *request) (any, error) {
	name, material, tags := r.Require("KeyName"), r.Require("PublicKeyMaterial"), r.tagsAtCreation("key-pair")["key-pair"]
	return e.act(r, func(a *account, now time.Time) (any, error) {
		public, err := readPublic(material)
		if err != nil {
			return nil, wire.Faultf("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
		}
		k, err := e.addKeyPair(a, name, public, tags, now)
		if err != nil {
			return nil, err
		}
		return e.keyPairName(a, k), nil
	})
}

// readPublic reads the material of a public key: the base64 of a line of OpenSSH, or of
// base64 of DER.
func readPublic(material string) (ssh.PublicKey, error) {
	text, err := base64.StdEncoding.DecodeString(material)
	if err != nil {
		return nil, err
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return public, checkPublic(public)
	}
	der, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		return nil, err
	}
	return public, checkPublic(public)
}

// checkPublic keeps to the types and lengths that EC2 takes.
func checkPublic(public ssh.PublicKey) error {
	switch key := public.(ssh.CryptoPublicKey).CryptoPublicKey().(type) {
	case ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		if slices.Contains([]int{1024, 2048, 4096}, key.N.BitLen()) {
			return nil
		}
	}
	return fmt.Errorf("EC2 takes no key like this")
}

func (e *EC2) addKeyPair(a *account, name string, public ssh.PublicKey, tags map[string]string, now time.Time) (*keyPair, error) {
	if a.keyPairNamed(name) != nil {
		return nil, wire.Faultf("InvalidKeyPair.Duplicate", "The keypair already exists")
	}
	if len(name) > rules.LimitOf("ec2.keypair.name") {
		return nil, wire.Faultf("InvalidParameterValue", "Value for parameter KeyName is invalid. Length exceeds maximum of %d.", rules.LimitOf("ec2.keypair.name"))
	}
	fingerprint, err := importedFingerprint(public)
	if err != nil {
		return nil, err
	}
	k := &keyPair{ID: e.newID(keyPairKind.prefix), Name: name, Type: keyType(public), Fingerprint: fingerprint, Public: authorized(public), Made: now}
	a.KeyPairs[k.ID] = k
	a.born(now, tags, k.ID)
	return k, nil
}

func (e *EC2) keyPairName(a *account, k *keyPair) item {
	return item{{"keyFingerprint", k.Fingerprint}, {"keyName", k.Name}, {"keyPairId", k.ID}, {"tagSet?", a.tagItems(k.ID)}}
}

func (e *EC2) keyPairItem(a *account, k *keyPair, _ time.Time) item {
	return append(e.keyPairName(a, k), item{{"keyType", k.Type}, {"createTime", k.Made}, {publicField, k.Public}}...)
}

// publicField stands in the answer of who asks for it.
const publicField = "publicKey"

var keyPairListing = listing{
	ids: "KeyPairId", set: "keySet", kind: keyPairKind, chosen: map[string]string{"KeyName": "keyName"},
	filters: map[string]string{"fingerprint": "keyFingerprint", "key-name": "keyName", "key-pair-id": "keyPairId"},
	rows:    rows(func(a *account) map[string]*keyPair { return a.KeyPairs }, (*EC2).keyPairItem),
}

func (e *EC2) describeKeyPairs(ctx context.Context, r *request) (any, error) {
	whole, names := r.Bool("IncludePublicKey"), r.Strings("KeyName")
	answer, err := keyPairListing.describe(e, ctx, r)
	if err != nil {
		return nil, err
	}
	found := answer.(item).get(keyPairListing.set).([]item)
	for _, name := range names {
		if !slices.ContainsFunc(found, func(k item) bool { return k.get("keyName") == name }) {
			return nil, lostKeyPair(name)
		}
	}
	for n, k := range found {
		if !whole {
			found[n] = slices.DeleteFunc(k, func(f field) bool { return f.name == publicField })
		}
	}
	return item{{keyPairListing.set, found}}, nil
}

// deleteKeyPair succeeds where there is no such pair, as EC2's does. Instances keep the
// public half that they were launched with.
func (e *EC2) deleteKeyPair(_ context.Context, r *request) (any, error) {
	name, id := r.String("KeyName"), r.String("KeyPairId")
	if name == "" && id == "" {
		r.Fail(wire.Faultf("MissingParameter", "Either KeyName or KeyPairId must be specified"))
	}
	return e.act(r, func(a *account, _ time.Time) (any, error) {
		k := a.KeyPairs[id]
		if id == "" {
			k = a.keyPairNamed(name)
		}
		if k != nil {
			drop(a, a.KeyPairs, k.ID)
		}
		return done, nil
	})
}
