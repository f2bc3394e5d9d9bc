package conf

import "testing"

func TestMatchPattern(t *testing.T) {
	tests := []struct {
		s, p string
		want bool
	}{
		{"root", "root", true}, {"root", "r*t", true}, {"root", "r??t", true}, {"root", "r?t", false}, {"", "*", true}, {"", "", true},
		{"a", "", false}, {"abcabc", "*abc", true}, {"aXbXc", "a*b*c", true}, {"abc", "**", true}, {"abc", "a*d", false}, {"Root", "root", false},
	}
	for _, tt := range tests {
		if got := MatchPattern(tt.s, tt.p); got != tt.want {
			t.Errorf("%q against %q: got %v", tt.s, tt.p, got)
		}
	}
}

func TestMatchList(t *testing.T) {
	tests := []struct {
		s, list string
		want    int
	}{
		{"root", "root,admin", 1}, {"root", "!root,*", -1}, {"x", "!root", 0}, {"x", "!root,*", 1}, {"x", "", 0}, {"x", "y,,z", 0},
	}
	for _, tt := range tests {
		if got := MatchList(tt.s, tt.list, false); got != tt.want {
			t.Errorf("%q against %q: got %d", tt.s, tt.list, got)
		}
	}
}

func TestMatchAddress(t *testing.T) {
	tests := []struct {
		address, list string
		want          int
		bad           bool
	}{
		{"10.1.2.3", "10.0.0.0/8", 1, false},
		{"10.1.2.3", "!10.1.0.0/16,10.0.0.0/8", -1, false},
		{"10.1.2.3", "10.1.*", 1, false},
		{"10.1.2.3", "10.1.2.3", 1, false},
		{"10.1.2.3", "10.0.0.1/8", 0, true},
		{"10.1.2.3", "10.0.0.0/33", 0, true},
		{"10.1.2.3", "10.0.0.0/129", 0, false},
		{"10.1.2.3", "a,,b", 0, true},
		{"2001:db8::1", "2001:db8::/32", 1, false},
		{"2001:db8::1", "0.0.0.0/0", 0, false},
		{"127.0.0.1", "127.1", 1, false},
		{"127.0.0.1", "0x7f.1", 1, false},
		{"", "10.0.0.0/8", 0, false},
	}
	for _, tt := range tests {
		got, err := MatchAddress(tt.address, tt.list)
		if got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%q against %q: got %d %v", tt.address, tt.list, got, err)
		}
	}
}

func TestUnknownAddress(t *testing.T) {
	for list, want := range map[string]Tri{
		"*": Yes, "10.0.0.0/8": Maybe, "!10.0.0.0/8": No, "!10.0.0.0/8,*": Maybe, "0.0.0.0/0,::/0": Yes, "0.0.0.0/0": Maybe,
		"0.0.0.0/0,::/0,!10.0.0.1": Maybe, "!a,!b": No,
	} {
		if got := addressOfUnknown(list); got != want {
			t.Errorf("%q: got %v, want %v", list, got, want)
		}
	}
}

func TestMatchUser(t *testing.T) {
	v := Version{Major: 9, Minor: 2}
	tests := []struct {
		user, host, address, pattern string
		want                         Tri
	}{
		{"ann", "", "", "ann", Yes}, {"ann", "", "", "a*", Yes}, {"ann", "", "", "bob", No},
		{"ann", "", "", "ann@10.0.0.0/8", Maybe}, {"ann", "", "", "bob@10.0.0.0/8", No}, {"ann", "", "", "ann@*", Yes},
		{"ann", "h.example", "10.1.1.1", "ann@10.0.0.0/8", Yes}, {"ann", "h.example", "11.1.1.1", "ann@*.example", Yes},
		{"ann", "h.example", "11.1.1.1", "ann@!*.example,*", No}, {"ann", "", "11.1.1.1", "ann@10.0.0.0/8", No}, {"ann", "", "11.1.1.1", "ann@*.example", Maybe},
	}
	for _, tt := range tests {
		if got, err := MatchUser(tt.user, tt.host, tt.address, tt.pattern, v); got != tt.want || err != nil {
			t.Errorf("%+v: got %v %v", tt, got, err)
		}
	}
	if _, err := MatchUser("", "", "", "ann@10.0.0.1/8", v); err == nil {
		t.Error("a network with host bits set was taken")
	}
}

func TestGlobMatch(t *testing.T) {
	tests := []struct {
		name, p string
		want    bool
	}{
		{"a.conf", "*.conf", true}, {"a.conf", "?.conf", true}, {"ab.conf", "?.conf", false}, {"b.conf", "[ab].conf", true},
		{"c.conf", "[!ab].conf", true}, {"b", "[a-c]", true}, {"d", "[a-c]", false}, {"[x", "[x", true}, {"*", `\*`, true}, {"a", `\*`, false},
		{"aXbXc", "a*b*c", true}, {"", "*", true}, {"]", "[]]", true},
	}
	for _, tt := range tests {
		if got := globMatch(tt.name, tt.p); got != tt.want {
			t.Errorf("%q against %q: got %v", tt.name, tt.p, got)
		}
	}
}
