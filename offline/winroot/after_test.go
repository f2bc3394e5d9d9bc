package winroot_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
	"github.com/seed-77750964/regain/offline/winroot/gpo"
)

// TestTakenBackAfterTheRun lets each agent run once armed, as its documents say it
// leaves the volume, and then takes back what was planned. Each change either finds
// the file as it was before, or is drift and leaves it; never does it arm the agent
// again, or lose what the run has made.
func TestTakenBackAfterTheRun(t *testing.T) {
	key := newKey(t)
	cases := map[string]struct {
		kind     string // empty: the start-up script
		settings string
		ran      func(t *testing.T, dir string) error
		drifts   []string // base names of what is left as the run has it
	}{
		"EC2Config": {windows.EC2Config, doNothing[windows.EC2Config], func(_ *testing.T, dir string) error {
			return put(windows.ConfigXML, "\ufeff"+doNothing[windows.EC2Config])(dir)
		}, nil},
		"EC2Config writes all of it anew": {windows.EC2Config, doNothing[windows.EC2Config], func(_ *testing.T, dir string) error {
			return put(windows.ConfigXML, "\ufeff"+crlf(fullConfig))(dir)
		}, []string{"Config.xml"}},
		"v1": {windows.EC2LaunchV1, doNothing[windows.EC2LaunchV1], func(t *testing.T, dir string) error {
			disableTask(t, dir)
			return nil
		}, []string{"SOFTWARE"}},
		"v1 writes its settings anew": {windows.EC2LaunchV1, doNothing[windows.EC2LaunchV1], func(t *testing.T, dir string) error {
			disableTask(t, dir)
			return put(windows.LaunchConfig, "{\r\n    \"AdminPasswordType\":  \"Random\"\r\n}\r\n")(dir)
		}, []string{"SOFTWARE", "LaunchConfig.json"}},
		"v2": {windows.EC2LaunchV2, doNothing[windows.EC2LaunchV2], func(_ *testing.T, dir string) error {
			return put(windows.RunOnce, "2026-11-23")(dir)
		}, []string{".run-once"}},
		"the start-up script": {"", "", func(_ *testing.T, dir string) error {
			scripts, err := filepath.Glob(filepath.Join(dir, gpo.StartupDir, "regain-*"))
			for _, name := range append(scripts, filepath.Join(dir, gpo.ScriptsPath), filepath.Join(dir, gpo.GPTPath)) {
				err = errors.Join(err, os.Remove(name))
			}
			for _, folder := range slices.Backward(gpo.Dirs()) {
				err = errors.Join(err, os.Remove(filepath.Join(dir, folder)))
			}
			return err
		}, nil},
		"the start-up script, cut off": {"", "", func(_ *testing.T, dir string) error {
			return put(gpo.StartupDir+"/regain-r.0123.sealed", "<regain1:>")(dir)
		}, []string{"Startup", "Scripts", "Machine", "GroupPolicy"}},
	}
	onNTFS(t, func(dir string) {
		for name, c := range cases {
			w, m := winroot.Wishes{Run: "r", Fallback: key}, windows.Machine{Release: "2016"}
			if c.kind != "" {
				w, m.Agents = winroot.Wishes{}, []windows.Agent{{Kind: c.kind, Settings: &c.settings}}
			}
			root := filepath.Join(dir, name)
			v := machine{Machine: m}.on(t, root)
			before := tree(t, root)
			p := detect(t, v).Plan(w)
			apply(t, v, p.Changes)
			if err := c.ran(t, root); err != nil {
				t.Fatal(err)
			}
			ran := tree(t, root)
			var drifts []string
			for _, change := range slices.Backward(p.Changes) {
				err := v.Apply(change.Invert())
				if err != nil && !errors.Is(err, offline.ErrDrift) {
					t.Errorf("%s: %s: %v", name, change.Path, err)
				} else if err != nil {
					drifts = append(drifts, filepath.Base(change.Path))
				}
			}
			told := strings.Contains(fmt.Sprintf("%+v", detect(t, v).Findings), "encrypted password")
			if cut := name == "the start-up script, cut off"; told != cut {
				t.Errorf("%s: a block that is left is told of: %v", name, told)
			}
			slices.Sort(drifts)
			slices.Sort(c.drifts)
			if !slices.Equal(drifts, c.drifts) {
				t.Errorf("%s: %v are drift, want %v", name, drifts, c.drifts)
			}
			for _, a := range detect(t, v).Agents {
				if a.Armed {
					t.Errorf("%s: %s is armed", name, a.Kind)
				}
			}
			after := tree(t, root)
			for _, file := range changed(before, after) {
				if after[file] != ran[file] {
					t.Errorf("%s: %s is neither as before nor as the run has left it: %q", name, file, after[file])
				}
			}
			v.Close()
		}
	})
}

// disableTask does in both stores what EC2Launch v1 has Windows do at the end of its
// run, and to the hive what any start of Windows does.
func disableTask(t *testing.T, dir string) {
	t.Helper()
	at := filepath.Join(dir, windows.TaskFile)
	text := string(plain(read(t, dir, windows.TaskFile)))
	i := strings.LastIndex(text, "<Enabled>true</Enabled>")
	if i < 0 {
		t.Fatalf("the task is not enabled: %s", text)
	}
	text = text[:i] + strings.Replace(text[i:], "true", "false", 1)
	if err := os.WriteFile(at, windows.UTF16LE(text), 0o644); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, windows.SoftwareHive)
	triggers := hivexget(t, name, windows.TaskCache+`\Tasks\`+windows.TaskGUID, "Triggers")
	data := read(t, dir, windows.SoftwareHive)
	where := strings.Index(string(data), string(triggers))
	data[where+0x2a] &^= 0x40
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	hive.SetSequences(t, name, 77, 77)
}
