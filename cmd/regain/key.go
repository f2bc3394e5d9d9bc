package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"github.com/seed-77750964/regain/controller"
)

type keyFlags struct {
	out           string
	agent, stdout bool
	lifetime      time.Duration
	version       int64
	parameter     string
}

func (p *program) key() *cobra.Command {
	k := &keyFlags{}
	cmd := &cobra.Command{
		Use:   "key INSTANCE",
		Short: "Fetch the new private key",
		Long: `key fetches the private key that a reset has stored, and writes it to a file
that only you can read, named after the instance unless --out says otherwise.
A file that exists is never overwritten.

With --agent the key goes to your ssh-agent instead, and to no disk. With
--stdout it is printed, for those who know why.`,
		Example: `regain key i-0123456789abcdef0
regain key i-0123456789abcdef0 --agent --lifetime 1h
regain key i-0123456789abcdef0 --out ~/.ssh/rescued --version 2`,
		Args: arguments(1, 1, "the id of an instance"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.doKey(cmd.Context(), k, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&k.out, "out", "", "`file` to write (default: regain-INSTANCE in this directory)")
	f.BoolVar(&k.agent, "agent", false, "give the key to the ssh-agent at $SSH_AUTH_SOCK")
	f.DurationVar(&k.lifetime, "lifetime", 0, "let the ssh-agent forget it after this `long`, as in 1h")
	f.BoolVar(&k.stdout, "stdout", false, "print the key")
	f.Int64Var(&k.version, "version", 0, "`version` of the parameter (default: the newest)")
	f.StringVar(&k.parameter, "parameter", "", "`name` of the parameter (default: /ec2rl/openssh/INSTANCE/key)")
	cmd.PreRunE = exclusive("out", "agent", "stdout")
	return cmd
}

func (p *program) doKey(ctx context.Context, k *keyFlags, instance string) error {
	if err := controller.CheckInstanceID(instance); err != nil {
		return &usageError{err.Error(), ""}
	}
	if k.parameter == "" {
		k.parameter = controller.ParameterName(instance)
	}
	if k.out == "" {
		k.out = "regain-" + instance
	}
	cloud, err := p.connect(ctx, p.account)
	if err != nil {
		return err
	}
	secret, parameter, err := cloud.Secret(ctx, k.parameter, k.version)
	if err != nil {
		return &noKey{parameter: k.parameter, err: err}
	}
	defer clear(secret)
	pair, err := ssh.ParseRawPrivateKey(secret)
	if err != nil {
		return fmt.Errorf("%s (version %d) holds no private key", k.parameter, parameter.Version) // the cause might quote it
	}
	signer, err := ssh.NewSignerFromKey(pair)
	if err != nil {
		return fmt.Errorf("cannot use the key in %s: %w", k.parameter, err)
	}
	return p.handOver(k, secret, pair, handed{
		Parameter: k.parameter, Version: parameter.Version, Modified: parameter.Modified, Fingerprint: ssh.FingerprintSHA256(signer.PublicKey()),
	})
}

// handed is what is said of a key, never the key.
type handed struct {
	Parameter   string    `json:"parameter"`
	Version     int64     `json:"version"`
	Modified    time.Time `json:"modified"`
	Fingerprint string    `json:"fingerprint"`
	File        string    `json:"file,omitempty"`
	Agent       bool      `json:"agent,omitempty"`
}

func (p *program) handOver(k *keyFlags, secret []byte, pair crypto.PrivateKey, h handed) error {
	switch {
	case k.stdout:
		if _, err := p.stdout.Write(secret); err != nil {
			return fmt.Errorf("cannot print the key: %w", err)
		}
		return nil
	case k.agent:
		if err := p.toAgent(pair, h, k.lifetime); err != nil {
			return err
		}
		h.Agent = true
	default:
		if err := writeKey(k.out, secret); err != nil {
			return err
		}
		h.File = k.out
	}
	if p.json {
		p.object(map[string]any{"key": h})
		return nil
	}
	where := "in your ssh-agent"
	if h.File != "" {
		where = h.File
	}
	p.print(fmt.Sprintf("%s\n  %s, version %d of %s, stored %s\n", where, h.Fingerprint, h.Version, h.Parameter, h.Modified.UTC().Format(time.RFC3339)))
	return nil
}

// writeKey makes a new file, whole and durable, or none.
func writeKey(path string, secret []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{fmt.Sprintf("%q exists, and is not overwritten", path), "name another file with --out"}
	}
	if err != nil {
		return fmt.Errorf("cannot write the key: %w", err)
	}
	_, err = f.Write(secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("cannot write the key: %w", err), os.Remove(path))
	}
	return nil
}

func (p *program) toAgent(pair crypto.PrivateKey, h handed, lifetime time.Duration) error {
	path := p.env("SSH_AUTH_SOCK")
	if path == "" {
		return &usageError{"there is no ssh-agent: SSH_AUTH_SOCK is not set", `start one with: eval "$(ssh-agent)"`}
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return fmt.Errorf("cannot reach the ssh-agent: %w", err)
	}
	defer conn.Close()
	err = sshagent.NewClient(conn).Add(sshagent.AddedKey{PrivateKey: pair, Comment: h.Parameter, LifetimeSecs: uint32(lifetime.Seconds())})
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot add the key to the ssh-agent: %w", err)
	}
	return err
}

// noKey says why there is no key to fetch.
type noKey struct {
	parameter string
	err       error
	login     bool // it is wanted for a login
}

func (e *noKey) Error() string {
	return "cannot fetch the key from " + e.parameter + ": " + e.err.Error()
}
func (e *noKey) Unwrap() error { return e.err }
func (e *noKey) details() string {
	if cloud := (*controller.CloudError)(nil); errors.As(e.err, &cloud) && cloud.Kind == controller.NotFound {
		if e.login {
			return "no reset of this instance has stored a key in this region: if one was given a key of yours, name its private half with --identity FILE"
		}
		return "no reset of this instance has stored a key in this region; regain list --all shows what runs there were, and regain password gets what a Windows has instead"
	}
	return cloudHint(e.err)
}
