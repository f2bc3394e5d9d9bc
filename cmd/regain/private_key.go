package main

import (
	"context"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"
)

// maxPrivateKey bounds the file, in bytes: an RSA key of 16,384 bits has 13 KB.
const maxPrivateKey = 64 << 10

// readRSAKey reads a private key, and asks for its passphrase if it has one.
// What is wrong with the file is said without what stands in it.
func (p *program) readRSAKey(path string) (*rsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxPrivateKey {
		return nil, &usageError{fmt.Sprintf("%q is too large for a private key", path), ""}
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &usageError{fmt.Sprintf("cannot read the private key: %v", err), "--key takes a file"}
	}
	defer clear(data)
	key, err := p.parsePrivateKey(path, data)
	switch usage := (*usageError)(nil); {
	case errors.As(err, &usage), errors.Is(err, context.Canceled):
		return nil, err
	case err != nil && isPublic(data):
		return nil, &usageError{fmt.Sprintf("%q holds a public key", path), "--key takes the private half, which a password is decrypted by"}
	case err != nil:
		return nil, &usageError{fmt.Sprintf("%q holds no private key that this program reads", path), "--key takes the .pem file of the key pair, or a key as ssh-keygen makes it"}
	}
	if own, ok := key.(*rsa.PrivateKey); ok {
		return own, nil
	}
	return nil, &usageError{fmt.Sprintf("the key in %q is not RSA", path), "Windows passwords are encrypted to RSA keys only"}
}

func (p *program) parsePrivateKey(path string, data []byte) (any, error) {
	if block, _ := pem.Decode(data); block != nil && block.Type == lockedPKCS8 {
		return p.unlock(path, func(phrase []byte) (any, error) { return openPKCS8(block.Bytes, phrase) })
	}
	key, err := ssh.ParseRawPrivateKey(data)
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		return p.unlock(path, func(phrase []byte) (any, error) { return ssh.ParseRawPrivateKeyWithPassphrase(data, phrase) })
	}
	return key, err
}

// isPublic recognises the other half.
func isPublic(data []byte) bool {
	if _, ok := fromPEM(data); ok {
		return true
	}
	_, _, _, _, err := ssh.ParseAuthorizedKey(data)
	return err == nil
}

// unlock asks for the passphrase.
func (p *program) unlock(path string, open func(phrase []byte) (any, error)) (any, error) {
	if !p.asks || p.secret == nil {
		return nil, &usageError{fmt.Sprintf("the key in %q has a passphrase, and there is nobody to ask for it", path), "run it on a terminal"}
	}
	phrase, err := p.secret(fmt.Sprintf("Passphrase of %q: ", path))
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		return nil, &usageError{fmt.Sprintf("cannot ask for the passphrase of %q: %v", path, err), ""}
	}
	defer clear(phrase)
	key, err := open(phrase)
	switch {
	case errors.Is(err, errForm):
		return nil, &usageError{fmt.Sprintf("%q is encrypted in a way that this program does not read", path), "ssh-keygen -p -f COPY writes a copy of it, with a passphrase, in the form of OpenSSH"}
	case err != nil:
		return nil, &usageError{fmt.Sprintf("the passphrase does not open %q", path), ""}
	}
	return key, nil
}
