package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
)

// garrulous is a Windows that says as much as it can, wherever it is read.
func garrulous() windows.Machine {
	long := strings.Repeat("é\x1b", 100)
	var settings strings.Builder
	settings.WriteString("version: 1.0\nconfig:\n  - stage: preReady\n    tasks:\n      - task: setAdminAccount\n        inputs:\n          password:\n            type: doNothing\n")
	for i := range 200 {
		fmt.Fprintf(&settings, "      - task: executeProgram # %s\n        inputs:\n          - frequency: once\n            path: 'C:\\%d%s'\n", strings.Repeat("x", 500), i, strings.Repeat("ü", 300))
	}
	yaml := settings.String()
	files := map[string]string{"Windows/System32/GroupPolicy/gpt.ini": "[General]\r\n; " + long + "\r\nVersion=1\r\n"}
	for i := range 60 {
		files[fmt.Sprintf("Windows/System32/GroupPolicy/Machine/Scripts/Startup/regain-%d%s.cmd", i, strings.Repeat("x", 180))] = "x"
	}
	return windows.Machine{
		Release: "2022", Agents: []windows.Agent{{Kind: windows.EC2LaunchV2, Settings: &yaml}, {Kind: windows.EC2LaunchV1}, {Kind: windows.EC2Config}}, Files: files,
		Software: "\n[Microsoft\\Windows NT\\CurrentVersion]\nProductName = sz:" + strings.Repeat("ÿ", 7000) + "\n",
	}
}

// TestWindowsReportFits: Run Command cuts what is longer than it keeps, so nothing
// that a volume holds may make the report so long. What it is about stays.
func TestWindowsReportFits(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	t.Chdir(t.TempDir())
	img, err := testdisk.NewNTFSDisk(t.Context(), "w.raw", 64<<20, func(root string) error { return garrulous().Write(t.Context(), root) })
	if err != nil {
		t.Fatal(err)
	}
	rescue := []string{"rescue", "--image", "w.raw", "--state-dir", "state"}
	fits := func(want, limit int, args ...string) (r offline.Report) {
		t.Helper()
		code, stdout, stderr := call(0, append(args, "--json", "--max-report", fmt.Sprint(limit))...)
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != want {
			t.Fatalf("%q: exit code %d, want %d, %v\n%s", args, code, want, err, stderr)
		}
		if len(stdout) > limit {
			t.Errorf("%q: %d bytes, more than %d; cut: %q", args, len(stdout), limit, r.Truncated)
		}
		return r
	}
	_, stdout, _ := call(0, append(rescue, "--dry-run", "--json")...)
	if len(stdout) < 30_000 {
		t.Errorf("the whole report has but %d bytes", len(stdout))
	}
	var whole offline.Report
	if err := json.Unmarshal([]byte(stdout), &whole); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{24_000, 10_000, 4000} {
		plan := fits(exitDone, limit, append(rescue, "--dry-run")...)
		if plan.Windows.Agent != "ec2launch-v2" || plan.Outcome != offline.Unchanged || !slices.Equal(plan.Windows.Armed, whole.Windows.Armed) {
			t.Errorf("%d: %+v", limit, plan.Windows)
		}
	}
	if err := img.Mount(testdisk.Hibernated); err != nil {
		t.Fatal(err)
	}
	if r := fits(exitFailed, 4000, rescue...); r.Error.Code != "hibernated" || r.Error.Hint == "" {
		t.Errorf("%+v", r.Error)
	}
}
