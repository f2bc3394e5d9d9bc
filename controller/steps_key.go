package controller

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller/flow"
)

// makeKey makes the key pair of KeysController. The private half is stored
// before the public one goes anywhere: what is let in is held by somebody. A
// crash in between leaves a version that opens nothing, and another is made.
func (b *bracket) makeKey(ctx context.Context, r *Rescue) (flow.Wait, error) {
	if r.Ask.Keys != KeysController || r.Public != "" {
		return flow.Wait{}, nil
	}
	name := parameterName(r.Ask.Instance)
	if r.Rebuilt {
		if err := b.recall(ctx, r); err != nil {
			return flow.Wait{}, err
		}
		if a := r.attempt(); a != nil && a.Command != "" {
			return flow.Wait{}, b.readPublic(ctx, r, name)
		}
	}
	public, private, err := makePair(r.Ask.KeyType, "regain "+r.Ask.Instance)
	if err != nil {
		return flow.Wait{}, err
	}
	defer clear(private)
	version, err := b.cloud.StoreSecret(ctx, name, private, r.Ask.KMSKey, "SSH key of "+r.Ask.Instance+", made by regain run "+r.Run, true)
	if err != nil {
		return flow.Wait{}, err
	}
	r.Public, r.Param = public, &Parameter{Name: name, Version: version}
	return flow.Wait{}, nil
}

// readPublic finds the public half of the pair that was sent to the agent: it
// was stored before, and nothing since.
func (b *bracket) readPublic(ctx context.Context, r *Rescue, name string) error {
	private, parameter, err := b.cloud.Secret(ctx, name, 0)
	if err != nil {
		return fmt.Errorf("cannot tell which key was made: %w", err)
	}
	defer clear(private)
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return fmt.Errorf("cannot tell which key was made: %s holds none", name)
	}
	r.Public, r.Param = authorized(signer.PublicKey()), &parameter
	return nil
}

const rsaBits = 3072

// makePair makes an ed25519 pair, or an RSA one where that is asked for. The
// caller wipes the private half, an OpenSSH file.
func makePair(kind, comment string) (public string, private []byte, err error) {
	var key crypto.Signer
	switch kind {
	case "", "auto", "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		err = fmt.Errorf("a key of type %q is made by the agent only: use --keys agent", kind)
	}
	if err != nil {
		return "", nil, fmt.Errorf("cannot make the key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, comment)
	if err != nil {
		return "", nil, fmt.Errorf("cannot encode the key: %w", err)
	}
	defer clear(block.Bytes)
	half, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return "", nil, fmt.Errorf("cannot encode the key: %w", err)
	}
	return authorized(half), pem.EncodeToMemory(block), nil
}

// authorized is a public key as a line of authorized_keys.
func authorized(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}
