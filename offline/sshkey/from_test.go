package sshkey

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestMatchFrom(t *testing.T) {
	for _, c := range []struct {
		list, addr, host string
		want             truth
		invalid          bool
	}{
		{"192.0.2.7", "192.0.2.7", "192.0.2.7", yes, false},
		{"192.0.2.7", "192.0.2.8", "192.0.2.8", no, false},
		{"192.0.2.*", "192.0.2.7", "192.0.2.7", yes, false},
		{"192.0.2.?", "192.0.2.17", "192.0.2.17", no, false},
		{"192.0.2.0/24", "192.0.2.7", "192.0.2.7", yes, false},
		{"192.0.2.0/24", "::ffff:192.0.2.7", "192.0.2.7", yes, false},
		{"10.0/16", "10.0.3.4", "10.0.3.4", yes, false},
		{"2001:db8::/32", "2001:db8::1", "2001:db8::1", yes, false},
		{"2001:DB8::1", "2001:db8::1", "2001:db8::1", yes, false},
		{"!192.0.2.7,*", "192.0.2.7", "192.0.2.7", no, false},
		{"!192.0.2.7,*", "192.0.2.8", "192.0.2.8", yes, false},
		{"!192.0.2.7", "192.0.2.8", "192.0.2.8", no, false},
		{"*.example.com", "192.0.2.7", "a.EXAMPLE.com", yes, false},
		{"*.Example.com", "192.0.2.7", "a.example.com", yes, false},
		{"!bad.example.com,192.0.2.7", "192.0.2.7", "bad.example.com", no, false},
		{"*.example.com", "192.0.2.7", "", unknown, false},
		{"192.0.2.0/24", "192.0.2.7", "", yes, false},
		{"10.0.0.0/8", "192.0.2.7", "", no, false},
		{"!bad.example.com,192.0.2.7", "192.0.2.7", "", unknown, false},
		{"", "192.0.2.7", "", no, true},
		{"192.0.2.7,", "192.0.2.7", "", no, true},
		{"!", "192.0.2.7", "", no, true},
		{"192.0.2.7/24", "192.0.2.7", "", no, true},
		{"192.0.2.7/64", "192.0.2.7", "", no, true},
		{"192.0.2.7/129", "192.0.2.7", "192.0.2.7", no, false},
		{"*", "", "", yes, false},
		{"0.0.0.0/0,::/0", "", "", yes, false},
		{"0.0.0.0/0", "", "", unknown, false},
		{"!10.0.0.1,*", "", "", unknown, false},
		{strings.Repeat("a", 1023) + ",*", "192.0.2.7", "192.0.2.7", yes, false},
	} {
		var addr netip.Addr
		if c.addr != "" {
			addr = netip.MustParseAddr(c.addr)
		}
		got, invalid := matchFrom(c.list, addr, c.host)
		if got != c.want || invalid != c.invalid {
			t.Errorf("%.40q from %q (%q): %v %v, want %v %v", c.list, c.addr, c.host, got, invalid, c.want, c.invalid)
		}
	}
}

func TestExpiry(t *testing.T) {
	tokyo := time.FixedZone("", 9*3600)
	for _, c := range []struct {
		value string
		loc   *time.Location
		want  truth
		ok    bool
	}{
		{"20260615", time.UTC, yes, true},
		{"20260616", time.UTC, no, true},
		{"202606151200", time.UTC, no, true},
		{"20260615115959", time.UTC, yes, true},
		{"20260615120000Z", nil, no, true},
		{"20260615115959z", nil, yes, true},
		{"20260615115959utc", nil, yes, true},
		{"20260615120000", nil, unknown, true},
		{"20260614115959", nil, yes, true},
		{"20260614120000", nil, unknown, true},
		{"20260616120001", nil, no, true},
		{"202606152000", tokyo, yes, true},
		{"202606152200", tokyo, no, true},
		{"20260231", time.UTC, yes, true}, // rolls over to March
		{"2026 615", time.UTC, yes, true},
		{"19691231", nil, no, false},
		{"20261301", nil, no, false},
		{"20260632", nil, no, false},
		{"202606151260", nil, no, false},
		{"2026061", nil, no, false},
		{"2026-06-15", nil, no, false},
		{"+2260615", nil, no, false},
		{"", nil, no, false},
		{"Z", nil, no, false},
	} {
		e, ok := parseExpiry(c.value)
		if ok != c.ok || ok && e.passed(noon, c.loc) != c.want {
			t.Errorf("%q in %v: %v, want %v %v", c.value, c.loc, ok, c.ok, c.want)
		}
	}
}
