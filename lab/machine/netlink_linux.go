package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// The kernel is asked through rtnetlink(7) in the network namespace of the
// calling thread. Numbers are in the byte order of the host.

// vethPeer is VETH_INFO_PEER of linux/veth.h, which x/sys does not have.
const vethPeer = 1

var order = binary.NativeEndian

// attr is one attribute; its value is padded to four bytes.
func attr(kind uint16, value []byte) []byte {
	b := order.AppendUint16(nil, uint16(4+len(value)))
	b = append(order.AppendUint16(b, kind), value...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func text(kind uint16, value string) []byte { return attr(kind, append([]byte(value), 0)) }

func number(kind uint16, value uint32) []byte { return attr(kind, order.AppendUint32(nil, value)) }

// link is a struct ifinfomsg.
func link(index int, flags, change uint32) []byte {
	b := order.AppendUint32(make([]byte, 4), uint32(index))
	return order.AppendUint32(order.AppendUint32(b, flags), change)
}

// ask sends one request and waits for the kernel's answer to it.
func ask(kind, flags uint16, parts ...[]byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	message := make([]byte, unix.NLMSG_HDRLEN)
	for _, p := range parts {
		message = append(message, p...)
	}
	order.PutUint32(message, uint32(len(message)))
	order.PutUint16(message[4:], kind)
	order.PutUint16(message[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	answer := make([]byte, 8192)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	switch {
	case err != nil:
		return os.NewSyscallError("recvfrom", err)
	case n < unix.NLMSG_HDRLEN+4 || order.Uint16(answer[4:]) != unix.NLMSG_ERROR:
		return errors.New("the kernel gave no answer")
	}
	if code := int32(order.Uint32(answer[unix.NLMSG_HDRLEN:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// addVeth makes a pair of interfaces, one here and one in the network of a process.
func addVeth(here, there string, pid int) error {
	peer := append(link(0, 0, 0), text(unix.IFLA_IFNAME, there)...)
	peer = append(peer, number(unix.IFLA_NET_NS_PID, uint32(pid))...)
	info := append(attr(unix.IFLA_INFO_KIND, []byte("veth")), attr(unix.IFLA_INFO_DATA, attr(vethPeer, peer))...)
	err := ask(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL, link(0, 0, 0), text(unix.IFLA_IFNAME, here), attr(unix.IFLA_LINKINFO, info))
	if err != nil {
		return fmt.Errorf("cannot make network interface %s: %w", here, err)
	}
	return nil
}

// raise gives an interface an address, with the one of the other end (or the
// same again), and switches it on.
func raise(name string, local, peer net.IP) error {
	iface, err := net.InterfaceByName(name)
	if err == nil {
		address := append([]byte{unix.AF_INET, 32, 0, 0}, order.AppendUint32(nil, uint32(iface.Index))...)
		err = ask(unix.RTM_NEWADDR, unix.NLM_F_CREATE, address, attr(unix.IFA_LOCAL, local.To4()), attr(unix.IFA_ADDRESS, peer.To4()))
	}
	if err == nil {
		err = ask(unix.RTM_NEWLINK, 0, link(iface.Index, unix.IFF_UP, unix.IFF_UP))
	}
	if err != nil {
		return fmt.Errorf("cannot set up network interface %s: %w", name, err)
	}
	return nil
}

// removeLink takes an interface away, and its peer with it. One that is gone
// already is no error.
func removeLink(name string) {
	if iface, err := net.InterfaceByName(name); err == nil {
		_ = ask(unix.RTM_DELLINK, 0, link(iface.Index, 0, 0)) // it goes with its namespace at the latest
	}
}
