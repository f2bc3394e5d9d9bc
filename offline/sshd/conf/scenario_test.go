package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// A scenario is a whole configuration and what sshd must make of it, written
// from sshd_config(5), not from our reading. Each holds for our reader in all the
// releases it names, and for the packaged sshds themselves.
type scenario struct {
	name         string
	since, until int    // releases as Version.number; until is the first without, 0: none
	files        string // txtar: sshd_config, then the files below /etc/ssh that it includes
	expect       map[string]string
}

// refused instead of settings: sshd does not start.
const refused = "refused"

// A client is written "USER ADDRESS key=value ...", its settings as sshd -T
// prints them, separated by "; ".
func parseClient(t *testing.T, s string) Connection {
	t.Helper()
	c := Connection{Host: "client.example.org", Address: "10.1.2.3", LocalAddress: "10.9.9.9", LocalPort: 22}
	for i, w := range strings.Fields(s) {
		key, value, ok := strings.Cut(w, "=")
		switch {
		case i == 0:
			c.User, c.Groups = w, scenarioGroups[w]
		case !ok && w == "invalid-user":
			c.InvalidUser = true
		case !ok:
			c.Address = w
		case key == "host":
			c.Host = value
		case key == "laddr":
			c.LocalAddress = value
		case key == "rdomain":
			c.RDomain = value
		case key == "lport":
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			c.LocalPort = n
		default:
			t.Fatalf("bad client %q", s)
		}
	}
	return c
}

// The accounts of all scenarios.
const (
	scenarioPasswd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
	scenarioGroup  = "root:x:0:\nann:x:1000:\nbob:x:1001:\nwheel:x:10:ann\nstaff:x:50:ann,bob\nnogroup:x:65534:\n"
)

var scenarioGroups = map[string][]string{"root": {"root"}, "ann": {"ann", "wheel", "staff"}, "bob": {"bob", "staff"}}

func (s scenario) tree() map[string]string {
	archive := txtar.Parse([]byte(s.files))
	files := map[string]string{"sshd_config": string(archive.Comment)}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

func (s scenario) clients() []string {
	var out []string
	for c := range s.expect {
		out = append(out, c)
	}
	sort.Strings(out)
	return out
}

func (s scenario) in(v Version) bool {
	return v.number() >= s.since && (s.until == 0 || v.number() < s.until)
}

func allScenarios() []scenario {
	var out []scenario
	for _, list := range [][]scenario{lineScenarios, listScenarios, matchScenarios, matchHostScenarios, includeScenarios, keyScenarios, listenScenarios, limitScenarios} {
		out = append(out, list...)
	}
	return out
}

// TestScenarios holds our reading against what is written.
func TestScenarios(t *testing.T) {
	releases := []Version{
		{Major: 7, Minor: 4, Vendor: RedHat}, {Major: 8, Minor: 4, Vendor: Debian}, {Major: 8, Minor: 7, Vendor: RedHat},
		{Major: 9, Minor: 2, Vendor: Debian}, {Major: 9, Minor: 9}, {Major: 10, Vendor: Debian},
	}
	for _, s := range allScenarios() {
		files := map[string]string{"etc/passwd": scenarioPasswd}
		for name, text := range s.tree() {
			files["etc/ssh/"+name] = text
		}
		v, ran := openVolume(t, tree(t, files)), false
		for _, release := range releases {
			if !s.in(release) {
				continue
			}
			ran = true
			c, err := Load(v, Options{Version: release})
			if err != nil {
				t.Fatal(err)
			}
			for _, client := range s.clients() {
				e := c.Evaluate(parseClient(t, client))
				got := func(name string) string {
					list, _ := render(e, name)
					return strings.Join(list, " ")
				}
				s.check(t, fmt.Sprintf("%d.%d", release.Major, release.Minor), client, len(fatal(c.Problems))+len(fatal(e.Problems())) > 0, got)
			}
		}
		if !ran {
			t.Errorf("%s: no release to try it with", s.name)
		}
	}
}

// check compares one client's settings.
func (s scenario) check(t *testing.T, by string, client string, refuses bool, got func(name string) string) {
	t.Helper()
	want := s.expect[client]
	if refuses || want == refused {
		if refuses != (want == refused) {
			t.Errorf("%s: %s: %s: refused is %v, want %q", s.name, by, client, refuses, want)
		}
		return
	}
	for setting := range strings.SplitSeq(want, "; ") {
		name, value, _ := strings.Cut(setting, " ")
		if g := got(name); g != value {
			t.Errorf("%s: %s: %s: %s is %q, want %q", s.name, by, client, name, g, value)
		}
	}
}

// TestScenariosAgainstSSHD holds what is written against the packaged sshds.
func TestScenariosAgainstSSHD(t *testing.T) {
	t.Parallel()
	needSSHD(t)
	roots := []string{"/"}
	if root, err := testdisk.Directory(t.Context(), testdisk.Trixie, testdisk.Small); err == nil {
		roots = append(roots, root)
	}
	for _, root := range roots {
		version, err := DetectVersion(openVolume(t, root))
		if err != nil {
			t.Fatal(err)
		}
		scenariosAgainst(t, root, version)
	}
}

func scenariosAgainst(t *testing.T, root string, version Version) {
	t.Helper()
	var list []scenario
	var configs []map[string]string
	var clients []string
	for _, s := range allScenarios() {
		for _, client := range s.clients() {
			if s.in(version) {
				list, configs, clients = append(list, s), append(configs, s.tree()), append(clients, client)
			}
		}
	}
	cases := prepare(t, root, configs)
	for i, c := range cases {
		cases[i].conn = parseClient(t, clients[i])
		for name, text := range map[string]string{"spec": spec(cases[i].conn), "etc/passwd": scenarioPasswd, "etc/group": scenarioGroup} {
			if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	runOracle(t, root, cases)
	for i, c := range cases {
		rc, err := os.ReadFile(filepath.Join(c.dir, "rc"))
		if err != nil {
			t.Fatal(err)
		}
		dump := parseDump(t, c)
		list[i].check(t, "sshd "+version.Raw, clients[i], strings.TrimSpace(string(rc)) != "0", func(name string) string {
			return strings.Join(dump[name], " ")
		})
	}
	t.Logf("%s: %d clients of written scenarios asked for", version.Raw, len(cases))
}
