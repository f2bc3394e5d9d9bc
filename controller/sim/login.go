package sim

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/controller"
)

// Dial reaches the SSH server of an instance that runs: it accepts the keys
// that are in the files of the instance's root volume at this moment.
func (c *Cloud) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var machine *instance
	var files map[string]string
	c.outside(func() {
		for _, i := range c.instances {
			if (i.PublicIP == host || i.PrivateIP == host) && i.State == controller.Running && !i.patient.Closed && !c.now.Before(i.login) {
				machine = i
				if root, _ := i.at(i.RootDevice); root != nil {
					files = root.files
				}
			}
		}
	})
	if machine == nil || port != "22" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
		if files[configFile] == repaired && strings.Contains(files[keysFile], line) {
			return &ssh.Permissions{}, nil
		}
		return nil, errors.New("permission denied (publickey)")
	}}
	signer, err := ssh.NewSignerFromKey(secretFor("host key of " + machine.ID))
	if err != nil {
		return nil, err
	}
	config.AddHostKey(signer)
	here, there := net.Pipe()
	go serve(newEager(ctx, there), config)
	return here, nil
}

// eager is an end of a net.Pipe whose writes do not wait for the other end to
// read: in SSH both begin by writing.
type eager struct {
	net.Conn
	out  chan []byte
	done context.Context
	end  context.CancelFunc
}

func newEager(ctx context.Context, c net.Conn) eager {
	e := eager{Conn: c, out: make(chan []byte, 64)}
	e.done, e.end = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer e.end()
		for {
			select {
			case p := <-e.out:
				if _, err := c.Write(p); err != nil {
					return
				}
			case <-e.done.Done():
				return
			}
		}
	}()
	return e
}

func (e eager) Write(p []byte) (int, error) {
	select {
	case e.out <- slices.Clone(p):
		return len(p), nil
	case <-e.done.Done():
		return 0, net.ErrClosed
	}
}

func (e eager) Close() error {
	e.end()
	return e.Conn.Close()
}

// serve lets somebody in, and offers nothing there.
func serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.Reject(ssh.Prohibited, "nothing is offered") != nil {
			return
		}
	}
}
