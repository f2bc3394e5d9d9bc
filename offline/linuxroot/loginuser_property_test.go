package linuxroot

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// drawFacts makes accounts over few names, shells and uids, and what speaks for them.
func drawFacts(t *rapid.T) Facts {
	names := []string{"root", "ubuntu", "admin", "ann", "ssm-user", "nobody", "postgres", "bitnami"}
	var passwd, group strings.Builder
	for _, name := range rapid.Permutation(names).Draw(t, "names")[:rapid.IntRange(0, len(names)).Draw(t, "count")] {
		uid := rapid.SampledFrom([]string{"1000", "1001", "1001", "999", "500", "65534", "0", "x"}).Draw(t, "uid")
		if name == "root" {
			uid = "0"
		}
		shell := rapid.SampledFrom([]string{"/bin/bash", "/bin/sh", "", "/usr/sbin/nologin", "/bin/false", "/bin/gone"}).Draw(t, "shell")
		gecos := rapid.SampledFrom([]string{"", "Cloud User", "Ubuntu,,,"}).Draw(t, "gecos")
		fmt.Fprintf(&passwd, "%s:x:%s:100:%s:/home/%s:%s\n", name, uid, gecos, name, shell)
	}
	fmt.Fprintf(&group, "sudo:x:27:%s\n", rapid.SampledFrom(names).Draw(t, "sudo"))
	return Facts{
		Accounts:  account.Parse([]byte(passwd.String()), nil, []byte(group.String()), nil),
		OS:        offline.OS{ID: rapid.SampledFrom([]string{"ubuntu", "debian", "amzn", "x"}).Draw(t, "id")},
		Cloud:     CloudConfig{DefaultUser: rapid.SampledFrom(append(names, "", "gone")).Draw(t, "default")},
		RootLogin: rapid.Bool().Draw(t, "root login"),
		KeyName:   "k",
	}
}

// TestLoginUsersHolds states what is true of every choice.
func TestLoginUsersHolds(t *testing.T) {
	v := tree(t, map[string]string{
		"bin/bash": "", "bin/sh": "", "home/ann/.ssh/authorized_keys": pub + "k\n", "home/ubuntu/": "", "home/root/.ssh/authorized_keys": forcedFor("admin"),
	})
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		users := LoginUsers(v, facts)
		if again := LoginUsers(v, facts); !slices.Equal(users, again) {
			t.Fatalf("asked twice: %v, %v", users, again)
		}
		for i, u := range users {
			if u.Chosen != (i == 0) || u.Why == "" {
				t.Fatalf("%+v at %d", u, i)
			}
			checkCandidate(t, facts, u)
		}
		picked, err := PickUsers(v, facts, nil)
		if (err != nil) != (len(users) == 0) || err == nil && picked[0].Name != users[0].Name {
			t.Fatalf("picked %v, %v of %v", picked, err, users)
		}
		if i := slices.IndexFunc(users, func(u offline.User) bool { return u.Name == "ann" }); i > 0 {
			t.Fatalf("the holder of the key pair is number %d of %v", i, users)
		}
	})
}

func checkCandidate(t *rapid.T, facts Facts, u offline.User) {
	full, err := facts.Accounts.User(u.Name)
	switch {
	case err != nil || full.UID != u.UID || full.Home != u.Home:
		t.Fatalf("%+v is not in passwd: %v", u, err)
	case slices.Contains(noLogin, path.Base(full.Shell)) || slices.Contains(neverUsers, u.Name) || u.UID == nobodyID:
		t.Fatalf("%+v is a candidate", full)
	case u.UID == 0 && (u.Name != "root" || !facts.RootLogin):
		t.Fatalf("%+v is a candidate", full)
	}
}

// TestWeightsAreAnOrder: each signal beats all weaker ones together.
func TestWeightsAreAnOrder(t *testing.T) {
	sum := weight(0)
	for _, w := range []weight{byRoot, byAdmin, byKeys, byTable, byGECOS, byCloud, byDefault, bySudoers, byForced, byKeyName} {
		if w <= sum {
			t.Errorf("weight %d does not beat %d", w, sum)
		}
		sum += w
	}
}

func TestUIDRange(t *testing.T) {
	for text, want := range map[string][2]uint32{
		"":                                    {1000, 60000},
		"UID_MIN 500\nUID_MAX 50000\n":        {500, 50000},
		"#UID_MIN 500\n":                      {1000, 60000},
		"UID_MIN\nUID_MAX x\n":                {1000, 60000},
		"UID_MIN 0\n":                         {1000, 60000},
		"UID_MIN 0x400\n":                     {1024, 60000},
		"UID_MIN 99999999999\nUID_MAX 2000\n": {1000, 2000},
	} {
		lowest, highest := uidRange(tree(t, map[string]string{"etc/login.defs": text}))
		if got := [2]uint32{lowest, highest}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestSudoUser(t *testing.T) {
	for line, want := range map[string]string{
		"ann ALL=(ALL) NOPASSWD:ALL": "ann",
		"ann\tALL = (ALL) ALL":       "ann",
		"%sudo ALL=(ALL:ALL) ALL":    "",
		"#includedir /etc/sudoers.d": "",
		"# ann ALL=ALL":              "",
		"@include x=y z":             "",
		"+netgroup ALL=ALL":          "",
		"Defaults env_keep += X":     "",
		"Defaults:ann x=y":           "",
		"User_Alias A = ann":         "",
		"ann":                        "",
		"":                           "",
	} {
		if got := sudoUser(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
