package regain_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-77750964/regain"

// A rule forbids imports, direct or through other packages. A pattern is a path,
// or a path and "/..." for it and all below; "./" stands for this module.
type rule struct {
	from   []string
	except []string
	deny   []string
	why    string
}

// rules are the arrows that design forbids: they point down only.
var rules = []rule{
	{from: []string{"./offline/..."}, deny: []string{"os/exec"}, why: "offline runs nothing: no byte of a patient may reach a program"},
	{from: []string{"./offline/..."}, deny: []string{"net"}, why: "offline dials nothing (net/netip is welcome)"},
	{from: []string{"./offline/..."}, deny: []string{"os/user"}, why: "os/user asks this host, and the users are the volume's"},
	{from: []string{"./offline/..."}, deny: []string{"log", "log/slog"}, why: "offline returns findings and does not log"},
	{
		from: []string{"./offline/...", "./rescue/...", "./controller", "./controller/flow", "./controller/pace", "./controller/policy/...", "./controller/runs", "./controller/sim", "./internal/..."}, deny: []string{"github.com/aws/..."},
		why: "only the adapters (agent, controller/aws) talk to AWS",
	},
	{
		from: []string{"./offline/..."}, deny: []string{"./rescue/...", "./agent/...", "./controller/...", "./lab/...", "./cmd/..."},
		why: "offline stands below: it decides, they act",
	},
	{from: []string{"./offline"}, deny: []string{"./offline/..."}, why: "offline is the ground that its subpackages stand on"},
	{from: []string{"./offline/block"}, deny: []string{"./..."}, why: "block reads bytes and knows nothing of trees"},
	{
		from: []string{"./offline/account", "./offline/acl", "./offline/pam", "./offline/selinux", "./offline/sshkey", "./offline/tcpwrap"},
		deny: []string{"./offline/sshd/...", "./offline/linuxroot/...", "./offline/block"}, why: "each knows one kind of file; sshd and linuxroot put them together",
	},
	{from: []string{"./offline/sshd/..."}, deny: []string{"./offline/linuxroot/...", "./offline/block"}, why: "the verdict is about one user and one key; who and why is linuxroot's"},
	{from: []string{"./offline/linuxroot/..."}, deny: []string{"./offline/block"}, why: "a root is a tree: what it lies on is rescue's business"},
	{
		from: []string{"./offline/winroot/agentconf/...", "./offline/winroot/task/...", "./offline/winroot/gpo/..."},
		deny: []string{"./offline/regf/...", "./offline/block", "./offline/sshd/...", "./offline/linuxroot/..."}, why: "each edits one kind of text or value; winroot says where it stands",
	},
	{from: []string{"./offline/winroot/..."}, deny: []string{"./offline/linuxroot/...", "./offline/sshd/...", "./offline/block"}, why: "a Windows root is a tree and its hives: what it lies on is rescue's business"},
	{from: []string{"./lab/windows"}, deny: []string{"./offline", "./offline/winroot/...", "./offline/regf/..."}, why: "the simulated launch agents must not share regain's idea of the files that they read"},
	{from: []string{"./offline/regf/..."}, deny: []string{"./..."}, why: "hives are bytes"},
	{from: []string{"./rescue/..."}, deny: []string{"./agent/...", "./controller/...", "./lab/...", "./cmd/..."}, why: "rescue is told what to do and does not know by whom"},
	{from: []string{"./agent/..."}, deny: []string{"./controller/...", "./lab/...", "./cmd/..."}, why: "agent and controller share the wire format in offline, and nothing else"},
	{from: []string{"./controller/..."}, deny: []string{"./agent/...", "./rescue/...", "./lab/...", "./cmd/..."}, why: "what passes to the agent is a task and a report"},
	{
		from: []string{"./controller", "./controller/flow", "./controller/pace", "./controller/policy", "./controller/runs", "./controller/sim"},
		deny: []string{"os/exec"}, why: "the workflow asks a cloud and runs nothing",
	},
	{from: []string{"./controller/flow", "./controller/policy", "./controller/agentbin"}, deny: []string{"./..."}, why: "the engine drives any steps, and policies are data: they import nothing of ours"},
	{from: []string{"./controller"}, deny: []string{"./controller/aws/...", "./controller/sim/...", "./controller/pace/..."}, why: "the workflow knows a Cloud, and none in particular"},
	{from: []string{"./lab/..."}, deny: []string{"./controller/..."}, why: "a misunderstanding of EC2 must not be shared by the program and its test bed"},
	{from: []string{"./lab/..."}, deny: []string{"./agent/...", "./rescue/..."}, why: "the lab's helpers run the agent that they are sent"},
	{from: []string{"./lab/..."}, deny: []string{"github.com/aws/..."}, why: "the server's side of the wire is written from the documentation, not from the client's code"},
	{from: []string{"./cmd/regain"}, deny: []string{"./agent/...", "./rescue/...", "./lab/..."}, why: "the controller reaches the agent through the cloud alone"},
	{from: []string{"./cmd/regain-lab"}, deny: []string{"./agent/...", "./rescue/...", "./controller/..."}, why: "the lab knows neither of those that it tests"},
	{from: []string{"./cmd/regain-agent"}, deny: []string{"./controller/...", "./lab/..."}, why: "the agent knows a task, and not who sends it"},
	{
		from: []string{"./..."}, except: []string{"./internal/testdisk/...", "./bench/..."}, deny: []string{"./internal/testdisk/...", "testing"},
		why: "testdisk runs what it finds on a disk: it is for tests and demos only",
	},
	{from: []string{"./internal/testdisk", "./internal/mustrun"}, deny: []string{"./..."}, why: "the oracle shares no code with what it judges"},
}

func TestImports(t *testing.T) {
	packages := listPackages(t)
	for _, r := range rules {
		applies := false
		for _, p := range packages {
			if !matchesAny(r.from, p.ImportPath) || matchesAny(r.except, p.ImportPath) {
				continue
			}
			applies = true
			if broken := r.breaks(p); len(broken) > 0 {
				t.Errorf("%s imports %s, if only through another package: %s", p.ImportPath, broken, r.why)
			}
		}
		if !applies {
			t.Errorf("the rule %q applies to no package: %v", r.why, r.from)
		}
	}
}

func TestRulesBite(t *testing.T) {
	for name, tt := range map[string]struct {
		importer, imported string
		want               bool
	}{
		"exec below offline":      {module + "/offline/sshd", "os/exec", true},
		"net in offline":          {module + "/offline", "net", true},
		"netip is welcome":        {module + "/offline/sshd/conf", "net/netip", false},
		"SDK in rescue":           {module + "/rescue", "github.com/aws/aws-sdk-go-v2/aws", true},
		"SDK in agent":            {module + "/agent/key", "github.com/aws/aws-sdk-go-v2/aws", false},
		"offline upwards":         {module + "/offline", module + "/offline/sshd", true},
		"block sideways":          {module + "/offline/block", module + "/offline", true},
		"flow upwards":            {module + "/controller/flow", module + "/controller", true},
		"lab and controller":      {module + "/lab/ec2", module + "/controller/flow", true},
		"testdisk in production":  {module + "/rescue", module + "/internal/testdisk", true},
		"testdisk in its command": {module + "/internal/testdisk/cmd/mkdisk", module + "/internal/testdisk", false},
		"like offline by name":    {module + "/offlineish", "net", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := false
			for _, r := range rules {
				if matchesAny(r.from, tt.importer) && !matchesAny(r.except, tt.importer) {
					got = got || len(r.breaks(pkg{ImportPath: tt.importer, Deps: []string{tt.imported}})) > 0
				}
			}
			if got != tt.want {
				t.Errorf("%s importing %s: forbidden is %v, want %v", tt.importer, tt.imported, got, tt.want)
			}
		})
	}
}

type pkg struct {
	ImportPath string
	Deps       []string // direct and indirect
}

// breaks are the imports of p that the rule forbids.
func (r rule) breaks(p pkg) []string {
	var broken []string
	for _, dep := range p.Deps {
		if dep != p.ImportPath && matchesAny(r.deny, dep) {
			broken = append(broken, dep)
		}
	}
	return broken
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func matches(pattern, path string) bool {
	if rest, ok := strings.CutPrefix(pattern, "./"); ok {
		pattern = module + "/" + rest
	}
	below, ok := strings.CutSuffix(pattern, "/...")
	return path == strings.TrimSuffix(pattern, "/") || ok && (path == below || strings.HasPrefix(path, below+"/"))
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("cannot list the packages: %v", err)
	}
	var packages []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatalf("cannot read the list of packages: %v", err)
		}
		packages = append(packages, p)
	}
}

// TestDecisionsNamePackagesThatThereAre: what a table of docs/adr calls a package is one.
func TestDecisionsNamePackagesThatThereAre(t *testing.T) {
	pages, err := filepath.Glob("docs/adr/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z]+(?:/[a-z]+)+)` \\|")
	seen := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range row.FindAllStringSubmatch(string(text), -1) {
			seen++
			if info, err := os.Stat(m[1]); err != nil || !info.IsDir() {
				t.Errorf("%s: there is no %s", page, m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("no table names a package")
	}
}
