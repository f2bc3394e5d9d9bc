package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/seed-77750964/regain/lab"
	"github.com/seed-77750964/regain/lab/ec2"
)

// patience is how long a guest may take to boot; under QEMU that is minutes.
const patience = 5 * time.Minute

// wait returns when the instance is as it was asked for: stopped, or running and
// its sshd answers. Windows has none.
func (p *program) wait(ctx context.Context, id string, s *ec2.Spec) (lab.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var found lab.Found
		if err := lab.Do(ctx, p.state, "find-instance", lab.Created{ID: id}, &found); err != nil {
			return found, err
		}
		switch {
		case s.Stopped && found.State == "stopped":
			return found, nil
		case found.Unserved:
			return found, fmt.Errorf("cannot wait for %s: no lab runs on this state, start one with regain-lab serve", id)
		case !s.Stopped && (found.State == "stopped" || found.State == "terminated"):
			return found, fmt.Errorf("cannot wait for %s: it did not start, and is %s", id, found.State)
		case !s.Stopped && found.State == "running" && (s.Platform == "windows" || answers(ctx, net.JoinHostPort(found.Address, found.Port))):
			return found, nil
		}
		select {
		case <-ctx.Done():
			if found.State == "running" {
				return found, fmt.Errorf("cannot wait for %s: no sshd answers", id)
			}
			return found, fmt.Errorf("cannot wait for %s: it is still %s", id, found.State)
		case <-tick.C:
		}
	}
}

// answers tells whether an sshd says its name.
func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	name := make([]byte, 4)
	if err := conn.SetReadDeadline(end); err != nil {
		return false
	}
	_, err = io.ReadFull(conn, name)
	return err == nil && string(name) == "SSH-"
}
