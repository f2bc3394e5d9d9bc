package conf

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

var errAddressList = errors.New("invalid address list")

// MatchAddress matches an address against a list of addresses, CIDR networks and
// wildcard patterns: 1, -1 for a negated match, 0 for none. An empty address only
// checks the list (sshd: addrmatch.c addr_match_list).
func MatchAddress(address, list string) (int, error) {
	ip, known := parseAddress(address)
	if address != "" && !known {
		return 0, nil
	}
	found := 0
	for entry := range strings.SplitSeq(list, ",") {
		entry, negated := strings.CutPrefix(entry, "!")
		if entry == "" {
			return 0, errAddressList
		}
		network, kind := parseNetwork(entry)
		hit := false
		switch kind {
		case badNetwork:
			return 0, errAddressList
		case isNetwork:
			hit = known && network.Contains(ip)
		case notNetwork:
			hit = known && MatchPattern(address, entry)
		}
		if hit && negated {
			return -1, nil
		}
		if hit {
			found = 1
		}
	}
	return found, nil
}

// addressOfUnknown is MatchAddress for an address that is not known.
func addressOfUnknown(list string) Tri {
	four, six, rest := false, false, []string{}
	for entry := range strings.SplitSeq(list, ",") {
		network, kind := parseNetwork(entry)
		if kind == isNetwork && network.Bits() == 0 {
			four, six = four || network.Addr().Is4(), six || network.Addr().Is6()
			continue
		}
		rest = append(rest, entry)
	}
	negated := false
	for _, entry := range rest {
		negated = negated || strings.HasPrefix(entry, "!")
	}
	switch {
	case four && six && !negated:
		return Yes
	case four || six:
		return Maybe
	}
	return listOfUnknown(strings.Join(rest, ","))
}

type networkKind int

const (
	notNetwork networkKind = iota // try it as a wildcard pattern
	badNetwork                    // a network whose mask does not fit it
	isNetwork
)

// parseNetwork is addr_pton_cidr (sshd: addr.c).
func parseNetwork(s string) (netip.Prefix, networkKind) {
	if len(s) >= 64 {
		return netip.Prefix{}, notNetwork
	}
	host, mask, cidr := strings.Cut(s, "/")
	bits := int64(-1)
	if cidr {
		n, err := strconv.ParseUint(mask, 10, 32)
		if err != nil || n > 128 || mask[0] == '+' {
			return netip.Prefix{}, notNetwork
		}
		bits = int64(n)
	}
	ip, ok := parseAddress(host)
	if !ok {
		return netip.Prefix{}, notNetwork
	}
	if bits < 0 {
		bits = int64(ip.BitLen())
	}
	p := netip.PrefixFrom(ip, int(bits))
	if !p.IsValid() || p.Masked() != p {
		return netip.Prefix{}, badNetwork
	}
	return p, isNetwork
}

// parseAddress takes what getaddrinfo takes as numeric: IPv6 (the zone is
// dropped, as networks have none) and IPv4 in all forms of inet_aton(3).
func parseAddress(s string) (netip.Addr, bool) {
	if strings.Contains(s, ":") {
		ip, err := netip.ParseAddr(s)
		return ip.WithZone(""), err == nil
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 32)
		last := i == len(parts)-1
		if err != nil || strings.ContainsAny(p, "_oObB+") && !strings.HasPrefix(p, "0x") && !strings.HasPrefix(p, "0X") {
			return netip.Addr{}, false
		}
		if !last && n > 255 || last && n>>(8*(5-len(parts))) != 0 {
			return netip.Addr{}, false
		}
		if last {
			sum |= n
		} else {
			sum |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}
