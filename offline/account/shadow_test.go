package account

import (
	"errors"
	"testing"
)

func TestState(t *testing.T) {
	const today = 20000
	for _, c := range []struct {
		name, line string
		pam        PAMResult
		noPAM      bool // refused
		edge       bool
	}{
		{"plain", "u:$6$x:19000:0:99999:7:::", PAMSuccess, false, false},
		{"locked", "u:!$6$x:19000:0:99999:7:::", PAMSuccess, true, false},
		{"locked twice", "u:!!:19000::::::", PAMSuccess, true, false},
		{"star", "u:*:19000:0:99999:7:::", PAMSuccess, false, false},
		{"empty password", "u::19000:0:99999:7:::", PAMSuccess, false, false},
		{"expired", "u:*:19000:0:99999:7::19999:", PAMAcctExpired, true, false},
		{"expires today", "u:*:19000:0:99999:7::20000:", PAMAcctExpired, false, true},
		{"expires tomorrow", "u:*:19000:0:99999:7::20001:", PAMSuccess, false, false},
		{"expired on day 0", "u:*:19000:0:99999:7::0:", PAMAcctExpired, true, false},
		{"must change", "u:*:0:0:99999:7:::", PAMNewAuthtokReqd, false, false},
		{"ageing off", "u:*::0:1:7:::", PAMSuccess, false, false},
		{"changed in the future", "u:*:20001:0:1:7:1::", PAMSuccess, false, false},
		{"aged", "u:*:19900:0:90:7:::", PAMNewAuthtokReqd, false, false},
		{"aged today", "u:*:19910:0:90:7:::", PAMNewAuthtokReqd, false, true},
		{"aged, inactive later", "u:*:19900:0:90:7:30::", PAMNewAuthtokReqd, false, false},
		{"inactive", "u:*:19800:0:90:7:30::", PAMAuthtokExpired, false, false},
		{"inactive today", "u:*:19880:0:90:7:30::", PAMAuthtokExpired, false, true},
		{"inactive 0", "u:*:19910:0:90:7:0::", PAMAuthtokExpired, false, true},
		{"warning", "u:*:19915:0:90:7:::", PAMSuccess, false, false},
		{"too young to change", "u:*:19999:7:90:7:::", PAMSuccess, false, false},
		{"old form", "u:*:19000:0:99999", PAMSuccess, false, false},
		{"no flag field", "u:*:19000:0:99999:7::19999", PAMAcctExpired, true, false},
	} {
		db := Parse([]byte("u:x:5:5::/:/bin/sh\n"), []byte(c.line+"\n"), nil, nil)
		u, err := db.User("u")
		if err != nil {
			t.Fatal(err)
		}
		st, err := db.State(u, today)
		if err != nil || st.PAM != c.pam || st.NoPAM.Refused != c.noPAM || st.Edge != c.edge {
			t.Errorf("%s: %+v %v", c.name, st, err)
		}
		if (c.pam != PAMSuccess) != (st.Text != "") && c.name != "warning" || st.NoPAM.Refused != (st.NoPAM.Text != "") {
			t.Errorf("%s: text %q, %q", c.name, st.Text, st.NoPAM.Text)
		}
	}
}

func TestStateWithoutAShadowLine(t *testing.T) {
	for _, c := range []struct {
		name, passwd string
		shadow       []byte
		pam          PAMResult
		noPAM        bool
		err          error
	}{
		{"x without a line", "u:x:5:5::/:", []byte("v:*:1::::::\n"), PAMAuthinfoUnavail, false, nil},
		{"x without the file", "u:x:5:5::/:", nil, PAMAuthinfoUnavail, false, nil},
		{"own shadow mark", "u:##u:5:5::/:", []byte("u:*:19000::::::\n"), PAMSuccess, false, nil},
		{"password in passwd", "u:$6$x:5:5::/:", nil, PAMSuccess, false, nil},
		{"locked in passwd", "u:!:5:5::/:", nil, PAMSuccess, true, nil},
		{"passwd counts for PAM, shadow for sshd", "u:*:5:5::/:", []byte("u:*:1:::::9:\n"), PAMSuccess, true, nil},
		{"broken line", "u:x:5:5::/:", []byte("u:*:one::::::\n"), 0, false, ErrMalformed},
		{"carriage return", "u:x:5:5::/:", []byte("u:*:1::::::\r\n"), 0, false, ErrMalformed},
		{"minus one", "u:x:5:5::/:", []byte("u:*:-1::::::\n"), 0, false, ErrMalformed},
	} {
		db := Parse([]byte(c.passwd+"\n"), c.shadow, nil, nil)
		u, err := db.User("u")
		if err != nil {
			t.Fatal(err)
		}
		st, err := db.State(u, 20000)
		if !errors.Is(err, c.err) || st.PAM != c.pam || st.NoPAM.Refused != c.noPAM {
			t.Errorf("%s: %+v %v", c.name, st, err)
		}
	}
}

func TestShadowLookup(t *testing.T) {
	db := Parse(nil, []byte("u:*:1:2:3:4:5:6:\nu:!:9::::::\nbad:*\n"), nil, []byte("g:!\n"))
	if s, err := db.Shadow("u"); err != nil || s != (Shadow{"u", "*", 1, 2, 3, 4, 5, 6, 1}) {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := db.Shadow("bad"); !errors.Is(err, ErrMalformed) {
		t.Errorf("bad: %v", err)
	}
	if len(db.Problems()) != 3 || db.Problems()[2].File != "gshadow" {
		t.Errorf("%v", db.Problems())
	}
}
