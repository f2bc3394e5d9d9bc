package machine

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// metadataAddress is where EC2's instance metadata service is found.
var metadataAddress = net.IPv4(169, 254, 169, 254)

// A wire connects a machine with this host: a pair of interfaces, and listeners
// of the lab inside the machine's network.
type wire struct {
	name    string // of the interface on this host; empty without an address
	servers []*http.Server
}

// cable makes the network of a machine, whose first process is pid.
func cable(s Spec, pid int) (*wire, error) {
	w := &wire{}
	gateway, err := gatewayOf(s.Address)
	if err != nil {
		return nil, err
	}
	if s.Address != nil {
		if err := checkFree(s.Address); err != nil {
			return nil, err
		}
		name := "rg-" + hex.EncodeToString(s.Address.To4())
		if err := addVeth(name, "eth0", pid); errors.Is(err, unix.EEXIST) {
			return nil, fmt.Errorf("cannot give a machine the address %s: another one has it", s.Address)
		} else if err != nil {
			return nil, err
		}
		w.name = name
		if err := raise(name, gateway, s.Address); err != nil {
			w.cut()
			return nil, err
		}
	}
	if err := inNetwork(pid, func() error { return w.inside(s, gateway) }); err != nil {
		w.cut()
		return nil, err
	}
	return w, nil
}

// inside runs on a thread that has entered the machine's network.
func (w *wire) inside(s Spec, gateway net.IP) error {
	if err := raise("lo", metadataAddress, metadataAddress); err != nil {
		return err
	}
	if s.Address != nil {
		if err := raise("eth0", s.Address, gateway); err != nil {
			return err
		}
	}
	if s.Metadata != nil {
		if err := w.serve(net.JoinHostPort(metadataAddress.String(), "80"), s.Metadata); err != nil {
			return err
		}
	}
	if s.API != nil {
		return w.serve(s.APIAddress, s.API)
	}
	return nil
}

// serve listens in the calling thread's network. Connections may be served on
// any thread: a socket stays in the network in which it was made.
func (w *wire) serve(address string, h http.Handler) error {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return fmt.Errorf("cannot listen in the machine: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	w.servers = append(w.servers, server)
	go func() { _ = server.Serve(listener) }() // it ends when the machine does
	return nil
}

// cut closes the listeners, which would keep the network alive, and takes the
// interfaces away.
func (w *wire) cut() {
	for _, s := range w.servers {
		s.Close()
	}
	if w.name != "" {
		removeLink(w.name)
	}
}

// inNetwork calls f on a thread of its own in the network of a process. The
// thread ends with the call: it is not fit for anything else.
func inNetwork(pid int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err == nil {
			err = os.NewSyscallError("setns", unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET))
			ns.Close()
		}
		if err != nil {
			done <- fmt.Errorf("cannot enter the machine's network: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// gatewayOf is this host's end of every machine's wire.
func gatewayOf(address net.IP) (net.IP, error) {
	if address == nil {
		return nil, nil
	}
	v4 := address.To4()
	if v4 == nil {
		return nil, fmt.Errorf("cannot give a machine the address %s: it is not IPv4", address)
	}
	gateway := net.IPv4(v4[0], v4[1], 0, 1)
	if gateway.Equal(address) {
		return nil, fmt.Errorf("cannot give a machine the address %s: it is this host's", address)
	}
	return gateway, nil
}

// checkFree refuses an address that this host already knows a way to.
func checkFree(address net.IP) error {
	routes, err := os.Open("/proc/net/route")
	if err != nil {
		return fmt.Errorf("cannot read the routes: %w", err)
	}
	defer routes.Close()
	where, err := routeTo(routes, address)
	if err != nil {
		return fmt.Errorf("cannot read the routes: %w", err)
	}
	if where != "" {
		return fmt.Errorf("cannot give a machine the address %s: this host reaches it through %s", address, where)
	}
	return nil
}

// routeTo is the interface through which a routing table (/proc/net/route) leads
// to an address, other than by default; "" when there is none.
func routeTo(table io.Reader, address net.IP) (string, error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 8 {
			continue
		}
		network, err1 := strconv.ParseUint(fields[1], 16, 32)
		mask, err2 := strconv.ParseUint(fields[7], 16, 32)
		if err1 != nil || err2 != nil || mask == 0 {
			continue // the heading, or the default
		}
		route := net.IPNet{IP: quad(network), Mask: net.IPMask(quad(mask))}
		if route.Contains(address) {
			return fields[0], nil
		}
	}
	return "", lines.Err()
}

// quad is a number of that table as an address: the kernel prints the four bytes
// as one number of the host's byte order.
func quad(n uint64) net.IP {
	b := make(net.IP, 4)
	order.PutUint32(b, uint32(n))
	return b
}
