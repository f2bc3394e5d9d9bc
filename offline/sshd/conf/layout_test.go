package conf

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/account"
)

// A layout is a distribution's whole tree as far as sshd is concerned, and what
// must come of it.
type layout struct {
	name  string
	files map[string]string
	start string // what starts sshd, as describe gives it
	root  string // settings for root, as in a scenario
	// problem is a part of the text of the worst problem: a fatal one when it
	// begins with "fatal: ", an open one with "open: "; empty: sshd starts.
	problem string
}

// fakeSSHD holds the strings of an sshd of that release and vendor.
func fakeSSHD(t *testing.T, raw string, vendor Vendor, paths ...string) string {
	t.Helper()
	v := release(t, raw)
	words := []string{"\x7fELF\x02\x01\x01", raw, "libcrypto.so.3"}
	for _, k := range keywords {
		later := slices.ContainsFunc(spellings, func(s spelling) bool { return s.name == k.name && s.since > v.number() })
		if k.since <= v.number() && !later && (k.vendor == "" || strings.Contains(k.vendor, string(vendor)) && vendor != Upstream) {
			words = append(words, k.name)
		}
	}
	for _, s := range spellings {
		if s.since <= v.number() {
			words = append(words, s.name)
		}
	}
	for _, o := range obsolete {
		words = append(words, o.name)
	}
	for _, list := range [][]string{keyAlgorithms(v), ciphers(v), macs(v), kexes(v), paths} {
		words = append(words, list...)
	}
	return strings.Join(words, "\x00") + "\x00"
}

// with is a tree with changes; an empty text removes a file.
func with(base map[string]string, changes ...string) map[string]string {
	out := maps.Clone(base)
	for i := 0; i < len(changes); i += 2 {
		out[changes[i]] = changes[i+1]
		if changes[i+1] == "" {
			delete(out, changes[i])
		}
	}
	return out
}

// plant writes a tree with the modes that packages give.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := tree(t, files)
	for name := range files {
		mode := fs.FileMode(0)
		switch base := filepath.Base(name); {
		case strings.HasPrefix(base, "ssh_host_") && !strings.HasSuffix(base, ".pub"):
			mode = 0o600
		case strings.HasPrefix(base, "sshd-") || base == "sshd" && strings.Contains(name, "bin/"):
			mode = 0o755
		}
		if mode != 0 {
			modes(t, dir, map[string]fs.FileMode{name: mode})
		}
	}
	return dir
}

// describe is the invocation in a line.
func describe(i Invocation) string {
	out := []string{i.Init, i.Unit}
	add := func(ok bool, word string) {
		if ok {
			out = append(out, word)
		}
	}
	add(i.Enabled, "enabled")
	add(i.Masked, "masked")
	add(i.Inetd, "inetd")
	add(i.Socket != "", "socket "+filepath.Base(i.Socket))
	add(len(i.Listen) > 0, "on "+strings.Join(i.Listen, " "))
	add(i.KeyGen != "", "makes keys")
	add(summary(i) != "", "with "+summary(i))
	return strings.Join(out, "; ")
}

// worst is the text of the worst problem.
func worst(list []Problem) string {
	open := ""
	for _, p := range list {
		switch {
		case p.Fatal:
			return "fatal: " + p.Path + ": " + p.Text
		case p.Unknown && open == "":
			open = "open: " + p.Path + ": " + p.Text
		}
	}
	return open
}

func (l layout) run(t *testing.T) {
	t.Helper()
	dir := plant(t, l.files)
	v := openVolume(t, dir)
	version, err := DetectVersion(v)
	if err != nil {
		t.Errorf("%s: %v", l.name, err)
		return
	}
	i := FindInvocation(v)
	if got := describe(i); got != l.start {
		t.Errorf("%s: starts as %q, want %q", l.name, got, l.start)
	}
	c, err := Load(v, i.Options(version))
	if err != nil {
		t.Fatal(err)
	}
	e := c.Evaluate(Connection{User: "root", Groups: []string{"root"}})
	for setting := range strings.SplitSeq(l.root, "; ") {
		name, want, _ := strings.Cut(setting, " ")
		if list, _ := render(e, name); strings.Join(list, " ") != want {
			t.Errorf("%s: %s is %q, want %q", l.name, name, list, want)
		}
	}
	got := worst(c.StartProblems(v, i, accounts(t, dir)))
	kind, text, _ := strings.Cut(l.problem, ": ")
	if l.problem == "" && got != "" || !strings.HasPrefix(got, kind) || !strings.Contains(got, text) {
		t.Errorf("%s: problem %q, want %q", l.name, got, l.problem)
	}
}

func accounts(t *testing.T, dir string) *account.DB {
	t.Helper()
	var data [2][]byte
	for i, name := range []string{"etc/passwd", "etc/group"} {
		var err error
		if data[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return account.Parse(data[0], nil, data[1], nil)
}

// machine is what all distributions have, with an ed25519 host key.
func machine(t *testing.T, osRelease string) map[string]string {
	t.Helper()
	return map[string]string{
		"etc/passwd": scenarioPasswd, "etc/group": scenarioGroup + "ssh_keys:x:990:\n", "etc/os-release": osRelease,
		"etc/ssh/ssh_host_ed25519_key": hostKeyFile(t, "-t", "ed25519", "-N", ""),
	}
}
