package kms

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/seed-77750964/regain/lab/wire"
)

// A ciphertext is: format (1 byte), id of the key (16), nonce (12), and what
// AES-256-GCM made, whose additional data are the first two and the encryption
// context.
const (
	format    = 1
	keySize   = 32
	nonceSize = 12
	headSize  = 1 + 16
)

// additional are the data that a ciphertext authenticates but does not hold: its
// head and the encryption context, which must be the same for both ways.
func additional(head []byte, ec map[string]string) ([]byte, error) {
	if len(ec) == 0 {
		return head, nil
	}
	text, err := json.Marshal(ec) // sorted by key
	if err != nil {
		return nil, fmt.Errorf("cannot encode the encryption context: %w", err)
	}
	return append(bytes.Clone(head), text...), nil
}

// Encrypt encrypts with the key that an id, ARN or alias names. Whether the
// caller may is decided before, by the Checks of the service that asks.
func (k *KMS) Encrypt(id string, plain []byte, ec map[string]string) (blob []byte, err error) {
	k.file.View(func(doc *document) {
		var with *key
		if with, err = k.usable(doc, id); err == nil {
			blob, err = k.seal(with, plain, ec)
		}
	})
	return blob, err
}

// DataKey makes a key of 32 bytes and encrypts it.
func (k *KMS) DataKey(id string, ec map[string]string) (plain, blob []byte, err error) {
	plain = make([]byte, keySize)
	if _, err := io.ReadFull(k.cfg.Rand, plain); err != nil {
		return nil, nil, fmt.Errorf("cannot make a data key: %w", err)
	}
	blob, err = k.Encrypt(id, plain, ec)
	return plain, blob, err
}

// Decrypt decrypts what Encrypt or DataKey encrypted; the ciphertext names its
// key.
func (k *KMS) Decrypt(blob []byte, ec map[string]string) (plain []byte, err error) {
	id, err := KeyOf(blob)
	if err != nil {
		return nil, err
	}
	k.file.View(func(doc *document) {
		var with *key
		if with, err = k.usable(doc, id); err == nil {
			plain, err = open(with, blob, ec)
		}
	})
	return plain, err
}

// KeyOf is the id of the key that encrypted a ciphertext.
func KeyOf(blob []byte) (string, error) {
	if len(blob) < headSize+nonceSize || blob[0] != format {
		return "", errCiphertext()
	}
	id := hex.EncodeToString(blob[1:headSize])
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-"), nil
}

// errCiphertext has no message, as KMS's has none.
func errCiphertext() error { return &wire.Fault{Code: "InvalidCiphertextException"} }

func (k *KMS) usable(doc *document, id string) (*key, error) {
	found, err := k.find(doc, id)
	if err == nil && found.State != Enabled {
		return nil, k.stateFault(found)
	}
	return found, err
}

func (k *KMS) seal(with *key, plain []byte, ec map[string]string) ([]byte, error) {
	id, err := hex.DecodeString(strings.ReplaceAll(with.ID, "-", ""))
	if err != nil {
		return nil, fmt.Errorf("cannot read the id of a key: %w", err)
	}
	blob := append([]byte{format}, id...)
	head, err := additional(blob, ec)
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(with.Material)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(k.cfg.Rand, nonce); err != nil {
		return nil, fmt.Errorf("cannot make a nonce: %w", err)
	}
	return gcm.Seal(append(blob, nonce...), nonce, plain, head), nil
}

func open(with *key, blob []byte, ec map[string]string) ([]byte, error) {
	gcm, err := newGCM(with.Material)
	if err != nil {
		return nil, err
	}
	head, err := additional(blob[:headSize], ec)
	if err != nil {
		return nil, err
	}
	nonce, sealed := blob[headSize:headSize+nonceSize], blob[headSize+nonceSize:]
	plain, err := gcm.Open(nil, nonce, sealed, head)
	if err != nil {
		return nil, errCiphertext()
	}
	return plain, nil
}

func newGCM(material []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(material)
	if err != nil {
		return nil, fmt.Errorf("cannot use a key: %w", err)
	}
	return cipher.NewGCM(block)
}
