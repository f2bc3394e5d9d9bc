package conf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorded is what an sshd that is not at hand said about a configuration. Its
// root had no /etc/services.
// REGAIN_RECORD=ROOT:FILE makes such a file from the sshd of a root.
type recorded struct {
	Files   map[string]string
	Conn    Connection
	Refused bool
	Values  map[string][]string // what differs from the empty configuration
}

type recording struct {
	Version string
	Cases   []recorded
}

// order holds the lists that old releases expand in another order of names.
var order = []string{"pubkeyacceptedkeytypes", "hostbasedacceptedkeytypes", "hostkeyalgorithms"}

func TestRecorded(t *testing.T) {
	names, err := filepath.Glob("testdata/recorded/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var r recording
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, c := range r.Cases {
			c.check(t, release(t, r.Version))
			if c.Refused {
				refused++
			}
		}
		t.Logf("%s: %d configurations compared, %d of them refused", r.Version, len(r.Cases), refused)
	}
}

func (r recorded) check(t *testing.T, version Version) {
	t.Helper()
	files := map[string]string{"etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"}
	for name, text := range r.Files {
		files["etc/ssh/"+name] = text
	}
	c := load(t, files, Options{Version: version})
	e := c.Evaluate(r.Conn)
	problems := append(fatal(c.Problems), fatal(e.Problems())...)
	if r.Refused != (len(problems) > 0) {
		t.Errorf("sshd refuses: %v, we say %+v\n%q", r.Refused, problems, r.Files)
		return
	}
	for name, want := range r.Values {
		got, ok := render(e, name)
		if slices.Contains(order, name) {
			got, want = sortedList(got), sortedList(want)
		}
		if ok && !slices.Equal(got, want) {
			t.Errorf("%s: sshd %q, we %q\n%q", name, want, got, r.Files)
		}
	}
}

func sortedList(list []string) []string {
	out := strings.Split(strings.Join(list, ","), ",")
	slices.Sort(out)
	return out
}

// TestRecord makes a recording; it runs only when asked to.
func TestRecord(t *testing.T) {
	root, name, ok := strings.Cut(os.Getenv("REGAIN_RECORD"), ":")
	if !ok {
		return
	}
	version, err := DetectVersion(openVolume(t, root))
	if err != nil {
		t.Fatal(err)
	}
	cases := prepare(t, root, append([]map[string]string{{"sshd_config": ""}}, generated(300, 120)...))
	runOracle(t, root, cases)
	empty := parseDump(t, cases[0])
	out := recording{Version: version.Raw}
	for _, c := range cases[1:] {
		rc, err := os.ReadFile(filepath.Join(c.dir, "rc"))
		if err != nil {
			t.Fatal(err)
		}
		r := recorded{Files: c.files, Conn: c.connection(), Refused: strings.TrimSpace(string(rc)) != "0", Values: map[string][]string{}}
		for k, v := range parseDump(t, c) {
			if !slices.Equal(v, empty[k]) && k != "setenv" { // 8.4 repeats variables
				r.Values[k] = v
			}
		}
		out.Cases = append(out.Cases, r)
	}
	data, err := json.MarshalIndent(out, "", " ")
	if err == nil {
		err = os.WriteFile(name, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
