package conf

import (
	"strings"
	"testing"
	"time"
)

// FuzzConfig parses hostile bytes as a configuration that may include itself.
func FuzzConfig(f *testing.F) {
	for _, line := range broken {
		f.Add([]byte(line+"\nInclude *\nMatch User a\n"), uint8(2))
	}
	f.Add([]byte("Include /etc/ssh/sshd_config\nInclude /etc/ssh/sshd_config\n"), uint8(0))
	f.Add([]byte("Match Address 10.0.0.0/8\nAllowUsers a\nMatch Host *.b\nAllowUsers c\n"), uint8(1))
	releases := []Version{{Major: 8, Minor: 4, Vendor: Debian}, {Major: 9, Minor: 2}, {Major: 10, Vendor: RedHat}, {}}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		dir := tree(t, map[string]string{"etc/ssh/sshd_config": string(data)})
		v := openVolume(t, dir)
		start := time.Now()
		c, err := Load(v, Options{Version: releases[int(which)%len(releases)]})
		if err != nil {
			t.Fatal(err)
		}
		e := c.Evaluate(Connection{User: "ann", Groups: []string{"ann"}, UID: 1000})
		for _, k := range keywords {
			e.Possible(k.name)
		}
		for _, name := range []string{"pubkeyacceptedalgorithms", "ciphers"} {
			_, _ = e.Algorithms(name)
		}
		_, _ = e.AuthorizedKeysPaths("ann", "/home/ann", 1000)
		e.Worlds()
		e.Problems()
		if d := time.Since(start); d > 8*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// FuzzUnit parses hostile bytes as a unit and as its environment.
func FuzzUnit(f *testing.F) {
	f.Add([]byte(debianUnit), []byte("SSHD_OPTS=\"-o a=b\"\n"))
	f.Add([]byte("[Service]\nExecStart=/usr/sbin/sshd -D '$X' ${X} \"a\\"), []byte("X='\\"))
	f.Fuzz(func(t *testing.T, unit, env []byte) {
		var i Invocation
		for _, a := range parseUnit(unit, "/u") {
			words := splitExec(a, parseEnvironment(env, "/e"), "x")
			i.takeArguments(words)
		}
		if len(i.CommandLine) > len(unit)+len(unit)*len(env) {
			t.Error("more settings than bytes")
		}
	})
}

// FuzzHostKey looks at hostile bytes as at a private key.
func FuzzHostKey(f *testing.F) {
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := privateKey(data, 2048); err == nil && !strings.Contains(string(data), "PRIVATE KEY") {
			t.Error("bytes without a frame were taken as a key")
		}
	})
}

// FuzzGlob matches hostile patterns; it must stay linear.
func FuzzGlob(f *testing.F) {
	f.Add("aaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*a*a*c")
	f.Add("x", "[!a-")
	f.Fuzz(func(t *testing.T, name, pattern string) {
		if len(name)+len(pattern) > 1<<12 {
			return
		}
		globMatch(name, pattern)
		_ = MatchPattern(name, pattern)
		MatchList(name, pattern, true)
		_, _ = MatchAddress(name, pattern)
	})
}

func TestIncludeBomb(t *testing.T) {
	files := map[string]string{}
	for i := range 15 {
		files["etc/ssh/f"+string(rune('a'+i))] = strings.Repeat("Include f"+string(rune('a'+i+1))+"\n", 8)
	}
	files["etc/ssh/fp"] = "Banner /x\n"
	files["etc/ssh/sshd_config"] = "Include fa\n"
	start := time.Now()
	c := load(t, files, Options{Version: bookworm})
	if len(c.Problems) == 0 || !c.Problems[0].Unknown {
		t.Errorf("got %+v", c.Problems)
	}
	loop := load(t, map[string]string{"etc/ssh/sshd_config": "Include sshd_config\nInclude sshd_config\n"}, Options{Version: bookworm})
	if p := fatal(loop.Problems); len(p) != 1 || !strings.Contains(p[0].Text, "nested") {
		t.Errorf("got %+v", loop.Problems)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	_, err := Glob(openVolume(t, t.TempDir()), "/*/*/*")
	if err != nil {
		t.Error(err)
	}
}
