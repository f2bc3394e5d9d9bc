package controller

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckInstanceID(t *testing.T) {
	for _, id := range []string{"i-0123456789abcdef0", "i-1a2b3c4d"} {
		if err := CheckInstanceID(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for given, hint := range map[string]string{
		"":                                "it is empty",
		"  ":                              "it is empty",
		"i-0123456789abcdef":              "8 or 17 hexadecimal digits",
		"i-0123456789abcdeg0":             "8 or 17 hexadecimal digits",
		"i-0123456789abcdef01":            "8 or 17 hexadecimal digits",
		"i-0123456789abcdef0\n":           "give i-0123456789abcdef0",
		" i-1a2b3c4d":                     "spaces or quotes around it; give i-1a2b3c4d",
		"web-1 ":                          "Name=tag:Name,Values=web-1 ",
		`"i-1a2b3c4d"`:                    "give i-1a2b3c4d",
		"I-1A2B3C4D":                      "lower case; give i-1a2b3c4d",
		"mi-0123456789abcdef0":            "hybrid node",
		"vol-0123456789abcdef0":           "describe-volumes",
		"VOL-0123":                        "describe-volumes",
		"eni-0123456789abcdef0":           "describe-network-interfaces",
		"eipalloc-0123456789abcdef0":      "describe-addresses",
		"ami-0123456789abcdef0":           "image",
		"snap-0123456789abcdef0":          "snapshot",
		"web-1":                           "Name=tag:Name,Values=web-1 ",
		"my server":                       "Name=tag:Name,Values=NAME ",
		"$(reboot)":                       "Name=tag:Name,Values=NAME ",
		"a,b":                             "Name=tag:Name,Values=NAME ",
		"203.0.113.7":                     "Name=ip-address,Values=203.0.113.7 ",
		"10.0.0.7":                        "Name=private-ip-address,Values=10.0.0.7 ",
		"2001:db8::1":                     "Name=ipv6-address,Values=2001:db8::1 ",
		"ip-10-0-0-7.ec2.internal":        "Name=private-dns-name,",
		"ec2-1-2-3-4.c.amazonaws.com":     "Name=dns-name,",
		strings.Repeat("ü", 5000):         "Values=NAME ",
		"arn:aws:ec2:r:1:instance/i-beef": "Name=tag:Name",
		"arn:aws-cn:ec2:cn-north-1:123456789012:instance/i-0123456789abcdef0": "give i-0123456789abcdef0",
	} {
		err := CheckInstanceID(given)
		var wrong *IDError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%.40q: got %v, want a hint with %q", given, err, hint)
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%.40q: the error has %d bytes", given, len(err.Error()))
		}
	}
}

// Whatever was pasted, the answer is one printable line, and what passes is
// nothing but an id.
func FuzzCheckInstanceID(f *testing.F) {
	for _, seed := range []string{"i-1a2b3c4d", "i-0123456789abcdef0", "vol-1", "10.0.0.1", "a b", "fe80::1%$(x)", ":instance/i-1a2b3c4d", "\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		err := CheckInstanceID(given)
		if err == nil {
			if len(given) != 10 && len(given) != 19 || strings.Trim(given[2:], "0123456789abcdef") != "" || given[:2] != "i-" {
				t.Fatalf("%q passes", given)
			}
			return
		}
		text := err.Error()
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x00\x1b") {
			t.Fatalf("%q gives %q", given, text)
		}
		_, command, _ := strings.Cut(text, "find it with ")
		if strings.ContainsAny(command, "$`;&|<>\\") {
			t.Fatalf("%q gives the command %q", given, command)
		}
	})
}
