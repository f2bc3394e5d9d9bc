package winroot_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// A dress is how a program of Windows writes a text.
var dresses = map[string]func(string) []byte{
	"utf-8":               windows.UTF8,
	"utf-8, no last line": func(s string) []byte { return []byte(strings.TrimSuffix(s, "\n")) },
	"utf-8 crlf":          func(s string) []byte { return []byte(crlf(s)) },
	"utf-8 bom crlf":      func(s string) []byte { return windows.UTF8BOM(crlf(s)) }, // XmlDocument.Save, Notepad
	"utf-16le crlf":       func(s string) []byte { return windows.UTF16LE(crlf(s)) }, // Out-File
	"utf-16be":            utf16BE,
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func utf16BE(s string) []byte {
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// A state is what the rest of the agent is in, and what must change of it.
type state struct {
	name   string
	agent  windows.Agent
	mark   string // content of EC2Launch v2's mark of a run; empty: as the machine has it
	arming []string
}

var states = map[string][]state{
	windows.EC2Config: {{name: "service automatic"}},
	windows.EC2LaunchV1: {
		{name: "task disabled", arming: []string{windows.TaskFile, windows.SoftwareHive}},
		{name: "per boot", agent: windows.Agent{PerBoot: true}},
	},
	windows.EC2LaunchV2: {
		{name: "has run", mark: "2026-01-01T00:00:00Z\r\n", arming: []string{windows.RunOnce}},
		{name: "has not run", agent: windows.Agent{Armed: true}},
	},
}

// TestField is every agent on every release that has it, in every state, with every
// form of its settings seen in the field, in every encoding: after the plan the
// settings are what they must be to the byte, nothing else has changed but what arms
// the agent, a second plan has nothing to do, and taken back all is as it was. The
// diffs show what changes, and no Hunter2.
func TestField(t *testing.T) {
	testdisk.Need(t, "hivexregedit")
	cases := 0
	for kind, releases := range layouts {
		for _, release := range releases {
			for _, st := range states[kind] {
				dir := filepath.Join(t.TempDir(), "root")
				st.agent.Kind = kind
				windows.Write(t, dir, windows.Machine{Release: release, Agents: []windows.Agent{st.agent}})
				if st.mark != "" {
					if err := put(windows.RunOnce, st.mark)(dir); err != nil {
						t.Fatal(err)
					}
				}
				for _, f := range forms[kind] {
					for name, dress := range dresses {
						if err := os.WriteFile(filepath.Join(dir, settingsFiles[kind]), dress(f.before), 0o644); err != nil {
							t.Fatal(err)
						}
						if err := f.arm(t, dir, kind, st.arming, dress); err != nil {
							t.Errorf("%s on %s, %s, %s in %s: %v", kind, release, st.name, f.name, name, err)
						}
						cases++
					}
				}
			}
		}
	}
	if cases < 1200 {
		t.Errorf("%d cases", cases)
	}
}

// plainly opens a tree that lies on no NTFS, which serves as well to look.
func plainly(t testing.TB, dir string) (*winroot.System, func()) {
	t.Helper()
	fd, err := syscall.Open(dir, syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		t.Fatal(err)
	}
	all := &volume{Volume: v}
	return detect(t, all), all.Close
}

func (f form) arm(t *testing.T, dir, kind string, arming []string, dress func(string) []byte) error {
	s, done := plainly(t, dir)
	defer done()
	w := winroot.Wishes{UserData: []byte{}}
	if f.consent != "" {
		if p := s.Plan(w); !slices.Equal(p.Refused, []string{f.consent}) {
			return fmt.Errorf("without consent: %+v", p)
		}
		w.Allow = []string{f.consent}
	}
	p := s.Plan(w)
	want := slices.Clone(arming)
	if f.after != "" {
		want = append(want, settingsFiles[kind])
	}
	slices.Sort(want)
	if len(p.Refused) > 0 || p.Agent != agentconf.Agent(kind) || p.Already != (len(want) == 0) {
		return fmt.Errorf("%+v", p)
	}
	said := fmt.Sprintf("%+v %+v %+v", p.Findings, summaries(p.Changes), *p.Report(s))
	if f.after != "" && !strings.Contains(said, "andom") && !strings.Contains(said, "Enabled") || strings.Contains(said, "unter") {
		return fmt.Errorf("it says %s", said)
	}
	before := tree(t, dir)
	if err := write(dir, p.Changes); err != nil {
		return err
	}
	after := tree(t, dir)
	if got := changed(before, after); !slices.Equal(got, want) {
		return fmt.Errorf("%v have changed, want %v", got, want)
	}
	if text := f.after; text != "" && after[settingsFiles[kind]] != string(dress(text)) {
		return fmt.Errorf("the settings are now %q", after[settingsFiles[kind]])
	}
	now, done := plainly(t, dir)
	defer done()
	if again := now.Plan(winroot.Wishes{UserData: []byte{}}); !again.Already || len(again.Changes) > 0 {
		return fmt.Errorf("a second plan is %+v", again)
	}
	var back []offline.Change
	for _, c := range slices.Backward(p.Changes) {
		back = append(back, c.Invert())
	}
	if err := write(dir, back); err != nil {
		return err
	}
	if got := changed(before, tree(t, dir)); len(got) > 0 {
		return fmt.Errorf("taken back, %v differ", got)
	}
	return nil
}

// write makes the changes with nothing of the product: what they say is enough.
func write(dir string, changes []offline.Change) error {
	for _, c := range changes {
		name := filepath.Join(dir, c.Path)
		now, err := os.ReadFile(name)
		switch {
		case err != nil && (c.Before != nil || !os.IsNotExist(err)):
			return err
		case len(c.Patches) > 0:
			for _, p := range c.Patches {
				if at := now[p.Offset:][:len(p.Before)]; !bytes.Equal(at, p.Before) {
					return fmt.Errorf("%s has % x at %d, not % x", c.Path, at, p.Offset, p.Before)
				}
				copy(now[p.Offset:], p.After)
			}
			err = os.WriteFile(name, now, 0o644)
		case c.Before != nil && !bytes.Equal(now, c.Before.Data):
			return fmt.Errorf("%s is %q, not %q", c.Path, now, c.Before.Data)
		case c.After == nil:
			err = os.Remove(name)
		default:
			err = os.WriteFile(name, c.After.Data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
