package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"github.com/seed-77750964/regain/controller"
)

type sshFlags struct {
	user, host, identity string
	port                 int
	tunnel               bool
}

func (p *program) ssh() *cobra.Command {
	s := &sshFlags{}
	cmd := &cobra.Command{
		Use:   "ssh INSTANCE [-- ARGUMENTS]",
		Short: "Log in with the new key",
		Long: `ssh logs in to an instance with the key that a reset has stored. The key goes
from Parameter Store to an ssh-agent of this process, and to no disk. What
follows -- goes to ssh: options, or a command.

It takes the instance's public address, then its private one, and where neither
answers, a tunnel through Session Manager, which needs the AWS CLI with its
Session Manager plugin here, and the SSM agent there.`,
		Example: `regain ssh i-0123456789abcdef0
regain ssh i-0123456789abcdef0 --user admin -- uptime`,
		Args: arguments(1, 1000, "the id of an instance"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.doSSH(cmd.Context(), s, args[0], args[1:]) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&s.user, "user", "", "log in as this `user` (default: the one of the last reset)")
	f.StringVar(&s.host, "host", "", "`address` to use instead of the instance's own")
	f.IntVar(&s.port, "port", 22, "`port` of sshd")
	f.StringVar(&s.identity, "identity", "", "private key in a `file` of yours, instead of the stored one")
	f.BoolVar(&s.tunnel, "session-manager", false, "go through Session Manager, even where there is a direct way")
	return cmd
}

func (p *program) doSSH(ctx context.Context, s *sshFlags, id string, args []string) error {
	if err := controller.CheckInstanceID(id); err != nil {
		return &usageError{err.Error(), ""}
	}
	c, done, err := p.controller(ctx, "")
	if err != nil {
		return err
	}
	defer done()
	found, err := c.Cloud.Instances(ctx, id)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no instance %s in this region", id)
	}
	if found[0].State != controller.Running {
		return fmt.Errorf("cannot log in: %s is %s", id, found[0].State)
	}
	last := lastStatus(ctx, c, id)
	if s.user == "" && len(last.Users) > 0 {
		s.user = last.Users[0]
	}
	switch {
	case s.user != "":
	case found[0].Platform == controller.Windows:
		return &usageError{id + " runs Windows, and has a password in place of a key", "regain password " + id + " --key FILE gets it; where it has an sshd, say --user NAME"}
	default:
		return &usageError{"there is no reset of " + id + " on record here, so the user is not known", "say --user NAME"}
	}
	words, err := p.way(ctx, s, found[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "regain-ssh-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for the agent's socket: %w", err)
	}
	defer os.RemoveAll(dir)
	host, err := hostKeyWords(dir, id, last.HostKey)
	if err != nil {
		return err
	}
	key, stop, err := p.identity(ctx, c.Cloud, s, dir, id)
	if err != nil {
		return err
	}
	defer stop()
	return p.exec(ctx, append(append(append(append(words, host...), key...), "-l", s.user, id), args...))
}

// lastStatus is the last run on an instance; empty when none is on record here.
func lastStatus(ctx context.Context, c *controller.Controller, id string) controller.Status {
	s, err := c.Status(ctx, id)
	if err != nil {
		return controller.Status{}
	}
	return s
}

// way is how ssh reaches the instance.
func (p *program) way(ctx context.Context, s *sshFlags, i controller.Instance) ([]string, error) {
	port := strconv.Itoa(s.port)
	hosts := []string{i.PublicIP, i.PrivateIP}
	if s.host != "" {
		hosts = []string{s.host}
	}
	for _, host := range hosts {
		if host == "" || s.tunnel {
			continue
		}
		if conn, err := p.dial(ctx, "tcp", net.JoinHostPort(host, port)); err == nil {
			conn.Close()
			return []string{"-o", "HostName=" + host, "-p", port}, nil
		}
	}
	for _, program := range []string{"aws", "session-manager-plugin"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &noWay{i.ID, program}
		}
	}
	p.say("no direct way: through Session Manager")
	return []string{"-p", port, "-o", "ProxyCommand=" + tunnelCommand(p.account)}, nil
}

// tunnelCommand is what the Session Manager manual gives for ~/.ssh/config; ssh
// fills in %h and %p.
func tunnelCommand(a account) string {
	words := []string{"aws", "ssm", "start-session", "--target", "%h", "--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=%p"}
	for _, f := range a.flags() {
		words = append(words, f.name, quoted(strings.ReplaceAll(f.value, "%", "%%")))
	}
	return strings.Join(words, " ")
}

type noWay struct{ instance, program string }

func (e *noWay) Error() string { return "cannot reach " + e.instance + ": no address of it answers" }
func (e *noWay) details() string {
	return "open port 22 to this machine in its security group, or install " + e.program + " to go through Session Manager"
}

// hostKeyWords pin the host key that the proof of the reset has seen.
func hostKeyWords(dir, id, line string) ([]string, error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return []string{"-o", "HostKeyAlias=" + id}, nil
	}
	file := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(file, []byte(id+" "+fields[1]+" "+fields[2]+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("cannot write the host key: %w", err)
	}
	return []string{"-o", "HostKeyAlias=" + id, "-o", "UserKnownHostsFile=" + file, "-o", "StrictHostKeyChecking=yes", "-o", "HostKeyAlgorithms=" + hostKeyAlgorithms(fields[1])}, nil
}

// hostKeyAlgorithms are the signatures that a type of key can make.
func hostKeyAlgorithms(kind string) string {
	if kind == ssh.KeyAlgoRSA {
		return "rsa-sha2-512,rsa-sha2-256"
	}
	return kind
}

// identity is the key: a file of the operator's, or the stored one, served by
// an agent in this process for as long as ssh runs.
func (p *program) identity(ctx context.Context, cloud controller.Cloud, s *sshFlags, dir, id string) ([]string, func(), error) {
	if s.identity != "" {
		return []string{"-i", s.identity, "-o", "IdentitiesOnly=yes"}, func() {}, nil
	}
	name := controller.ParameterName(id)
	secret, _, err := cloud.Secret(ctx, name, 0)
	if err != nil {
		return nil, nil, &noKey{name, err, true}
	}
	pair, err := ssh.ParseRawPrivateKey(secret)
	clear(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("%s holds no private key", name)
	}
	socket, stop, err := serveAgent(dir, pair)
	return []string{"-o", "IdentityAgent=" + socket, "-o", "IdentityFile=none"}, stop, err
}

// serveAgent is an ssh-agent with one key on a socket in the directory.
func serveAgent(dir string, pair crypto.PrivateKey) (string, func(), error) {
	keys := sshagent.NewKeyring()
	if err := keys.Add(sshagent.AddedKey{PrivateKey: pair}); err != nil {
		return "", nil, fmt.Errorf("cannot use the key: %w", err)
	}
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return "", nil, fmt.Errorf("cannot serve the key: %w", err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = sshagent.ServeAgent(keys, conn) // ends with the connection
			}()
		}
	}()
	return socket, func() { listener.Close() }, nil
}

// exec runs ssh and takes its exit code.
func (p *program) exec(ctx context.Context, args []string) error {
	cmd := exec.Command("ssh", args...) // not bound to the context: Ctrl-C is the remote shell's
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		p.code = exit.ExitCode()
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot run ssh: %w", err)
	}
	return nil
}
