package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

var nasty = []string{"", "plain", "two words", "o'neil", `back\slash`, "$(reboot)", "`reboot`", `"quoted"`, "a;b&c|d>e<f", "*?[a]", "{{ parameter }}", "}}{{{", "~root", "-n", "é\ttab", "new\nline", "#!"}

// TestQuoteIsOneWord asks the shells themselves.
func TestQuoteIsOneWord(t *testing.T) {
	for _, shell := range []string{"sh", "bash"} {
		for _, word := range nasty {
			out, err := exec.CommandContext(t.Context(), shell, "-c", `printf '%s|' `+words(word, "end")).Output()
			if got := string(out); err != nil || got != word+"|end|" {
				t.Errorf("%s makes %q of %q: %v", shell, got, word, err)
			}
			if q := quote(word); strings.Contains(q, "{{") || strings.Contains(q, "}}") {
				t.Errorf("Systems Manager would take a parameter from %q", q)
			}
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, word := range nasty {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.ContainsRune(word, 0) {
			return // no argument holds one
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q becomes %q: %v", word, out, err)
		}
	})
}

// run runs a script as Run Command does: the lines are those of one file.
func run(t *testing.T, script []string, env ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(script, "\n"))
	cmd.Env = append(os.Environ(), env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestPrepareScript runs it against a server that gives the agent, and one that
// gives something else, in a directory of its own.
func TestPrepareScript(t *testing.T) {
	testdisk.Need(t, "curl", "sha256sum")
	agent := []byte("#!/bin/sh\necho version 1\n")
	var served atomic.Pointer[[]byte]
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write(*served.Load()) // the client says what came
	}))
	defer server.Close()
	sum := sha256.Sum256(agent)
	dir := filepath.Join(t.TempDir(), "opt")
	var script []string
	for _, line := range prepareScript(server.URL+"/agent?a=b&c='d'", hex.EncodeToString(sum[:])) {
		script = append(script, strings.ReplaceAll(line, "/opt/regain", dir))
	}
	for _, tt := range []struct {
		name  string
		serve []byte
		code  int
		asked int32
	}{
		{"something else", []byte("evil"), 1, 1}, {"the agent", agent, 0, 2}, {"again", nil, 0, 2},
	} {
		served.Store(&tt.serve)
		out, errs, code := run(t, script)
		if code != tt.code || asked.Load() != tt.asked || code == 0 && out != "version 1\n" {
			t.Errorf("%s: exit %d after %d downloads: %q %q", tt.name, code, asked.Load(), out, errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "regain-agent")); (err == nil) != (tt.code == 0) {
			t.Errorf("%s: the agent is there: %v", tt.name, err)
		}
	}
}

// TestPrepareScriptsSideBySide has two run at once on a helper, as happens when
// the answer to the first is lost: neither is in the other's way.
func TestPrepareScriptsSideBySide(t *testing.T) {
	testdisk.Need(t, "curl", "sha256sum")
	agent := []byte("#!/bin/sh\necho version 1\n")
	both := sync.WaitGroup{}
	both.Add(2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		both.Done()
		both.Wait()
		_, _ = w.Write(agent) // the client says what came
	}))
	defer server.Close()
	sum := sha256.Sum256(agent)
	script := strings.ReplaceAll(strings.Join(prepareScript(server.URL, hex.EncodeToString(sum[:])), "\n"), "/opt/regain", filepath.Join(t.TempDir(), "opt"))
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput(); err != nil || string(out) != "version 1\n" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
}

// fakeAgent prints its arguments, a line each, and fails for the runs named.
const fakeAgent = `#!/bin/sh
echo "call"
for word; do printf '<%s>\n' "$word"; done
case "$*" in *"$FAIL"*) exit 3;; esac
`

func TestRescueScript(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "regain agent")
	if err := os.WriteFile(agent, []byte(fakeAgent), 0o755); err != nil {
		t.Fatal(err)
	}
	task := offline.Task{
		Run: "r-2", Instance: "i-1", KeyName: "it's {{ssm:x}}", Volume: "vol-1", Wait: armedFor, Users: []string{"admin", "o'neil"},
		PublicKey: "ssh-ed25519 AAAA anna's", Expires: time.Hour, Repair: "all", RevokePrevious: true, AcceptUnknown: true,
	}
	out, errs, code := run(t, rescueScript(agent, task, []string{"r-1"}), "FAIL=r-1")
	if want := "call\n<undo>\n<--volume>\n<vol-1>\n<--wait>\n<1h0m0s>\n<--run>\n<r-1>\n<--json>\n<--max-report>\n<6666>\n"; errs != want {
		t.Errorf("the undo of the earlier run is %q, want %q", errs, want)
	}
	want := "call <rescue> <--volume> <vol-1> <--wait> <1h0m0s> <--instance> <i-1> <--run> <r-2> <--json> <--max-report> <20000> <--user> <admin> <--user> <o'neil>" +
		" <--key-name> <it's {{ssm:x}}> <--public-key> <ssh-ed25519 AAAA anna's> <--expires> <1h0m0s> <--repair> <all> <--revoke-previous> <--accept-unknown> "
	if got := strings.ReplaceAll(out, "\n", " "); got != want || code != 0 {
		t.Errorf("exit %d:\n%s, want\n%s", code, got, want)
	}
}

func TestUndoScript(t *testing.T) {
	agent := filepath.Join(t.TempDir(), "agent")
	if err := os.WriteFile(agent, []byte(fakeAgent), 0o755); err != nil {
		t.Fatal(err)
	}
	out, _, code := run(t, undoScript(agent, "vol-1", []string{"r-2", "r-1"}), "FAIL=r-2")
	if calls := strings.Count(out, "call"); calls != 2 || code != 3 || strings.Index(out, "r-2") > strings.Index(out, "r-1") {
		t.Errorf("exit %d: %s", code, out)
	}
	if _, _, code := run(t, undoScript(agent, "vol-1", []string{"r-1"}), "FAIL=none"); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// everything is a task with a value in every field.
func everything() offline.Task {
	var t offline.Task
	for _, f := range reflect.ValueOf(&t).Elem().Fields() {
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int64:
			f.SetInt(1)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]string{"x"}))
		}
	}
	return t
}

// TestEveryFieldTravels: what a task asks stands in the agent's command line, but
// for what is never asked of a helper.
func TestEveryFieldTravels(t *testing.T) {
	never := []string{"Command", "Device", "Image", "Root", "DryRun", "StateDir"}
	whole := rescueCommand("a", everything())
	kind := reflect.TypeFor[offline.Task]()
	for n := range kind.NumField() {
		task := everything()
		reflect.ValueOf(&task).Elem().Field(n).SetZero()
		if name := kind.Field(n).Name; slices.Equal(rescueCommand("a", task), whole) != slices.Contains(never, name) {
			t.Errorf("%s: travels %v", name, slices.Contains(never, name))
		}
	}
}

// TestTheAgentKnowsTheFlags asks the real agent's help.
func TestTheAgentKnowsTheFlags(t *testing.T) {
	for command, line := range map[string][]string{"rescue": rescueCommand("a", everything()), "undo": undoCommand("a", "v", "r", 1)} {
		help, err := exec.CommandContext(t.Context(), "go", "run", "../cmd/regain-agent", command, "--help").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, help)
		}
		for _, word := range line {
			if strings.HasPrefix(word, "--") && !strings.Contains(string(help), word+" ") {
				t.Errorf("%s has no flag %s", command, word)
			}
		}
	}
}

func TestTask(t *testing.T) {
	r := &Rescue{Public: "made", Ask: Ask{Instance: "i-1", KeyType: "rsa", KMSKey: "key", PublicKey: "", Users: []string{"admin"}},
		Original: &Original{Instance: Instance{KeyName: "lost"}, Root: Device{Volume: "vol-1"}}}
	base := offline.Task{Command: "rescue", Run: "r-1", Instance: "i-1", KeyName: "lost", Volume: "vol-1", Wait: armedFor, Users: []string{"admin"}}
	agent, made, given := base, base, base
	agent.KeyType, agent.KMSKey, agent.Store = "rsa", "key", "ssm"
	made.PublicKey, given.PublicKey = "made", "own"
	for keys, want := range map[string]offline.Task{KeysAgent: agent, KeysController: made, KeysGiven: given} {
		r.Ask.Keys = keys
		if r.Ask.PublicKey = ""; keys == KeysGiven {
			r.Ask.PublicKey = "own"
		}
		if got := r.task("r-1"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", keys, got, want)
		}
	}
	if c := (&Rescue{Run: "20261122T155300Z-3fa2c1"}).comment(RescueCommand, 2); len(c) > 100 || !slices.Contains(strings.Fields(c), "20261122T155300Z-3fa2c1") {
		t.Error(c)
	}
}
