package conf

import (
	"slices"
	"strings"
	"testing"
)

var bookworm = Version{Major: 9, Minor: 2, Patch: 1, Vendor: Debian}

func conf(t *testing.T, text string, v Version) *Config {
	t.Helper()
	return load(t, map[string]string{"etc/ssh/sshd_config": text}, Options{Version: v})
}

func TestScoping(t *testing.T) {
	tests := []struct {
		name, text, keyword, want string
		conn                      Connection
	}{
		{"first wins", "Banner /a\nBanner /b\n", "banner", "/a", Connection{}},
		{"match overrides", "PermitRootLogin no\nMatch User root\nPermitRootLogin yes\n", "permitrootlogin", "yes", Connection{User: "root"}},
		{"no match", "PermitRootLogin no\nMatch User root\nPermitRootLogin yes\n", "permitrootlogin", "no", Connection{User: "ann"}},
		{"first block wins", "Match User r*\nBanner /a\nMatch User root\nBanner /b\n", "banner", "/a", Connection{User: "root"}},
		{"group", "Match Group wheel\nBanner /a\n", "banner", "/a", Connection{User: "ann", Groups: []string{"ann", "wheel"}}},
		{"negated group", "Match Group !wheel,*\nBanner /a\n", "banner", "none", Connection{User: "ann", Groups: []string{"ann", "wheel"}}},
		{"match all is global", "Banner /a\nMatch User x\nBanner /b\nMatch all\nMaxSessions 3\n", "maxsessions", "3", Connection{User: "y"}},
		{"default", "", "strictmodes", "yes", Connection{}},
		{"alias", "PubkeyAcceptedKeyTypes ssh-rsa\n", "PubkeyAcceptedAlgorithms", "ssh-rsa", Connection{}},
		{"port of unknown", "Match LocalPort ssh\nBanner /a\n", "banner", "none", Connection{}},
		{"crlf", "Banner /a\r\nUsePAM yes\r\n", "usepam", "yes", Connection{}},
	}
	for _, tt := range tests {
		c := load(t, map[string]string{"etc/ssh/sshd_config": tt.text, "etc/services": "ssh 22/tcp\n"}, Options{Version: bookworm})
		if p := fatal(c.Problems); p != nil {
			t.Errorf("%s: %v", tt.name, p)
		}
		if got := c.Evaluate(tt.conn).First(tt.keyword); got.Text != tt.want {
			t.Errorf("%s: got %+v, want %q", tt.name, got, tt.want)
		}
	}
}

func TestListsReplace(t *testing.T) {
	c := conf(t, "AllowUsers a b\nAllowUsers c\nMatch User d\nAllowUsers d\nAllowUsers e\n", bookworm)
	for user, want := range map[string]string{"a": "a b c", "d": "d e"} {
		if got := strings.Join(texts(c.Evaluate(Connection{User: user}).All("AllowUsers")), " "); got != want {
			t.Errorf("%s: got %q, want %q", user, got, want)
		}
	}
	v := c.Evaluate(Connection{User: "a"}).All("AllowUsers")[2]
	if v.Path != MainFile || v.Line != 2 || v.Origin != FromFile {
		t.Errorf("the third user comes from %+v", v)
	}
}

func TestIncludeScope(t *testing.T) {
	files := map[string]string{
		"etc/ssh/sshd_config":           "Include sshd_config.d/*.conf\nBanner /main\nMatch User ann\nInclude /etc/ssh/ann.conf\nMaxSessions 7\n",
		"etc/ssh/sshd_config.d/10.conf": "Match User bob\nBanner /bob\n",
		"etc/ssh/sshd_config.d/9.conf":  "PermitTTY no\n",
		"etc/ssh/sshd_config.d/B.conf":  "-> /etc/ssh/b",
		"etc/ssh/b":                     "PermitTTY yes\nX11Forwarding yes\n",
		"etc/ssh/ann.conf":              "Banner /ann\nMatch Group wheel\nMaxAuthTries 2\n",
	}
	c := load(t, files, Options{Version: bookworm})
	if p := fatal(c.Problems); p != nil {
		t.Fatal(p)
	}
	bob, ann := c.Evaluate(Connection{User: "bob"}), c.Evaluate(Connection{User: "ann", Groups: []string{"wheel"}})
	for _, tt := range []struct {
		e          *Effective
		name, want string
	}{
		{bob, "banner", "/bob"}, {bob, "permittty", "no"}, {bob, "x11forwarding", "yes"}, {bob, "maxsessions", "10"}, {bob, "maxauthtries", "6"},
		{ann, "banner", "/ann"}, {ann, "maxsessions", "7"}, {ann, "maxauthtries", "2"},
	} {
		if got := tt.e.First(tt.name).Text; got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.e.Connection().User, tt.name, got, tt.want)
		}
	}
}

func TestPossible(t *testing.T) {
	c := conf(t, "PasswordAuthentication no\nMatch Address 10.0.0.0/8\nPubkeyAuthentication no\nAllowUsers x\nMatch Address 192.168.0.0/16 User bob\nPubkeyAuthentication no\n", bookworm)
	e := c.Evaluate(Connection{User: "ann"})
	a := e.Possible("PubkeyAuthentication")
	if len(a) != 2 || a[0].Value.Text != "yes" || a[1].Value.Text != "no" || a[1].Line != 2 || a[1].Because != "Match Address 10.0.0.0/8" {
		t.Errorf("got %+v", a)
	}
	if a := e.Possible("passwordauthentication"); len(a) != 1 {
		t.Errorf("certain, but got %+v", a)
	}
	if a := e.Possible("allowusers"); len(a) != 2 || len(a[0].Values) != 0 || len(a[1].Values) != 1 {
		t.Errorf("got %+v", a)
	}
	worlds, complete := e.Worlds()
	if len(worlds) != 2 || !complete || worlds[1].Bool("pubkeyauthentication") || len(worlds[1].All("allowusers")) != 1 {
		t.Errorf("got %d worlds", len(worlds))
	}
	known := c.Evaluate(Connection{User: "ann", Address: "11.0.0.1"})
	if a := known.Possible("pubkeyauthentication"); len(a) != 1 {
		t.Errorf("the address is known, but got %+v", a)
	}
}

func TestPossibleIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		b.WriteString("Match Address 10.0.0." + string(rune('0'+i%10)) + ",10.1." + strings.Repeat("1", 1+i/100) + ".*" + strings.Repeat(",a", i) + "\nBanner /x\n")
	}
	e := conf(t, b.String(), bookworm).Evaluate(Connection{User: "ann"})
	if worlds, complete := e.Worlds(); complete || len(worlds) > 300 {
		t.Errorf("%d worlds, complete: %v", len(worlds), complete)
	}
	if a := e.Possible("banner"); len(a) != 2 {
		t.Errorf("got %d alternatives", len(a))
	}
}

func TestCommandLine(t *testing.T) {
	files := map[string]string{"etc/ssh/sshd_config": "Port 22\nPasswordAuthentication yes\nMatch User bob\nPasswordAuthentication yes\n"}
	c := load(t, files, Options{Version: bookworm, Ports: []string{"2222"}, CommandLine: []Setting{{Text: "PasswordAuthentication=no", Path: "/etc/default/ssh", Line: 3}}})
	ann := c.Evaluate(Connection{User: "ann"})
	if v := ann.First("PasswordAuthentication"); v.Text != "no" || v.Origin != FromCommandLine || v.Path != "/etc/default/ssh" {
		t.Errorf("got %+v", v)
	}
	if got := texts(ann.All("port")); !slices.Equal(got, []string{"2222"}) {
		t.Errorf("ports %q", got)
	}
	if v := c.Evaluate(Connection{User: "bob"}).First("PasswordAuthentication"); v.Text != "yes" {
		t.Errorf("a Match block beats the command line, got %+v", v)
	}
}

func TestCryptoPolicyBackend(t *testing.T) {
	files := map[string]string{
		"etc/ssh/sshd_config":                                "Include /etc/ssh/sshd_config.d/*.conf\n",
		"etc/ssh/sshd_config.d/50-redhat.conf":               "Include /etc/crypto-policies/back-ends/opensshserver.config\nUsePAM yes\n",
		"etc/crypto-policies/back-ends/opensshserver.config": "-> /usr/share/crypto-policies/FIPS/opensshserver.txt",
		"usr/share/crypto-policies/FIPS/opensshserver.txt":   "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,rsa-sha2-256\n",
	}
	c := load(t, files, Options{Version: Version{Major: 8, Minor: 7, Vendor: RedHat}})
	e := c.Evaluate(Connection{User: "ann"})
	if v := e.First("PubkeyAcceptedAlgorithms"); v.Origin != FromCryptoPolicy || v.Path != "/etc/crypto-policies/back-ends/opensshserver.config" {
		t.Errorf("got %+v (%v)", v, c.Problems)
	}
	list, err := e.Algorithms("PubkeyAcceptedKeyTypes")
	if err != nil || !slices.Equal(list, []string{"ecdsa-sha2-nistp256", "rsa-sha2-256"}) {
		t.Errorf("got %q %v", list, err)
	}
}

func TestAuthorizedKeysPaths(t *testing.T) {
	tests := []struct {
		line, want string
		bad        bool
	}{
		{"", "/home/ann/.ssh/authorized_keys /home/ann/.ssh/authorized_keys2", false},
		{"AuthorizedKeysFile none", "", false},
		{"AuthorizedKeysFile /etc/keys/%u-%U %h/k .k%%", "/etc/keys/ann-1000 /home/ann/k /home/ann/.k%", false},
		{"AuthorizedKeysFile /etc/%k", "", true},
		{"AuthorizedKeysFile /etc/%", "", true},
	}
	for _, tt := range tests {
		got, err := conf(t, tt.line+"\n", bookworm).Evaluate(Connection{User: "ann"}).AuthorizedKeysPaths("ann", "/home/ann", 1000)
		if strings.Join(got, " ") != tt.want || (err != nil) != tt.bad {
			t.Errorf("%q: got %q %v", tt.line, got, err)
		}
	}
}
