package winroot_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
	"github.com/seed-77750964/regain/offline/winroot/gpo"
)

func newKey(t testing.TB) *rsa.PublicKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

const othersPolicy = "[Logon]\r\n;Hunter2\r\nHunter2\r\nnote = Hunter2\r\n[Startup]\r\n0CmdLine=C:\\tools\\join.cmd /p=Hunter2\r\n0Parameters=/password:Hunter2\r\n"

// TestScript installs the start-up script beside the policies that there may be,
// finds it armed, and takes it back.
func TestScript(t *testing.T) {
	key := newKey(t)
	policies := map[string]map[string]string{
		"none":      nil,
		"of others": {gpo.GPTPath: "[General]\r\nVersion=65539\r\n", gpo.ScriptsPath: othersPolicy},
		"spelled differently": {
			"Windows/System32/grouppolicy/GPT.INI":                     "[General]\r\nVersion=1\r\n",
			"Windows/System32/grouppolicy/machine/scripts/SCRIPTS.ini": othersPolicy,
		},
	}
	onNTFS(t, func(dir string) {
		for name, files := range policies {
			root := filepath.Join(dir, name)
			v := machine{Machine: windows.Machine{Release: "2012 R2", Files: files}}.on(t, root)
			before := tree(t, root)
			s := detect(t, v)
			w := winroot.Wishes{Run: "20261122-abc", Fallback: key}
			p := s.Plan(w)
			if len(p.Refused) > 0 || p.Agent != winroot.StartupScript || p.Already || len(p.Changes) == 0 {
				t.Fatalf("%s: %+v", name, p)
			}
			if said := fmt.Sprintf("%+v", summaries(p.Changes)); strings.Contains(said, "Hunter2") || !strings.Contains(said, "regain-20261122-abc.cmd") {
				t.Errorf("%s: it is shown as %s", name, said)
			}
			for _, long := range regexp.MustCompile(`[0-9A-Za-z+/=]{16,}`).FindAllString(fmt.Sprintf("%+v", summaries(p.Changes)), -1) {
				if text, _ := base64.StdEncoding.DecodeString(long); bytes.Contains(bytes.ReplaceAll(text, []byte{0}, nil), []byte("Hunter2")) {
					t.Errorf("%s: what others have in the policy is shown as %s", name, long)
				}
			}
			apply(t, v, p.Changes)
			checkScript(t, root, name, len(files) > 0)
			made := 0
			for _, c := range p.Changes {
				if c.After.Kind == offline.Dir {
					made++
				}
			}
			i := slices.IndexFunc(p.Changes, func(c offline.Change) bool { return strings.HasSuffix(c.Path, ".ps1") })
			if !strings.Contains(string(p.Changes[i].After.Data), fmt.Sprintf("$made = %d;", made)) || made == 0 {
				t.Errorf("%s: the script does not remove the %d directories that were made", name, made)
			}
			v.Close()

			v = open(t, root)
			s = detect(t, v)
			if again := s.Plan(w); !again.Already || len(again.Changes) > 0 || !slices.Equal(again.Report(s).Armed, []string{"startup-script"}) {
				t.Errorf("%s: a second plan is %+v", name, again)
			}
			if other := s.Plan(winroot.Wishes{Run: "another", Fallback: key}); !other.Already || len(other.Changes) > 0 || other.Report(s).Run != w.Run {
				t.Errorf("%s: the plan of another run with the same key is %+v", name, other)
			}
			other := s.Plan(winroot.Wishes{Run: "another", Fallback: newKey(t)})
			if !slices.Equal(other.Refused, []string{"windows/agents-armed"}) || !strings.Contains(fmt.Sprint(other.Findings), w.Run) || len(other.Changes) > 0 {
				t.Errorf("%s: the plan of another run with another key is %+v", name, other)
			}
			revert(t, v, p.Changes)
			if got := changed(before, tree(t, root)); len(got) > 0 {
				t.Errorf("%s: taken back, %v differ", name, got)
			}
			v.Close()
		}
	})
}

func summaries(changes []offline.Change) (list []offline.ChangeSummary) {
	for _, c := range changes {
		list = append(list, c.Summary())
	}
	return list
}

// checkScript looks at what is there with the system's own eyes.
func checkScript(t *testing.T, root, name string, merged bool) {
	t.Helper()
	var scripts, cmd, ps1 string
	closed := offline.NTFSFile(nil).Xattr[offline.XattrNTFSDescriptor]
	for path, data := range tree(t, root) {
		switch base := strings.ToLower(filepath.Base(path)); {
		case base == "scripts.ini":
			scripts = string(plain([]byte(data)))
		case strings.HasPrefix(base, "regain-20261122-abc."):
			if strings.HasSuffix(base, ".cmd") {
				cmd = data
			} else {
				ps1 = data
			}
			got := make([]byte, 1024)
			n, err := syscall.Getxattr(filepath.Join(root, path), testdisk.NTFSDescriptor, got)
			if err != nil || string(got[:n]) != string(closed) {
				t.Errorf("%s: %s has the descriptor % x, %v", name, path, got[:max(n, 0)], err)
			}
		}
	}
	if cmd == "" || !strings.Contains(ps1, "20261122-abc") {
		t.Errorf("%s: the script's files are %q, %q", name, cmd, ps1)
	}
	want := "0CmdLine=regain-20261122-abc.cmd"
	if merged {
		want = "1CmdLine=regain-20261122-abc.cmd"
	}
	if !strings.Contains(scripts, want) || merged && !strings.HasPrefix(scripts, othersPolicy) {
		t.Errorf("%s: scripts.ini is %q", name, scripts)
	}
}

// TestScriptCutOff: a plan that was cut off after any change is made anew.
func TestScriptCutOff(t *testing.T) {
	key := newKey(t)
	w := winroot.Wishes{Run: "r1", Fallback: key}
	onNTFS(t, func(dir string) {
		root := filepath.Join(dir, "root")
		v := machine{Machine: windows.Machine{Release: "2019"}}.on(t, root)
		whole := detect(t, v).Plan(w).Changes
		for n := range whole {
			apply(t, v, whole[:n])
			p := detect(t, v).Plan(w)
			if len(p.Refused) > 0 || len(p.Changes) == 0 {
				t.Errorf("cut off after %d changes: %+v", n, p)
			}
			apply(t, v, p.Changes)
			if p := detect(t, v).Plan(w); !p.Already {
				t.Errorf("cut off after %d changes and made anew: %+v", n, p)
			}
			revert(t, v, append(slices.Clone(whole[:n]), p.Changes...))
		}
		v.Close()
	})
}

func TestScriptRefusals(t *testing.T) {
	key := newKey(t)
	cases := map[string]struct {
		m       windows.Machine
		run, id string
		accepts bool
	}{
		"no PowerShell":       {windows.Machine{Release: "2008 R2", Core: true}, "r", "windows/powershell-absent", false},
		"scripts off":         {windows.Machine{Software: "\n[Policies\\Microsoft\\Windows\\PowerShell]\nEnableScripts = dword:0\n"}, "r", "windows/powershell", true},
		"signed scripts":      {windows.Machine{Software: "\n[Policies\\Microsoft\\Windows\\PowerShell]\nExecutionPolicy = sz:AllSigned\n"}, "r", "windows/powershell", true},
		"lock-down":           {windows.Machine{System: "\n[ControlSet001\\Control\\Session Manager\\Environment]\n__PSLockdownPolicy = sz:4\n"}, "r", "windows/powershell", true},
		"policy off":          {windows.Machine{Software: "\n[Policies\\Microsoft\\Windows\\System]\nDisableLGPOProcessing = dword:1\n"}, "r", "windows/policy-off", true},
		"computer's part off": {windows.Machine{Files: map[string]string{gpo.GPTPath: "[General]\r\nOptions=2\r\nVersion=1\r\n"}}, "r", "windows/policy-off", true},
		"domain controller":   {windows.Machine{Files: map[string]string{"Windows/NTDS/ntds.dit": "x"}}, "r", "windows/domain-controller", false},
		"no run":              {windows.Machine{}, "", "windows/policy-file", false},
		"a gap":               {windows.Machine{Files: map[string]string{gpo.ScriptsPath: "[Startup]\r\n3CmdLine=x\r\n3Parameters=\r\n"}}, "r", "windows/policy-file", false},
		"an armed agent":      {windows.Machine{Agents: []windows.Agent{{Kind: windows.EC2LaunchV2, Armed: true}}}, "r", "windows/agents-armed", true},
	}
	onNTFS(t, func(dir string) {
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			c := cases[name]
			if c.m.Release == "" {
				c.m.Release = "2022"
			}
			v := machine{Machine: c.m, damage: func(dir string) error {
				if c.m.Core {
					return os.RemoveAll(filepath.Join(dir, "Windows/System32/WindowsPowerShell"))
				}
				return nil
			}}.on(t, filepath.Join(dir, name))
			s := detect(t, v)
			if p := s.Plan(winroot.Wishes{Run: c.run, Fallback: key}); !slices.Equal(p.Refused, []string{c.id}) || len(p.Changes) > 0 {
				t.Errorf("%s: refused for %v, %d changes", name, p.Refused, len(p.Changes))
			} else if i := slices.IndexFunc(p.Findings, func(f offline.Finding) bool { return f.ID == c.id }); strings.Contains(p.Findings[i].Hint, "--windows-agent") {
				t.Errorf("%s: an agent cannot be named beside the script: %q", name, p.Findings[i].Hint)
			}
			if p := s.Plan(winroot.Wishes{Run: c.run, Fallback: key, Allow: []string{c.id}}); (len(p.Refused) == 0) != c.accepts {
				t.Errorf("%s: accepted, refused for %v", name, p.Refused)
			}
			v.Close()
		}
	})
}
