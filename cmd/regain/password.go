package main

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
)

type passwordFlags struct {
	key, run string
	timeout  time.Duration
}

func (p *program) password() *cobra.Command {
	w := &passwordFlags{}
	cmd := &cobra.Command{
		Use:   "password INSTANCE",
		Short: "Get the new password of a Windows instance",
		Long: `password waits until a Windows instance has told the new password of its
administrator, decrypts it here, and prints it: nothing else goes to stdout.
It takes only one that was made since the instance was started by the last
reset, or since its last start where no reset is on record.

The key is the private half of the instance's key pair, in PEM or in the form
of OpenSSH. Where the reset was given a public key, it is the private half of
that. A passphrase is asked for on the terminal.

If none comes, what the instance wrote to its console tells why.`,
		Example: `regain password i-0123456789abcdef0 --key ~/.ssh/windows.pem
regain password i-0123456789abcdef0 --key windows.pem --timeout 30m --json`,
		Args: arguments(1, 1, "the id of an instance"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.doPassword(cmd.Context(), w, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.key, "key", "", "`file` of the private RSA key")
	f.DurationVar(&w.timeout, "timeout", 20*time.Minute, "how `long` to wait, as in 20m")
	f.StringVar(&w.run, "run", "", "the reset's `run`, if it was begun on another machine with --public-key")
	return cmd
}

func (p *program) doPassword(ctx context.Context, w *passwordFlags, instance string) error {
	if err := controller.CheckInstanceID(instance); err != nil {
		return &usageError{err.Error(), ""}
	}
	if w.key == "" {
		return &usageError{"the private key is missing", "say --key FILE"}
	}
	key, err := p.readRSAKey(w.key)
	if err != nil {
		return err
	}
	c, done, err := p.controller(ctx, "")
	if err != nil {
		return err
	}
	defer done()
	found, err := c.Password(ctx, controller.PasswordAsk{Instance: instance, Run: w.run, Key: key, Timeout: w.timeout})
	done()
	if err != nil {
		return explainNoPassword(err)
	}
	if p.json {
		p.object(map[string]any{"password": found})
		return nil
	}
	p.say(passwordLine(found))
	p.print(found.Password + "\n")
	return nil
}

// passwordLine says whose password it is.
func passwordLine(found controller.Password) string {
	user := "its administrator"
	if found.User != "" {
		user = found.User
	}
	return join(" ", "the password of", user, "on", found.Instance+", from its", found.From+at(found.Set)+":")
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + when(t)
}

// maxPrivateKey bounds the file, in bytes: an RSA key of 16,384 bits has 13 KB.
const maxPrivateKey = 64 << 10

// readRSAKey reads a private key, and asks for its passphrase if it has one.
// What is wrong with the file is said without what stands in it.
func (p *program) readRSAKey(path string) (*rsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxPrivateKey {
		return nil, &usageError{fmt.Sprintf("%q is too large for a private key", path), ""}
	}
	data, err2 := os.ReadFile(path)
	if err := errors.Join(err, err2); err != nil {
		return nil, &usageError{fmt.Sprintf("cannot read the private key: %v", err), "--key takes a file"}
	}
	defer clear(data)
	key, err := ssh.ParseRawPrivateKey(data)
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		key, err = p.unlock(path, data)
	}
	switch usage := (*usageError)(nil); {
	case errors.As(err, &usage):
		return nil, err
	case strings.Contains(string(data), "ENCRYPTED PRIVATE KEY"):
		return nil, &usageError{fmt.Sprintf("%q is a PKCS #8 key with a passphrase, which this program does not read", path),
			"openssl pkey -in FILE -out PLAIN takes the passphrase off; keep PLAIN to yourself, and remove it afterwards"}
	case err != nil:
		return nil, &usageError{fmt.Sprintf("%q holds no private key that this program reads", path), "--key takes the .pem file of the key pair, or a key as ssh-keygen makes it"}
	}
	if own, ok := key.(*rsa.PrivateKey); ok {
		return own, nil
	}
	return nil, &usageError{fmt.Sprintf("the key in %q is not RSA", path), "Windows passwords are encrypted to RSA keys only"}
}

// unlock asks for the passphrase.
func (p *program) unlock(path string, data []byte) (any, error) {
	if !p.asks || p.secret == nil {
		return nil, &usageError{fmt.Sprintf("the key in %q has a passphrase, and there is nobody to ask for it", path), "run it on a terminal"}
	}
	phrase, err := p.secret(fmt.Sprintf("Passphrase of %q: ", path))
	if err != nil {
		return nil, fmt.Errorf("cannot ask for the passphrase: %w", err)
	}
	defer clear(phrase)
	key, err := ssh.ParseRawPrivateKeyWithPassphrase(data, phrase)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("the passphrase does not open %q", path), ""}
	}
	return key, nil
}

// noPassword says why there is none, and what to do.
type noPassword struct{ err error }

func (e *noPassword) Error() string { return e.err.Error() }
func (e *noPassword) Unwrap() error { return e.err }
func (e *noPassword) details() string {
	if late := (*controller.NoPasswordError)(nil); errors.As(e.err, &late) {
		return strings.Join(late.Told, "; ")
	}
	if wrong := (*controller.WrongKeyError)(nil); errors.As(e.err, &wrong) {
		if wrong.Script {
			return "name the private half of the key that the reset was given with --public-key"
		}
		return "name the private half of its key pair: aws ec2 describe-instances --instance-ids " + wrong.Instance + " --query 'Reservations[].Instances[].KeyName' tells which"
	}
	return cloudHint(e.err)
}

func explainNoPassword(err error) error { return &noPassword{err} }
