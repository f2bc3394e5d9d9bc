package acl_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline/acl"
)

// named is a list with one named user and one named group.
var named = acl.ACL{
	{Tag: acl.UserObj, Perm: 7, ID: none}, {Tag: acl.User, Perm: 6, ID: 1001}, {Tag: acl.GroupObj, Perm: 5, ID: none},
	{Tag: acl.Group, Perm: 7, ID: 2000}, {Tag: acl.Mask, Perm: 6, ID: none}, {Tag: acl.Other, Perm: 4, ID: none},
}

const none = 0xffffffff

func TestDecode(t *testing.T) {
	good := named.Encode()
	edit := func(at int, b byte) []byte {
		c := bytes.Clone(good)
		c[at] = b
		return c
	}
	tests := map[string]struct {
		value []byte
		want  acl.ACL
		bad   bool
	}{
		"a full list":            {value: good, want: named},
		"nothing":                {},
		"a header alone":         {value: good[:4]},
		"cut":                    {value: good[:15], bad: true},
		"three bytes":            {value: good[:3], bad: true},
		"another version":        {value: edit(0, 3), bad: true},
		"unknown tag":            {value: edit(4, 0x40), bad: true},
		"permission beyond rwx":  {value: edit(6, 8), bad: true},
		"no owner":               {value: append(bytes.Clone(good[:4]), good[12:]...), bad: true},
		"no other":               {value: good[:len(good)-8], bad: true},
		"named user, no mask":    {value: append(bytes.Clone(good[:36]), good[44:]...), bad: true},
		"out of order":           {value: edit(12, 0x08), bad: true},
		"repeated owner":         {value: edit(12, 0x01), bad: true},
		"larger than attributes": {value: append(bytes.Clone(good), make([]byte, 1<<17)...), bad: true},
	}
	for name, tt := range tests {
		got, err := acl.Decode(tt.value)
		if errors.Is(err, acl.ErrInvalid) != tt.bad || !tt.bad && !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestString(t *testing.T) {
	var lines []string
	for _, e := range named {
		lines = append(lines, e.String())
	}
	want := "user::rwx user:1001:rw- group::r-x group:2000:rwx mask::rw- other::r--"
	if got := strings.Join(lines, " "); got != want {
		t.Errorf("got %s", got)
	}
}

func TestGrantsWrite(t *testing.T) {
	tests := map[string]struct {
		list  acl.ACL
		owner uint32
		want  []acl.Entry
	}{
		"named user and group": {named, 1000, []acl.Entry{named[1], named[3]}},
		"the owner by name":    {named, 1001, []acl.Entry{named[3]}},
		"the mask takes it":    {with(named, 4, 5), 1000, nil},
		"others":               {with(with(named, 4, 5), 5, 2), 1000, []acl.Entry{{Tag: acl.Other, Perm: 2, ID: none}}},
		"no list":              {nil, 1000, nil},
	}
	for name, tt := range tests {
		if got := acl.GrantsWrite(tt.list, tt.owner); !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// with is a copy of the list in which entry i has another permission.
func with(a acl.ACL, i int, p acl.Perm) acl.ACL {
	c := append(acl.ACL{}, a...)
	c[i].Perm = p
	return c
}

func FuzzDecode(f *testing.F) {
	f.Add(named.Encode())
	f.Add([]byte{2, 0, 0, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, value []byte) {
		a, err := acl.Decode(value)
		if err != nil || len(a) == 0 {
			return
		}
		again, err := acl.Decode(a.Encode())
		if err != nil || len(again) != len(a) {
			t.Fatalf("%v encodes to %v, %v", a, again, err)
		}
		stripped, mode := acl.StripGroupWrite(a, 0o777)
		if got := acl.GrantsWrite(stripped, 1); len(got) > 0 && mode == 0o755 {
			t.Errorf("%v still grants write: %v", stripped, got)
		}
	})
}
