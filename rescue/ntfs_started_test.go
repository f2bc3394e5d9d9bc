package rescue_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// replaced edits a file in place, as an agent does that has run.
func replaced(name string, edit func(string) string) testdisk.Mutation {
	return func(root string) error {
		file := filepath.Join(root, name)
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, []byte(edit(string(data))), 0o644)
	}
}

func pluginOff(s string) string {
	return strings.Replace(s, "<State>Enabled</State>", "<State>Disabled</State>", 1)
}

// started is what every start of Windows does to its hives.
func started(t *testing.T, name string) testdisk.Mutation {
	return func(root string) error {
		hive.SetSequences(t, filepath.Join(root, name), 77, 77)
		return nil
	}
}

// scriptRan removes what the start-up script removes, and leaves its copy.
func scriptRan(root string) error {
	policy := filepath.Join(root, "Windows/System32/GroupPolicy")
	scripts, err := filepath.Glob(filepath.Join(policy, "Machine/Scripts/Startup/regain-*"))
	for _, file := range append(scripts, filepath.Join(policy, "gpt.ini"), filepath.Join(policy, "Machine/Scripts/scripts.ini")) {
		err = errors.Join(err, os.Remove(file))
	}
	keep := filepath.Join(root, "ProgramData/regain")
	return errors.Join(err, os.MkdirAll(keep, 0o755), os.WriteFile(filepath.Join(keep, "first.txt"), []byte("sealed"), 0o644))
}

func file(name, text string) testdisk.Mutation {
	return func(root string) error {
		at := filepath.Join(root, name)
		return errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o644))
	}
}

// TestUndoAfterTheStart: Windows has started, and what was armed has run. Undo takes
// back what is left, or says in clear words that something has changed since, and
// changes nothing then. In neither case is anything armed once more.
func TestUndoAfterTheStart(t *testing.T) {
	settings := "config:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: doNothing\n"
	v2, config := windows.Agent{Kind: windows.EC2LaunchV2}, windows.Agent{Kind: windows.EC2Config}
	const drift = -1
	for name, tt := range map[string]struct {
		machine windows.Machine
		ran     []testdisk.Mutation
		back    int // changes that undo makes, or drift
	}{
		"EC2Launch v2":           {server("2022", v2), []testdisk.Mutation{file(windows.RunOnce, "")}, 0},
		"EC2Launch v2 otherwise": {server("2022", v2), []testdisk.Mutation{file(windows.RunOnce, "2026-11-23")}, drift},
		"EC2Launch v2 settings":  {server("2022", windows.Agent{Kind: windows.EC2LaunchV2, Settings: &settings}), []testdisk.Mutation{file(windows.RunOnce, "")}, 1},
		"EC2Launch v2 disabled":  {server("2022", windows.Agent{Kind: windows.EC2LaunchV2, Start: 4}), []testdisk.Mutation{file(windows.RunOnce, ""), started(t, windows.SystemHive)}, drift},
		"EC2Config":              {server("2012 R2", config), []testdisk.Mutation{replaced(windows.ConfigXML, pluginOff)}, 0},
		"EC2Config rewritten": {server("2012 R2", config), []testdisk.Mutation{replaced(windows.ConfigXML, func(s string) string {
			return strings.ReplaceAll(pluginOff(s), "  ", "\t")
		})}, drift},
		"EC2Launch v1": {server("2019", windows.Agent{Kind: windows.EC2LaunchV1}), []testdisk.Mutation{started(t, windows.SoftwareHive), replaced(windows.TaskFile, func(s string) string {
			return strings.ReplaceAll(s, "t\x00r\x00u\x00e\x00", "t\x00r\x00u\x00e\x00 \x00")
		})}, drift},
		"script":            {server("2022"), []testdisk.Mutation{scriptRan}, 4},
		"script and policy": {server("2022"), []testdisk.Mutation{scriptRan, file("Windows/System32/GroupPolicy/Machine/Registry.pol", "PReg")}, drift},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWindowsBench(t)
			img := windowsDisk(t, tt.machine)
			report, err := b.rescue(img.Path, func(r *rescue.Request) {
				if r.Allow = windowsConsents; strings.HasPrefix(name, "script") {
					r.Fallback = fallbackKey(strings.Repeat("f", 512))
				}
			})
			if err != nil || report.Outcome != offline.Rescued {
				t.Fatalf("%s, %v", report.Outcome, err)
			}
			for _, run := range tt.ran {
				if err := img.Mount(run); err != nil {
					t.Fatal(err)
				}
			}
			was := sum(t, img.Path)
			undone, err := b.undo(img.Path, report.Run)
			if tt.back == drift {
				var refusal *rescue.Refusal
				if !errors.As(err, &refusal) || undone.Outcome != offline.Refused || undone.Error.Code != "drift" || !strings.Contains(undone.Error.Hint, "diagnose") {
					t.Errorf("%s, %v, %+v", undone.Outcome, err, undone.Error)
				}
				if sum(t, img.Path) != was {
					t.Error("the disk has changed")
				}
			} else if err != nil || len(undone.Changes) != tt.back {
				t.Errorf("%v, changes %+v", err, undone.Changes)
			}
			wantSound(t, img)
			b.wantUnarmed(img.Path, name)
		})
	}
}

// wantUnarmed fails if anything sets a password at the next start. What a machine
// that was not simulated in full would have turned off counts for nothing.
func (b *bench) wantUnarmed(path, name string) {
	b.t.Helper()
	p := b.open(path, false)
	defer p.Close()
	report, err := p.Diagnose(b.t.Context(), rescue.Request{Run: "look"})
	if err != nil || len(report.Windows.Armed) > 0 && !slices.Contains([]string{"EC2Launch v1"}, name) {
		b.t.Errorf("%v, %+v", err, report.Windows)
	}
}
