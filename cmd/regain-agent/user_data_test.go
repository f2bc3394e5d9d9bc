package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
)

// TestWindowsUserData: what user data holds is told in words, and decides whether
// there is something to warn of, or to refuse.
func TestWindowsUserData(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	t.Chdir(t.TempDir())
	plantWindows(t, "w.raw", windows.Agent{Kind: windows.EC2LaunchV2})
	rescue := []string{"rescue", "--image", "w.raw", "--state-dir", "state", "--dry-run"}
	said := func(r offline.Report) (list []string) {
		for _, f := range r.Findings {
			if f.ID == "windows/user-data" {
				list = append(list, f.Evidence)
			}
		}
		return list
	}
	if got := said(wantCode(t, exitDone, rescue...)); len(got) != 1 || !strings.Contains(got[0], "not known") {
		t.Errorf("without the flag: %q", got)
	}
	for words, want := range map[string][]string{
		"none": nil, "powershell,persist": {"userData powershell"}, "script,powershell": {"userData script", "userData powershell"},
		"tasks": {"userData in the form of EC2Launch v2"},
	} {
		if got := said(wantCode(t, exitDone, append(rescue, "--windows-user-data", words)...)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
	sysprep := append(rescue, "--windows-user-data", "powershell,sysprep")
	refused := wantCode(t, exitFindings, sysprep...)
	if diff := cmp.Diff([][]string{{"windows/sysprep"}, {"--accept windows/sysprep"}}, [][]string{refused.Windows.Refused, refused.Windows.Consents}); diff != "" {
		t.Error(diff)
	}
	accepted := wantCode(t, exitDone, append(sysprep, strings.Fields(refused.Windows.Consents[0])...)...)
	if len(accepted.Changes) == 0 || len(accepted.Windows.Refused)+len(accepted.Windows.Consents) > 0 {
		t.Errorf("%+v", accepted.Windows)
	}
	raw := wantCode(t, exitUsage, append(rescue, "--windows-user-data", "<script>net user x hunter2</script>")...)
	if raw.Error.Code != "usage" || strings.Contains(raw.Error.Message+raw.Error.Hint, "hunter2") || !strings.Contains(raw.Error.Hint, "powershell, persist") {
		t.Errorf("%+v", raw.Error)
	}
}
