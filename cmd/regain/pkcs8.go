package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// lockedPKCS8 is the type of a PEM block with a PKCS #8 key under a passphrase.
const lockedPKCS8 = "ENCRYPTED PRIVATE KEY"

// Forms of RFC 5958 (EncryptedPrivateKeyInfo) and RFC 8018 (PBES2 with PBKDF2).
type (
	lockedKey struct {
		Scheme pkix.AlgorithmIdentifier
		Data   []byte
	}
	pbes2 struct{ Derivation, Encryption pkix.AlgorithmIdentifier }
	pbk   struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// blockCipher is one that a key may be encrypted by, in CBC mode.
type blockCipher struct {
	keyLength int
	make      func([]byte) (cipher.Block, error)
}

// The identifiers: RFC 8018, appendix B and C, and NIST's of AES.
const (
	oidPBES2      = "1.2.840.113549.1.5.13"
	oidPBKDF2     = "1.2.840.113549.1.5.12"
	oidHMACSHA1   = "1.2.840.113549.2.7" // where none is given
	maxIterations = 10_000_000           // seconds
)

var prfs = map[string]func() hash.Hash{
	oidHMACSHA1: sha1.New, "1.2.840.113549.2.9": sha256.New, "1.2.840.113549.2.10": sha512.New384, "1.2.840.113549.2.11": sha512.New,
}

var blockCiphers = map[string]blockCipher{
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
}

var (
	errPassphrase = errors.New("the passphrase is wrong")
	errForm       = errors.New("it is encrypted in a way that this program does not read")
)

// openPKCS8 opens what openssl makes of a key and a passphrase.
func openPKCS8(der, phrase []byte) (any, error) {
	var locked lockedKey
	var scheme pbes2
	var kdf pbk
	var iv []byte
	if parse(der, &locked) != nil || locked.Scheme.Algorithm.String() != oidPBES2 || parse(locked.Scheme.Parameters.FullBytes, &scheme) != nil ||
		scheme.Derivation.Algorithm.String() != oidPBKDF2 || parse(scheme.Derivation.Parameters.FullBytes, &kdf) != nil || parse(scheme.Encryption.Parameters.FullBytes, &iv) != nil {
		return nil, errForm
	}
	prf := oidHMACSHA1
	if kdf.PRF.Algorithm != nil {
		prf = kdf.PRF.Algorithm.String()
	}
	how, known := blockCiphers[scheme.Encryption.Algorithm.String()]
	if !known || prfs[prf] == nil || kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return nil, errForm
	}
	key, err := pbkdf2.Key(prfs[prf], string(phrase), kdf.Salt, kdf.Iterations, how.keyLength)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := how.make(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != block.BlockSize() || len(locked.Data) == 0 || len(locked.Data)%block.BlockSize() != 0 {
		return nil, errForm
	}
	plain := make([]byte, len(locked.Data))
	defer clear(plain)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, locked.Data)
	whole, ok := unpadded(plain, block.BlockSize())
	if !ok {
		return nil, errPassphrase
	}
	private, err := x509.ParsePKCS8PrivateKey(whole)
	if err != nil {
		return nil, errPassphrase // one in 256 looks like padding
	}
	return private, nil
}

// parse reads DER with nothing behind it.
func parse(der []byte, into any) error {
	if rest, err := asn1.Unmarshal(der, into); err != nil || len(rest) > 0 {
		return fmt.Errorf("%d bytes are left: %w", len(rest), errors.Join(err, errForm))
	}
	return nil
}

// unpadded takes the padding off.
func unpadded(text []byte, size int) ([]byte, bool) {
	n := int(text[len(text)-1])
	if n < 1 || n > size {
		return nil, false
	}
	for _, b := range text[len(text)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return text[:len(text)-n], true
}
