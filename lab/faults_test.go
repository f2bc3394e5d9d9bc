package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

func writeFaults(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kinds are those of the rules whose turn it is, call by call.
func kinds(t *testing.T, f *faults, calls ...*wire.Call) string {
	t.Helper()
	var got []string
	for _, c := range calls {
		rule, err := f.next(c)
		switch {
		case err != nil:
			t.Fatal(err)
		case rule == nil:
			got = append(got, "-")
		default:
			got = append(got, rule.Kind)
		}
	}
	return strings.Join(got, " ")
}

func TestFaultRules(t *testing.T) {
	stop, describe := query("StopInstances", "InstanceId.1", "i-0123456789abcdef0"), query("DescribeInstances")
	put := &wire.Call{Service: "ssm", Action: "PutParameter", JSON: []byte(`{"Name":"/a"}`)}
	for name, tt := range map[string]struct {
		rules, want string
	}{
		"the first":     {"- {service: ec2, action: StopInstances, kind: throttle}", "throttle - - -"},
		"the second":    {"- {service: ec2, action: StopInstances, nth: 2, kind: capacity}", "- - capacity -"},
		"every":         {"- {service: ec2, nth: every, kind: throttle}", "throttle throttle throttle -"},
		"any":           {"- {nth: 4, kind: throttle}", "- - - throttle"},
		"of a resource": {"- {resource: i-0123456789abcdef0, nth: 2, kind: timeout-after}", "- - timeout-after -"},
		"of another":    {"- {resource: i-0aaaaaaaaaaaaaaa0, kind: timeout-after}", "- - - -"},
		"of a path":     {"- {service: ssm, resource: /a, kind: timeout-before}", "- - - timeout-before"},
		"two rules":     {"- {action: StopInstances, kind: throttle}\n- {action: StopInstances, nth: 2, kind: lost-helper}", "throttle - lost-helper -"},
		"first wins":    {"- {action: StopInstances, kind: throttle}\n- {service: ec2, nth: every, kind: timeout-after}", "throttle timeout-after timeout-after -"},
		"none":          {"", "- - - -"},
		"no list":       {"# nothing yet\n", "- - - -"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "faults.yaml")
			writeFaults(t, path, tt.rules)
			f, err := openFaults(dir, path)
			if err != nil {
				t.Fatal(err)
			}
			if got := kinds(t, f, stop, describe, stop, put); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFaultCountersSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "faults.yaml")
	writeFaults(t, path, "- {action: StopInstances, nth: 3, kind: throttle}")
	got := ""
	for range 4 {
		f, err := openFaults(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		got += kinds(t, f, query("StopInstances")) + " "
	}
	if got != "- - throttle - " {
		t.Errorf("got %s", got)
	}
}

func TestFaultsAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "faults.yaml")
	f, err := openFaults(dir, path)
	if err != nil {
		t.Fatalf("a file that is not there: %v", err)
	}
	call := query("StopInstances")
	if got := kinds(t, f, call); got != "-" {
		t.Errorf("got %s", got)
	}
	writeFaults(t, path, "- {action: StopInstances, kind: throttle}")
	if got := kinds(t, f, call, call); got != "throttle -" {
		t.Errorf("after it was written: %s", got)
	}
	writeFaults(t, path, "- {action: StopInstances, kind: throttle, id: again}")
	if got := kinds(t, f, call, call); got != "throttle -" {
		t.Errorf("a rule with another id counts anew: %s", got)
	}
	writeFaults(t, path, "- {action: StopInstances, kind: nonsense}")
	if _, err := f.next(call); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a spoilt file: %v, want an error that names it", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, f, call); got != "-" {
		t.Errorf("after it was removed: %s", got)
	}
}

func TestFaultsOfEachKind(t *testing.T) {
	for text, want := range map[string]string{
		"kind: error, code: IncorrectState, message: m, status: 409": "IncorrectState: m",
		"kind: error, code: IncorrectState":                          "IncorrectState: A fault of the lab.",
		"kind: throttle":                                             "RequestLimitExceeded: Request limit exceeded.",
		"kind: capacity":                                             "InsufficientInstanceCapacity: We currently do not have sufficient capacity in the Availability Zone you requested.",
	} {
		list, err := parseFaults([]byte("- {" + text + "}"))
		if err != nil {
			t.Fatal(err)
		}
		if got := list[0].fault("ec2"); got == nil || got.Error() != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
	list, err := parseFaults([]byte("- {kind: stuck, for: 90s}"))
	if err != nil || list[0].For != 90*time.Second || list[0].fault("ec2") != nil {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestSpoiltFaults(t *testing.T) {
	for _, text := range []string{
		"- {kind: nonsense}", "- {kind: error}", "- {kind: stuck}", "- {kind: throttle, nth: 0}", "- {kind: throttle, nth: often}", "- {kind: throttle, actoin: X}", "kind: throttle", "- {kind: throttle", "- 1",
	} {
		if list, err := parseFaults([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", text, list)
		}
	}
}

func FuzzFaults(f *testing.F) {
	f.Add([]byte("- {service: ec2, action: StopInstances, nth: 2, kind: stuck, for: 3s, resource: i-1}\n- {nth: every, kind: error, code: X}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := parseFaults(data)
		if err != nil {
			return
		}
		for _, r := range list {
			r.matches(query("StopInstances"), nil)
			if r.Nth < every || r.fault("ec2") == nil && (r.Kind == kindError || r.Kind == kindThrottle || r.Kind == kindCapacity) {
				t.Errorf("got %+v", r)
			}
		}
	})
}
