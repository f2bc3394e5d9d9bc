package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/agent"
	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
)

// A hazard is a state in which a Windows is left alone.
type hazard struct {
	agents   []windows.Agent // none: EC2Launch v2
	system   string          // of the hives
	software string
	files    map[string]string
	tree     []testdisk.Mutation // after the machine is written, each in a mount of its own
	disk     func(*testdisk.NTFSImage) error

	code string // of the error; arming-refused: for the finding
	id   string
	does string // a word of what to do instead
}

func v2Settings(text string) []windows.Agent {
	return []windows.Agent{{Kind: windows.EC2LaunchV2, Settings: &text}}
}

const sysprepTask = "config:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: random\n- stage: postReady\n  tasks:\n  - task: sysprep\n    inputs:\n      clean: true\n"

// onHive damages a hive, or puts a log beside it.
func onHive(damage func(t *testing.T, path string)) func(*testing.T) testdisk.Mutation {
	return func(t *testing.T) testdisk.Mutation {
		return func(root string) error {
			damage(t, filepath.Join(root, windows.SoftwareHive))
			return nil
		}
	}
}

// twin leaves a name that differs from another only in case.
func twin(name string) testdisk.Mutation {
	return func(root string) error {
		at := filepath.Join(root, name)
		return errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte("x"), 0o644))
	}
}

func hazards(t *testing.T) map[string]hazard {
	damaged := func(damage func(t *testing.T, path string)) []testdisk.Mutation {
		return []testdisk.Mutation{onHive(damage)(t)}
	}
	const refused, stop = "arming-refused", "stop"
	v1, config := windows.Agent{Kind: windows.EC2LaunchV1, Armed: true}, windows.Agent{Kind: windows.EC2Config, Armed: true}
	return map[string]hazard{
		"hibernated":        {tree: []testdisk.Mutation{testdisk.Hibernated}, code: "hibernated", does: "neither hibernated"},
		"fast start-up":     {disk: func(img *testdisk.NTFSImage) error { return img.SetLog(2, 0, true) }, code: "hibernated", does: stop},
		"unclean log":       {disk: func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, code: "unclean", does: stop},
		"unclean log 2.0":   {disk: func(img *testdisk.NTFSImage) error { return img.SetLog(2, 0, false) }, code: "hibernated", does: stop},
		"dirty flag":        {disk: (*testdisk.NTFSImage).MarkDirty, code: "dirty", does: "check"},
		"directory service": {files: map[string]string{"Windows/NTDS/ntds.dit": "x"}, code: refused, id: "windows/domain-controller", does: "Directory Services"},
		"LanmanNT":          {system: "\n[ControlSet001\\Control\\ProductOptions]\nProductType = sz:LanmanNT\n", code: refused, id: "windows/domain-controller", does: "domain administrator"},
		"sequences":         {tree: damaged(func(t *testing.T, path string) { hive.SetSequences(t, path, 8, 7) }), code: refused, id: "windows/hive-dirty", does: stop},
		"checksum":          {tree: damaged(func(t *testing.T, path string) { hive.BreakChecksum(t, path) }), code: refused, id: "windows/hive-dirty", does: stop},
		"newer log": {tree: damaged(func(t *testing.T, path string) { hive.WriteLog(t, path, path+".LOG1", 9999) }),
			code: refused, id: "windows/hive-log", does: stop},
		"set-up":    {system: "\n[Setup]\nSetupType = dword:2\n", code: refused, id: "windows/setup", does: "let set-up finish"},
		"in set-up": {system: "\n[Setup]\nSystemSetupInProgress = dword:1\n", code: refused, id: "windows/setup", does: "let set-up finish"},
		"image": {software: "\n[Microsoft\\Windows\\CurrentVersion\\Setup\\State]\nImageState = sz:IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE\n",
			code: refused, id: "windows/image-state", does: "let set-up finish"},
		"twins":         {tree: []testdisk.Mutation{twin("ProgramData/amazon/x")}, code: refused, id: "windows/path-ambiguous", does: "look at that path"},
		"sysprep":       {agents: v2Settings(sysprepTask), code: refused, id: "windows/sysprep", does: "take it out"},
		"two armed":     {agents: []windows.Agent{v1, config}, code: refused, id: "windows/agents-armed", does: "--windows-agent"},
		"disabled":      {agents: []windows.Agent{{Kind: windows.EC2LaunchV2, Start: 4}}, code: refused, id: "windows/service-disabled", does: "--repair windows/service-disabled"},
		"no agent":      {agents: []windows.Agent{}, code: refused, id: "windows/agent-none", does: "--windows-fallback"},
		"only leftover": {agents: []windows.Agent{{Kind: windows.EC2LaunchV2, NoStarter: true}}, code: refused, id: "windows/agent-none", does: "--windows-fallback"},
		"junction": {agents: []windows.Agent{{Kind: windows.EC2Config}}, tree: []testdisk.Mutation{testdisk.Junction("ProgramData", "Users")},
			code: refused, id: "windows/reparse-point", does: "look at that path"},
		"junction to the hives": {agents: []windows.Agent{{Kind: windows.EC2Config}}, tree: []testdisk.Mutation{func(root string) error {
			return os.Rename(filepath.Join(root, "Windows/System32"), filepath.Join(root, "System32"))
		}, testdisk.Junction("Windows/System32", "System32")}, code: "windows-path", does: "put it in order"},
		"twins of Windows": {tree: []testdisk.Mutation{twin("windows/x")}, code: "windows-path", does: "put it in order"},
	}
}

func (h hazard) plant(t *testing.T, path string) {
	t.Helper()
	if h.agents == nil {
		h.agents = []windows.Agent{{Kind: windows.EC2LaunchV2}}
	}
	m := windows.Machine{Release: "2016", Agents: h.agents, System: h.system, Software: h.software, Files: h.files}
	img, err := testdisk.NewNTFSDisk(t.Context(), path, 64<<20, func(root string) error { return m.Write(t.Context(), root) })
	for _, change := range h.tree {
		if err == nil {
			err = img.Mount(change)
		}
	}
	if err == nil && h.disk != nil {
		err = h.disk(img)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func digest(t *testing.T, path string) string {
	t.Helper()
	s, err := testdisk.Sum(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWindowsHazards makes each hazard for real. Whatever is asked, the disk stays
// as it is, byte by byte, no run is begun, and the answer names the hazard and what
// to do instead.
func TestWindowsHazards(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "ntfs-3g.probe", "hivexregedit")
	for name, h := range hazards(t) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			h.plant(t, "w.raw")
			wantLeftAlone(t, h, "w.raw")
		})
	}
}

// wantConsents: the flags that a report names let the rescue go on, and where it
// names none, none does.
func wantConsents(t *testing.T, h hazard, rescue []string) {
	t.Helper()
	if h.id == "" {
		return
	}
	flags := wantCode(t, exitFindings, rescue...).Windows.Consents
	if len(flags) == 0 {
		all := append(rescue, "--repair", "all", "--accept", strings.Join(agent.Accepts(), ","))
		if r := wantCode(t, exitFindings, all...); !slices.Equal(r.Windows.Refused, []string{h.id}) {
			t.Errorf("with all consents refused for %q", r.Windows.Refused)
		}
		return
	}
	for _, flag := range flags {
		rescue = append(rescue, strings.Fields(flag)...)
	}
	if r := wantCode(t, exitDone, rescue...); len(r.Changes) == 0 && !r.Windows.Already {
		t.Errorf("%q: no changes: %+v", flags, r.Windows)
	}
}

func wantLeftAlone(t *testing.T, h hazard, path string) {
	t.Helper()
	was, code := digest(t, path), exitFailed
	if h.code == "arming-refused" {
		code = exitFindings
	}
	rescue := []string{"rescue", "--image", path, "--state-dir", "state"}
	for _, args := range [][]string{rescue, append(rescue, "--dry-run")} {
		r := wantCode(t, code, args...)
		if r.Outcome != offline.Refused || r.Error == nil || r.Error.Code != h.code || !strings.Contains(r.Error.Hint, h.does) || len(r.Changes) > 0 {
			t.Errorf("%q: %s, %+v", args, r.Outcome, r.Error)
		}
		if h.id != "" && !slices.Equal(r.Windows.Refused, []string{h.id}) {
			t.Errorf("%q: refused for %q, want %s", args, r.Windows.Refused, h.id)
		}
	}
	wantConsents(t, h, append(rescue, "--dry-run"))
	for _, command := range []string{"diagnose", "inspect"} {
		call(0, command, "--image", path)
	}
	if digest(t, path) != was {
		t.Error("the disk has changed")
	}
	if runs, err := filepath.Glob("state/*.json*"); err != nil || len(runs) > 0 {
		t.Errorf("runs were begun: %q, %v", runs, err)
	}
}
