package offline

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// bigReport is one of about a megabyte.
func bigReport() Report {
	long := strings.Repeat("x", 2000)
	r := Report{
		Schema: Schema, Run: "r", Command: "rescue", Outcome: Rescued,
		Key: &Key{Type: "ssh-ed25519", Fingerprint: "SHA256:f", Public: "ssh-ed25519 AAAA", Parameter: "/p", Version: 3},
	}
	r.Windows = &Windows{Agent: "ec2launch-v2", Armed: []string{"ec2launch-v2"}, Refused: []string{"windows/sysprep"}, Consents: []string{"--accept windows/sysprep"}}
	r.Error = &Problem{Code: "arming-refused", Message: strings.Repeat("é", 30_000), Hint: long + long}
	for i := range 50 {
		name := fmt.Sprint("u", i)
		r.Users = append(r.Users, User{Name: name, Chosen: i == 7, Why: long})
		r.Verdicts = append(r.Verdicts, Verdict{User: name, Before: Denied, After: Accepted, Reasons: []string{long}, Earlier: []string{long}})
		r.Findings = append(r.Findings, Finding{ID: "linux/x", Severity: []Severity{Blocks, Warning}[i%2], Evidence: long, Hint: long})
		r.Changes = append(r.Changes, ChangeSummary{Path: "/" + name, Diff: long, Why: long})
		r.Filesystems = append(r.Filesystems, Filesystem{Device: name, Note: long})
		r.Previous = append(r.Previous, PreviousKey{User: name, Path: long})
		r.Windows.Why, r.Windows.Warnings = append(r.Windows.Why, long), append(r.Windows.Warnings, long)
		r.Windows.Agents = append(r.Windows.Agents, WindowsAgent{Agent: "startup-script", Program: long, Why: []string{long}})
		r.Warnings, r.Login = append(r.Warnings, long), append(r.Login, long)
	}
	return r
}

func TestFit(t *testing.T) {
	whole := bigReport()
	for limit := 1_000_000; limit > 9000; limit = limit * 3 / 4 {
		r := whole.Fit(limit)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) >= limit {
			t.Errorf("%d bytes, want fewer than %d", len(data), limit)
		}
		if r.Outcome != Rescued || !reflect.DeepEqual(r.Key, whole.Key) || len(r.Verdicts) != 50 || r.Verdicts[3].After != Accepted ||
			r.Error.Code != "arming-refused" || len(r.Error.Message) < 900 || !utf8.ValidString(r.Error.Message) ||
			r.Windows.Agent == "" || len(r.Windows.Armed)+len(r.Windows.Refused)+len(r.Windows.Consents) != 3 {
			t.Errorf("at %d the result itself is cut: %.200s", limit, data)
		}
		if limit < size(whole) == (len(r.Truncated) == 0) {
			t.Errorf("at %d: truncated %q", limit, r.Truncated)
		}
	}
	if !reflect.DeepEqual(whole, bigReport()) {
		t.Error("the report that was given has been changed")
	}
}

func TestFitLeavesAShortReportAlone(t *testing.T) {
	r := Report{Schema: Schema, Changes: []ChangeSummary{{Diff: strings.Repeat("d", 100)}}}
	if got := r.Fit(size(r)); !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v", got)
	}
	if got := r.Fit(size(r) - 1); got.Changes[0].Diff != "" || got.Truncated[0] != "changes.diff" {
		t.Errorf("got %+v", got)
	}
}
