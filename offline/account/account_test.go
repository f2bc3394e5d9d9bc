package account

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const passwd = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
# a comment
+nisuser::::::
admin:x:1000:1000:Debian,,,:/home/admin:/bin/bash
twin:x:0:0::/root:
broken:x:10o0:1000::/home/broken:/bin/sh
minus:x:4294967295:1::/:/bin/sh
short:x:5:5::/
caf` + "\xe9" + `:x:1001:1000::/home/cafe:/bin/sh
admin:x:7:7::/tmp:/bin/false
`

const group = `root:x:0:
adm:x:4:admin,syslog
sudo:x:27:admin,admin
admin:x:1000:
admin2:x:1000:guest
bad:x::admin
`

func TestUsers(t *testing.T) {
	db := Parse([]byte(passwd), nil, []byte(group), nil)
	var names []string
	for _, u := range db.Users() {
		names = append(names, fmt.Sprintf("%s/%d/%d@%d", u.Name, u.UID, u.GID, u.Line))
	}
	if want := []string{"root/0/0@1", "daemon/1/1@2", "admin/1000/1000@5", "twin/0/0@6", "caf\xe9/1001/1000@10"}; !slices.Equal(names, want) {
		t.Errorf("users %q, want %q", names, want)
	}
	for name, want := range map[string]error{"root": nil, "admin": nil, "caf\xe9": nil, "nobody": ErrNotFound, "broken": ErrMalformed, "minus": ErrMalformed, "short": ErrMalformed, "+nisuser": ErrNotFound} {
		u, err := db.User(name)
		if !errors.Is(err, want) || err != nil && u != (User{}) {
			t.Errorf("User(%q) = %+v, %v; want %v", name, u, err, want)
		}
	}
	if _, err := db.User("broken"); err == nil || !strings.Contains(err.Error(), `/etc/passwd:7: the uid is not a number: "10o0"`) {
		t.Errorf("error does not say where: %v", err)
	}
	if u, err := db.UserByUID(0); err != nil || u.Name != "root" || len(db.ByUID(0)) != 2 || db.ByUID(99) != nil {
		t.Errorf("uid 0: %+v %v", u, err)
	}
	if _, err := db.UserByUID(99); !errors.Is(err, ErrNotFound) {
		t.Errorf("uid 99: %v", err)
	}
	if !db.NIS() {
		t.Error("NIS line not noticed")
	}
	if got := db.ProblemsOf("admin"); len(got) != 1 || got[0].Line != 11 || got[0].Fatal || got[0].String() != "/etc/passwd:11: the name is used twice; the first line counts" {
		t.Errorf("duplicate: %v", got)
	}
}

func TestBrokenLinesNeverGuess(t *testing.T) {
	for _, c := range []struct{ name, line, text string }{
		{"empty uid", "u:x::1:::", "uid is empty"},
		{"sign", "u:x:+5:1:::", "uid is not a number"},
		{"blank", "u:x: 5:1:::", "uid is not a number"},
		{"minus one", "u:x:-1:1:::", "uid is not a number"},
		{"overflow", "u:x:4294967296:1:::", "out of range"},
		{"long", "u:x:99999999999999999999999:1:::", "uid is not a number"},
		{"nobody's id", "u:x:4294967295:1:::", "out of range"},
		{"gid", "u:x:5:a:::", "gid is not a number"},
		{"few fields", "u:x:5:5", "4 fields instead of 7"},
		{"many fields", "u:x:5:5::/:/bin/sh:x", "8 fields instead of 7"},
		{"NUL", "u:x:0\x00:5::/:/bin/sh", "NUL"},
		{"no colon", "u", "1 fields"},
	} {
		db := Parse([]byte(c.line+"\nu:x:1:1::/:/bin/sh\n"), nil, nil, nil)
		if _, err := db.User("u"); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %q", c.name, err, c.text)
		}
		after := Parse([]byte("u:x:1:1::/:/bin/sh\n"+c.line+"\n"), nil, nil, nil)
		if u, err := after.User("u"); err != nil || u.UID != 1 || len(after.Problems()) == 0 {
			t.Errorf("%s after a good line: %+v, %v", c.name, u, err)
		}
	}
	for _, line := range []string{":x:0:0:::", "a\xff\x00:x:0:0:::"} {
		if db := Parse([]byte(line), nil, nil, nil); len(db.Users()) != 0 || len(db.Problems()) != 1 {
			t.Errorf("%q: %v", line, db.Problems())
		}
	}
}

func TestAbsentIsNotEmpty(t *testing.T) {
	if _, err := Parse(nil, nil, nil, nil).User("root"); !errors.Is(err, ErrAbsent) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Parse([]byte{}, nil, nil, nil).User("root"); !errors.Is(err, ErrNotFound) {
		t.Errorf("empty: %v", err)
	}
}

func TestCarriageReturnsAreReportedAndKept(t *testing.T) {
	db := Parse([]byte("u:x:5:5::/h:/bin/sh\r\n"), nil, []byte("g:x:5:u\r\nh:x:6:\r\n"), nil)
	if u, err := db.User("u"); err != nil || u.Shell != "/bin/sh\r" || len(db.Problems()) != 3 {
		t.Errorf("%+v %v %v", u, err, db.Problems())
	}
	if g, err := db.Group("g"); err != nil || g.Members[0] != "u\r" {
		t.Errorf("%+v %v", g, err)
	}
}

func TestGroups(t *testing.T) {
	db := Parse([]byte(passwd), nil, []byte(group), nil)
	admin, _ := db.User("admin")
	if got := db.GIDs(admin); !slices.Equal(got, []uint32{1000, 4, 27}) {
		t.Errorf("GIDs: %v", got)
	}
	if got := db.Groups("admin"); !slices.Equal(got, []string{"admin", "adm", "sudo"}) {
		t.Errorf("Groups: %v", got)
	}
	if got := db.Groups("nobody"); got != nil {
		t.Errorf("Groups of nobody: %v", got)
	}
	if got := db.GroupUsers(1000); !slices.Equal(got, []string{"admin", "caf\xe9", "guest"}) {
		t.Errorf("GroupUsers: %q", got)
	}
	if _, err := db.Group("bad"); !errors.Is(err, ErrMalformed) {
		t.Errorf("bad group: %v", err)
	}
	if g, err := db.GroupByGID(27); err != nil || g.Name != "sudo" || len(db.AllGroups()) != 5 {
		t.Errorf("GroupByGID: %+v %v", g, err)
	}
	if _, err := db.GroupByGID(99); !errors.Is(err, ErrNotFound) {
		t.Errorf("GroupByGID(99): %v", err)
	}
}

func TestPrivateGroup(t *testing.T) {
	users := "a:x:10:10::/:\nb:x:11:11::/:\nalso:x:10:10::/:\nc:x:12:20::/:\nd:x:13:20::/:\n"
	for _, c := range []struct {
		name, group string
		gid, uid    uint32
		want        bool
	}{
		{"own, empty list", "a:x:10:", 10, 10, true},
		{"own, lists the owner", "a:x:10:a", 10, 10, true},
		{"own, lists a name of the same uid", "a:x:10:also", 10, 10, true},
		{"lists another", "a:x:10:b", 10, 10, false},
		{"lists two", "a:x:10:a,also", 10, 10, false},
		{"lists somebody unknown", "a:x:10:ghost", 10, 10, false},
		{"shared primary", "s:x:20:", 20, 12, false},
		{"only listed", "l:x:30:b", 30, 11, true},
		{"nobody at all", "l:x:30:", 30, 11, false},
		{"no group line", "l:x:30:", 10, 10, false},
	} {
		db := Parse([]byte(users), nil, []byte(c.group+"\n"), nil)
		if got, text := db.PrivateGroup(c.gid, c.uid); got != c.want || got != (text == "") {
			t.Errorf("%s: %v %q, want %v", c.name, got, text, c.want)
		}
	}
}

func TestManyUsersAreFast(t *testing.T) {
	var p, g, s strings.Builder
	const n = 60000
	g.WriteString("all:x:500000:")
	for i := range n {
		fmt.Fprintf(&p, "user%d:x:%d:%d::/home/user%d:/bin/bash\n", i, i+1000, i+1000, i)
		fmt.Fprintf(&s, "user%d:!:19000:0:99999:7:::\n", i)
		fmt.Fprintf(&g, "user%d,", i)
	}
	start := time.Now()
	db := Parse([]byte(p.String()), []byte(s.String()), []byte(g.String()+"\n"), nil)
	for i := range n {
		u, err := db.User(fmt.Sprintf("user%d", i))
		if err != nil || len(db.GIDs(u)) != 2 {
			t.Fatal(u, err)
		}
		if _, err := db.State(u, 20000); err != nil {
			t.Fatal(err)
		}
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("%d users took %v", n, d)
	} else {
		t.Logf("%d users, groups and states in %v", n, d)
	}
}

func TestLimits(t *testing.T) {
	long := "g:x:5:" + strings.Repeat("a", maxLine)
	db := Parse([]byte(strings.Repeat("#\n", maxLines+1)+"u:x:5:5::/:\n"), nil, []byte(long), nil)
	if len(db.Users()) != 0 || len(db.AllGroups()) != 0 || len(db.Problems()) != 2 {
		t.Errorf("%d users, %v", len(db.Users()), db.Problems())
	}
	many := Parse(nil, nil, []byte("g:x:5:"+strings.Repeat("a,", maxMembers)+"\n"), nil)
	if _, err := many.Group("g"); !errors.Is(err, ErrMalformed) {
		t.Errorf("too many members: %v", err)
	}
	if rubbish := Parse([]byte(strings.Repeat("x\n", 5000)), nil, nil, nil); len(rubbish.Problems()) != maxProblems {
		t.Errorf("%d problems", len(rubbish.Problems()))
	}
}

// TestEveryWrittenUserIsRead writes lines and reads them back, first of each name.
func TestEveryWrittenUserIsRead(t *testing.T) {
	clean := rapid.StringMatching(`[a-z_][a-z0-9_-]{0,8}`)
	value := rapid.StringMatching("[^:\n\x00\r]{0,12}")
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		first := map[string]User{}
		for i := range rapid.IntRange(0, 20).Draw(rt, "n") {
			u := User{Name: clean.Draw(rt, "name"), Password: value.Draw(rt, "pw"), UID: rapid.Uint32Max(noID-1).Draw(rt, "uid"), GID: rapid.Uint32Max(noID-1).Draw(rt, "gid"), GECOS: value.Draw(rt, "g"), Home: value.Draw(rt, "h"), Shell: value.Draw(rt, "s"), Line: i + 1}
			fmt.Fprintf(&b, "%s:%s:%d:%d:%s:%s:%s\n", u.Name, u.Password, u.UID, u.GID, u.GECOS, u.Home, u.Shell)
			if _, ok := first[u.Name]; !ok {
				first[u.Name] = u
			}
		}
		db := Parse([]byte(b.String()), nil, nil, nil)
		if len(db.Users()) != len(first) {
			rt.Fatalf("%d users, wrote %d", len(db.Users()), len(first))
		}
		for name, want := range first {
			if got, err := db.User(name); err != nil || got != want {
				rt.Fatalf("%q: %+v %v, want %+v", name, got, err, want)
			}
		}
	})
}

func FuzzAccount(f *testing.F) {
	f.Add([]byte(passwd), []byte("root:*:19000:0:99999:7:::\n"), []byte(group), []byte("adm:*::admin\n"))
	f.Add([]byte("+::::::\n"), []byte(":\n"), []byte("g:x:1:a,,b\r\n"), []byte("\x00"))
	f.Fuzz(func(t *testing.T, p, s, g, gs []byte) {
		db := Parse(p, s, g, gs)
		for _, u := range db.Users() {
			if u.Name == "" || strings.ContainsAny(u.Name, ":\n\x00") || u.UID == noID || u.GID == noID {
				t.Errorf("bad user %+v", u)
			}
			if gids := db.GIDs(u); gids[0] != u.GID {
				t.Errorf("%v", gids)
			}
			if st, err := db.State(u, 20000); err == nil && st.Locked && !st.NoPAM.Refused && u.Password == "x" {
				t.Errorf("locked but not refused: %+v", st)
			}
		}
		if len(db.Problems()) > maxProblems {
			t.Error("too many problems")
		}
	})
}
