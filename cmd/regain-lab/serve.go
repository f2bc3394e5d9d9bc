package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/machine"
)

// closing is how long the machines have to shut down when the lab is interrupted.
const closing = 3 * time.Minute

func (p *program) serve() *cobra.Command {
	var c lab.Config
	cmd := &cobra.Command{
		Use:   "serve --state DIR",
		Short: "Serve the account until interrupted",
		Long: `serve takes up the account in the directory, or makes a fresh one, boots the
instances that are to run, and answers calls. It prints one line when it is
ready.

An interrupt shuts the machines down in order; they are booted again by the next
serve. When serve is killed, its machines die with it, as in a power failure,
and nothing of them stays on this host.`,
		Example: `regain-lab serve --state lab
regain-lab serve --state lab --speed 50 --enforce-iam --faults faults.json`,
	}
	p.command(cmd, func(ctx context.Context) error { return p.serveLab(ctx, c) })
	f := cmd.Flags()
	f.StringVar(&c.Listen, "listen", "127.0.0.1:4599", "`address` on the loopback to answer at; port 0 is any")
	f.Float64Var(&c.Speed, "speed", 1, "how many `times` faster than in a real account transitions are")
	f.StringVar(&c.Boot, "boot", "sshd", "`how` an instance boots: sshd (its own, from its own root), qemu (the whole system) or none")
	f.BoolVar(&c.EnforceIAM, "enforce-iam", false, "ask IAM before each call what the caller's policies allow")
	f.StringVar(&c.FaultsFile, "faults", "", "`file` of faults to inject")
	f.StringVar(&c.Region, "region", "", "`region` of a fresh account (default us-east-1)")
	return cmd
}

func (p *program) serveLab(ctx context.Context, c lab.Config) (err error) {
	if err := p.checkServe(c); err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	defer listener.Close()
	rack := machine.Open(machine.Options{Hide: []string{p.state}})
	c.State, c.Listen, c.Host = p.state, listener.Addr().String(), rack
	l, err := lab.Open(ctx, c)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return err
	}
	machine.Sweep(p.state) // the lab has the directory: what is there, a killed one left
	err = p.answer(ctx, l, listener)
	ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	return errors.Join(err, l.Close(ended), rack.Close(ended))
}

func (p *program) checkServe(c lab.Config) error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch ip := net.ParseIP(host); {
	case err != nil || ip == nil || !ip.IsLoopback() || ip.To4() == nil:
		return &usageError{text: fmt.Sprintf("cannot listen on %q: want an IPv4 address of the loopback and a port, as in 127.0.0.1:4599", c.Listen)}
	case c.Speed <= 0:
		return &usageError{text: "--speed must be more than 0"}
	case !slices.Contains([]string{"sshd", "qemu", "none"}, c.Boot):
		return &usageError{text: fmt.Sprintf("there is no way to boot by %q: want sshd, qemu or none", c.Boot)}
	case p.euid != 0:
		return errors.New("cannot serve: only root can run machines")
	}
	return nil
}

// answer serves calls until the context ends.
func (p *program) answer(ctx context.Context, l *lab.Lab, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: l.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	served, ran := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener); cancel() }()
	go func() { ran <- l.Run(ctx); cancel() }()
	if p.announced(ctx, "http://"+listener.Addr().String()) {
		fmt.Fprintf(p.stdout, "regain-lab: listening on http://%s, state %s\n", listener.Addr(), p.state)
	}
	<-ctx.Done()
	p.say("shutting down")
	finishing, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	err := errors.Join(server.Shutdown(finishing), server.Close())
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return errors.Join(err, <-ran)
}

// announced waits until other commands can find the lab.
func (p *program) announced(ctx context.Context, url string) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if e, err := lab.ReadEndpoint(p.state); err == nil && e.URL == url {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}
