// Package key makes SSH key pairs in memory and hands the private half to a
// store: Parameter Store, or a file that root alone can read. It writes the
// private half nowhere else, and wipes its own copies as far as Go allows; what
// the AWS SDK copies on its way to the wire is beyond its reach.
//
// It knows nothing of volumes and imports neither rescue nor offline's Volume.
package key

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/offline/sshkey"
)

// Type is a kind of key pair that regain makes.
type Type string

// The types, in the order of preference.
const (
	Ed25519 Type = "ed25519"
	ECDSA   Type = "ecdsa" // NIST P-256
	RSA     Type = "rsa"   // 3072 bits
)

// Types lists them all, the preferred first.
func Types() []Type { return []Type{Ed25519, ECDSA, RSA} }

// Algorithm is the SSH name of the public key.
func (t Type) Algorithm() string {
	switch t {
	case ECDSA:
		return ssh.KeyAlgoECDSA256
	case RSA:
		return ssh.KeyAlgoRSA
	default:
		return ssh.KeyAlgoED25519
	}
}

const rsaBits = 3072

// Bits is the size of the key as ssh-keygen -l prints it.
func (t Type) Bits() int {
	if t == RSA {
		return rsaBits
	}
	return 256
}

// Pair is a key pair whose private half exists in this process alone.
type Pair struct {
	Public sshkey.Public
	pem    []byte // OpenSSH private key format, without passphrase
}

// Generate makes a key pair. Wipe it when the private half is stored.
func Generate(t Type, comment string) (*Pair, error) {
	private, public, err := generate(t)
	if err != nil {
		return nil, fmt.Errorf("cannot generate the key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the key: %w", err)
	}
	defer clear(block.Bytes)
	half, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the public key: %w", err)
	}
	pub, err := sshkey.ParseBlob(half.Marshal())
	if err != nil {
		return nil, fmt.Errorf("cannot encode the public key: %w", err)
	}
	pub.Comment = []byte(comment)
	return &Pair{Public: pub, pem: pem.EncodeToMemory(block)}, nil
}

func generate(t Type) (crypto.PrivateKey, crypto.PublicKey, error) {
	switch t {
	case Ed25519:
		pub, priv, err := ed25519.GenerateKey(rand.Reader)
		return priv, pub, err
	case ECDSA:
		priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		return priv, priv.Public(), nil
	case RSA:
		priv, err := rsa.GenerateKey(rand.Reader, rsaBits)
		if err != nil {
			return nil, nil, err
		}
		return priv, priv.Public(), nil
	}
	return nil, nil, fmt.Errorf("%q is not a type of key: use ed25519, ecdsa or rsa", t)
}

// Wipe overwrites the private half.
func (p *Pair) Wipe() {
	clear(p.pem)
	p.pem = nil
}
