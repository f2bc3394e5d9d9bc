package controller

import (
	"context"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"strings"
)

// stranger tells whether a key is not that of the instance's key pair, as EC2 has it
// by that name now. It may have been another when the instance was launched: whoever
// waits for a password is told, and waits.
func (c *Controller) stranger(ctx context.Context, keyName string, key *rsa.PrivateKey) bool {
	if keyName == "" {
		return false
	}
	pair, err := c.Cloud.KeyPair(ctx, keyName)
	if err != nil || pair.Type != "rsa" {
		return false // it is not known
	}
	has := strings.ReplaceAll(pair.Fingerprint, ":", "")
	made, imported := fingerprints(key)
	switch len(has) {
	case len(made):
		return has != made
	case len(imported):
		return has != imported
	}
	return false
}

// fingerprints are what EC2 shows of a key pair that it has made, which is of the
// private half, and of one that was imported, which is of the public half (EC2 User
// Guide, "Verify the fingerprint of your key pair"). They guard nothing here.
func fingerprints(key *rsa.PrivateKey) (made, imported string) {
	if private, err := x509.MarshalPKCS8PrivateKey(key); err == nil {
		sum := sha1.Sum(private)
		made = hex.EncodeToString(sum[:])
		clear(private)
	}
	if public, err := x509.MarshalPKIXPublicKey(&key.PublicKey); err == nil {
		sum := md5.Sum(public)
		imported = hex.EncodeToString(sum[:])
	}
	return made, imported
}
