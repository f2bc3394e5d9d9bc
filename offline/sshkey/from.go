package sshkey

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline/wildcard"
)

// matchFrom evaluates a from= pattern list (match.c match_host_and_ip, addrmatch.c addr_match_list). host is the client's
// name as sshd sees it: with UseDNS no, the address text. invalid says that sshd refuses everybody.
func matchFrom(list string, addr netip.Addr, host string) (result truth, invalid bool) {
	entries := strings.Split(list, ",")
	for _, e := range entries {
		if p := strings.TrimPrefix(e, "!"); p == "" || badNetwork(p) {
			return no, true
		}
	}
	if !addr.IsValid() {
		return anyone(entries), false
	}
	byAddress := matchAddress(entries, addr.Unmap())
	if byAddress < 0 {
		return no, false
	}
	byName := matchName(entries, host)
	switch {
	case byName == nameDenied || byName == nameNone && byAddress == 0:
		return no, false
	case byName == nameUnknown && mayDeny(entries), byName == nameUnknown && byAddress == 0:
		return unknown, false
	}
	return yes, false
}

// anyone answers for an unknown client: yes only when the list lets everybody in.
func anyone(entries []string) truth {
	all := map[string]bool{}
	for _, e := range entries {
		if strings.HasPrefix(e, "!") {
			return unknown
		}
		all[e] = true
	}
	if all["*"] || all["0.0.0.0/0"] && all["::/0"] {
		return yes
	}
	return unknown
}

// network parses an entry as an address or prefix; ok=false means that sshd falls back to a wildcard pattern.
func network(p string) (prefix netip.Prefix, ok, bad bool) {
	text, length, hasLength := strings.Cut(p, "/")
	if len(p) >= 64 {
		return netip.Prefix{}, false, false
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		if addr, ok = oldAddress(text); !ok {
			return netip.Prefix{}, false, false
		}
	}
	bits := addr.BitLen()
	if hasLength {
		n, err := strconv.ParseUint(length, 10, 8)
		if err != nil || n > 128 {
			return netip.Prefix{}, false, false
		}
		bits = int(n)
	}
	prefix = netip.PrefixFrom(addr, bits)
	if !prefix.IsValid() || prefix.Masked().Addr() != addr {
		return netip.Prefix{}, false, true // "inconsistent mask length": host bits are set, or /64 on IPv4
	}
	return prefix, true, false
}

func badNetwork(p string) bool {
	_, _, bad := network(p)
	return bad
}

// oldAddress reads the short IPv4 forms that getaddrinfo takes, such as 10.0 for 10.0.0.0 (inet_aton).
func oldAddress(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var value uint64
	for i, p := range parts {
		limit := uint64(255)
		if i == len(parts)-1 {
			limit = 1<<(8*(5-len(parts))) - 1
		}
		n, err := strconv.ParseUint(p, 0, 32)
		if err != nil || n > limit || strings.ContainsAny(p, "_oObB") {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			value |= n
		} else {
			value |= n << (24 - 8*i)
		}
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

// matchAddress returns 1 for a match, -1 for a negated match, 0 for none.
func matchAddress(entries []string, addr netip.Addr) int {
	found := 0
	for _, e := range entries {
		p := strings.TrimPrefix(e, "!")
		prefix, ok, _ := network(p)
		if ok && !prefix.Contains(addr) || !ok && !wildcard.Match(p, addr.String()) {
			continue
		}
		if len(p) < len(e) {
			return -1
		}
		found = 1
	}
	return found
}

type nameMatch int

const (
	nameNone nameMatch = iota
	nameAllowed
	nameDenied
	nameUnknown
)

// matchName applies the list to the host name (match.c match_hostname). An unknown name leaves open only entries that are
// not addresses.
func matchName(entries []string, host string) nameMatch {
	result := nameNone
	for _, e := range entries {
		p := strings.ToLower(strings.TrimPrefix(e, "!"))
		if len(p) >= 1023 {
			return nameNone // "subpattern too long" ends the whole match
		}
		if _, isAddress, _ := network(p); host == "" && !isAddress {
			return nameUnknown
		}
		if !wildcard.Match(p, strings.ToLower(host)) {
			continue
		}
		if strings.HasPrefix(e, "!") {
			return nameDenied
		}
		result = nameAllowed
	}
	return result
}

// mayDeny reports whether a negated name pattern could exclude a client whose name is unknown.
func mayDeny(entries []string) bool {
	for _, e := range entries {
		if !strings.HasPrefix(e, "!") {
			continue
		}
		if _, isAddress, _ := network(e[1:]); !isAddress {
			return true
		}
	}
	return false
}
