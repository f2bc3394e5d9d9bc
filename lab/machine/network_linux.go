package machine

import (
	"bufio"
	"crypto/sha256"
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

// A machine has its private address inside, and one of 10.213.0.0/16 where this
// host reaches it, as EC2 reaches an instance by a public one. The host's end of
// every wire is 10.213.0.1. The first choice follows from the instance's name, so
// that it keeps its address.
var gateway = net.IPv4(10, 213, 0, 1)

const addressTries = 256

// candidate is the nth address that a machine may get.
func candidate(instance string, n uint32) net.IP {
	sum := sha256.Sum256([]byte(instance))
	const first, last = 2, 1<<16 - 2 // not the gateway, not the broadcast address
	host := first + (uint32(sum[0])<<8+uint32(sum[1])+n)%(last-first+1)
	return net.IPv4(10, 213, byte(host>>8), byte(host))
}

func interfaceOf(address net.IP) string { return "rg-" + hex.EncodeToString(address.To4()) }

// A wire connects a machine with this host: a pair of interfaces, and listeners
// of the lab inside the machine's network.
type wire struct {
	address net.IP // where this host reaches the machine; nil: nowhere
	servers []*http.Server
}

// cable makes the network of a machine, whose first process is pid.
func cable(s Spec, pid int) (w *wire, err error) {
	w = &wire{}
	if s.Address != nil {
		if s.Address.To4() == nil {
			return nil, fmt.Errorf("cannot give a machine the address %s: it is not IPv4", s.Address)
		}
		if w.address, err = plugIn(s.Instance, pid); err != nil {
			return nil, err
		}
	}
	if err := inNetwork(pid, func() error { return w.inside(s) }); err != nil {
		w.cut()
		return nil, err
	}
	return w, nil
}

// plugIn makes the pair of interfaces, and takes an address that this host knows
// no other way to. The name of the interface is the claim to it.
func plugIn(instance string, pid int) (net.IP, error) {
	for n := range uint32(addressTries) {
		address := candidate(instance, n)
		free, err := isFree(address)
		if err != nil {
			return nil, err
		}
		if !free {
			continue
		}
		name := interfaceOf(address)
		switch err := addVeth(name, "eth0", pid); {
		case errors.Is(err, unix.EEXIST):
			continue
		case err != nil:
			return nil, err
		}
		if err := raise(name, gateway, address); err != nil {
			removeLink(name)
			return nil, err
		}
		return address, nil
	}
	return nil, errors.New("cannot connect the machine: this host uses 10.213.0.0/16 itself")
}

// inside runs on a thread that has entered the machine's network.
func (w *wire) inside(s Spec) error {
	if err := raise("lo", metadataAddress, metadataAddress); err != nil {
		return err
	}
	if w.address != nil {
		if err := raise("eth0", s.Address, s.Address); err != nil {
			return err
		}
		if err := raise("eth0", w.address, gateway); err != nil {
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
	if w.address != nil {
		removeLink(interfaceOf(w.address))
	}
}

// inNetwork calls f on a thread of its own in the network of a process.
func inNetwork(pid int, f func() error) error {
	return onThread(func() error {
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err == nil {
			err = os.NewSyscallError("setns", unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET))
			ns.Close()
		}
		if err != nil {
			return fmt.Errorf("cannot enter the machine's network: %w", err)
		}
		return f()
	})
}

// onThread calls f on a thread that ends with the call: it is not fit for
// anything else. That must not be the main thread, which cannot end, would keep
// the network alive, and shows its network as that of the process.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // unlocked on the main thread only
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(f) // which runs elsewhere, as this thread is taken
			runtime.UnlockOSThread()
			return
		}
		done <- f()
	}()
	return <-done
}

// isFree tells whether this host knows no way to the address but the default one.
func isFree(address net.IP) (bool, error) {
	routes, err := os.Open("/proc/net/route")
	if err != nil {
		return false, fmt.Errorf("cannot read the routes: %w", err)
	}
	defer routes.Close()
	where, err := routeTo(routes, address)
	if err != nil {
		return false, fmt.Errorf("cannot read the routes: %w", err)
	}
	return where == "", nil
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
