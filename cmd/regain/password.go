package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/controller"
)

type passwordFlags struct {
	key, run, block string
	timeout         time.Duration
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

Where a start-up script could not reach the console, it has left the encrypted
password on the volume, in C:\ProgramData\regain\RUN.txt: --block decrypts a
copy of that, or any saved console output, without asking EC2.

If none comes, what the instance wrote to its console tells why.`,
		Example: `regain password i-0123456789abcdef0 --key ~/.ssh/windows.pem
regain password i-0123456789abcdef0 --key windows.pem --timeout 30m --json
regain password i-0123456789abcdef0 --key rsa --block 20261122T155300Z-3fa2c1-1.txt`,
		Args: arguments(1, 1, "the id of an instance"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.doPassword(cmd.Context(), w, args[0]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.key, "key", "", "`file` of the private RSA key")
	f.DurationVar(&w.timeout, "timeout", 20*time.Minute, "how `long` to wait, as in 20m")
	f.StringVar(&w.run, "run", "", "the reset's `run`, if it was begun on another machine with --public-key")
	f.StringVar(&w.block, "block", "", "`file` with what a start-up script has left: nothing is waited for")
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
	found, err := p.findPassword(ctx, controller.PasswordAsk{Instance: instance, Run: w.run, Key: key, Timeout: w.timeout}, w.block)
	if err != nil {
		return err
	}
	if p.json {
		p.object(map[string]any{"password": found})
		return nil
	}
	p.say(passwordLine(found))
	if found.Disabled {
		p.say("the account is disabled, and the start-up script could not enable it: use it where another administrator can, or reset it by a launch agent")
	}
	p.print(found.Password + "\n")
	return nil
}

func (p *program) findPassword(ctx context.Context, ask controller.PasswordAsk, block string) (controller.Password, error) {
	if block != "" {
		text, err := readBlock(block)
		if err != nil {
			return controller.Password{}, err
		}
		found, err := controller.OpenBlock(text, ask)
		return found, explainNoPassword(err)
	}
	c, done, err := p.controller(ctx, "")
	if err != nil {
		return controller.Password{}, err
	}
	defer done()
	found, err := c.Password(ctx, ask)
	return found, explainNoPassword(err)
}

// mostBlock bounds a file with blocks: what EC2 keeps of a console is 64 KiB.
const mostBlock = 1 << 20

func readBlock(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("cannot read the block: %v", err), "--block takes the file that a start-up script has left, or saved console output"}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBlock))
	if err != nil {
		return nil, fmt.Errorf("cannot read the block: %w", err)
	}
	return text, nil
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
		return "name the private half of that key pair; where it is lost, regain replace, or regain reset with --public-key"
	}
	return cloudHint(e.err)
}

func explainNoPassword(err error) error {
	if err == nil {
		return nil
	}
	return &noPassword{err}
}
