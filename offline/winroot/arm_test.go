package winroot_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"

	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
)

var encodings = map[string]func(string) []byte{
	"utf-8":      windows.UTF8,
	"utf-8 bom":  windows.UTF8BOM,
	"utf-16":     windows.UTF16LE,
	"utf-8 crlf": func(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) },
}

var settingsFiles = map[string]string{
	windows.EC2Config: windows.ConfigXML, windows.EC2LaunchV1: windows.LaunchConfig, windows.EC2LaunchV2: windows.AgentConfig,
}

// doNothing are settings that keep the agent from setting a password.
var doNothing = map[string]string{
	windows.EC2Config:   "<Ec2ConfigurationSettings><Plugins><Plugin><Name>Ec2SetPassword</Name><State>Disabled</State></Plugin></Plugins></Ec2ConfigurationSettings>\n",
	windows.EC2LaunchV1: "{\n  \"handleUserData\": false,\n  \"adminPasswordType\": \"DoNothing\"\n}\n",
	windows.EC2LaunchV2: "version: 1.0\nconfig:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: doNothing\n",
}

// asks tells, by a parser that is not ours, whether settings ask for a password.
var asks = map[string]func([]byte) bool{
	windows.EC2Config: func(data []byte) bool {
		var c struct {
			Plugins []struct{ Name, State string } `xml:"Plugins>Plugin"`
		}
		err := xml.Unmarshal(data, &c)
		return err == nil && c.Plugins[0].Name == "Ec2SetPassword" && c.Plugins[0].State == "Enabled"
	},
	windows.EC2LaunchV1: func(data []byte) bool {
		var c struct{ AdminPasswordType string }
		err := json.Unmarshal(data, &c)
		return err == nil && c.AdminPasswordType == "Random"
	},
	windows.EC2LaunchV2: func(data []byte) bool {
		var c struct {
			Config []struct {
				Stage string
				Tasks []struct {
					Task   string
					Inputs struct {
						Password struct{ Type string }
					}
				}
			}
		}
		if err := yaml.Unmarshal(data, &c); err != nil {
			return false
		}
		for _, stage := range c.Config {
			for _, task := range stage.Tasks {
				if stage.Stage == "preReady" && task.Task == "setAdminAccount" && task.Inputs.Password.Type == "random" {
					return true
				}
			}
		}
		return false
	},
}

// plain is the text of a file without its byte order mark, in UTF-8.
func plain(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte{0xff, 0xfe}) {
		return bytes.TrimPrefix(data, []byte("\ufeff"))
	}
	var units []uint16
	for at := 2; at+1 < len(data); at += 2 {
		units = append(units, binary.LittleEndian.Uint16(data[at:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// tree is every file's content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir+"/")] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// changed are the names of the files that differ, sorted.
func changed(before, after map[string]string) []string {
	var names []string
	for name, data := range before {
		if now, ok := after[name]; !ok || now != data {
			names = append(names, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestArm arms each agent on each release in each encoding, reads the result back
// with programs and parsers that are not ours, and takes it back again.
func TestArm(t *testing.T) {
	onNTFS(t, func(dir string) {
		for kind, releases := range layouts {
			for _, release := range releases {
				root := filepath.Join(dir, kind+" "+release)
				machine{Machine: windows.Machine{Release: release, Agents: agents(kind)}}.on(t, root).Close()
				for name, encode := range encodings {
					if err := os.WriteFile(filepath.Join(root, settingsFiles[kind]), encode(doNothing[kind]), 0o644); err != nil {
						t.Fatal(err)
					}
					testArm(t, root, kind, name)
				}
			}
		}
	})
}

func testArm(t *testing.T, dir, kind, encoding string) {
	t.Helper()
	name := filepath.Base(dir) + " in " + encoding
	v := open(t, dir)
	defer v.Close()
	before := tree(t, dir)
	p := detect(t, v).Plan(winroot.Wishes{UserData: []byte{}})
	if len(p.Refused) > 0 || p.Already || string(p.Agent) != kind {
		t.Errorf("%s: %+v", name, p.Findings)
		return
	}
	if len(changed(before, tree(t, dir))) > 0 {
		t.Errorf("%s: a plan has changed something", name)
	}
	apply(t, v, p.Changes)
	after := tree(t, dir)
	want := map[string][]string{
		windows.EC2Config:   {windows.ConfigXML},
		windows.EC2LaunchV1: {windows.LaunchConfig, windows.TaskFile, windows.SoftwareHive},
		windows.EC2LaunchV2: {windows.AgentConfig, windows.RunOnce},
	}[kind]
	if got := changed(before, after); !slices.Equal(got, want) {
		t.Errorf("%s: %v have changed, want %v", name, got, want)
	}
	if !asks[kind](plain([]byte(after[settingsFiles[kind]]))) {
		t.Errorf("%s: the settings are now %q", name, after[settingsFiles[kind]])
	}
	if kind == windows.EC2LaunchV1 {
		checkTask(t, dir)
	}

	now := open(t, dir)
	defer now.Close()
	s := detect(t, now)
	again := s.Plan(winroot.Wishes{UserData: []byte{}})
	if r := again.Report(s); !again.Already || len(again.Changes) > 0 || fmt.Sprint(r.Armed) != "["+kind+"]" || r.Agent != kind || r.Version != versions[kind] {
		t.Errorf("%s: a second plan is %+v", name, again)
	}
	revert(t, now, p.Changes)
	if got := changed(before, tree(t, dir)); len(got) > 0 {
		t.Errorf("%s: taken back, %v differ", name, got)
	}
}

// checkTask reads both stores of EC2Launch's task.
func checkTask(t *testing.T, dir string) {
	t.Helper()
	file := read(t, dir, windows.TaskFile)
	var d struct {
		Settings struct{ Enabled bool }
	}
	text := bytes.Replace(plain(file), []byte("UTF-16"), []byte("UTF-8"), 1)
	if err := xml.Unmarshal(text, &d); err != nil || !d.Settings.Enabled {
		t.Errorf("the task's file: %v, %+v", err, d)
	}
	key := windows.TaskCache + `\Tasks\` + windows.TaskGUID
	hive := filepath.Join(dir, windows.SoftwareHive)
	triggers := hivexget(t, hive, key, "Triggers")
	if len(triggers) < 0x38 || triggers[0x2a]&0x40 == 0 || binary.LittleEndian.Uint32(triggers[0x30:]) != crc32.ChecksumIEEE(file) {
		t.Errorf("the task's triggers are % x", triggers)
	}
	sum := sha256.Sum256(file)
	if got := hivexget(t, hive, key, "Hash"); !bytes.Equal(got, sum[:]) {
		t.Errorf("the task's hash is %x, that of its file %x", got, sum)
	}
}

// TestAlready leaves alone what is armed.
func TestAlready(t *testing.T) {
	onNTFS(t, func(dir string) {
		for kind := range layouts {
			for _, perBoot := range []bool{false, true} {
				a := windows.Agent{Kind: kind, Armed: true, PerBoot: perBoot}
				v := machine{Machine: windows.Machine{Release: "2016", Agents: []windows.Agent{a}}}.on(t, filepath.Join(dir, fmt.Sprint(kind, perBoot)))
				s := detect(t, v)
				if p := s.Plan(winroot.Wishes{}); !p.Already || len(p.Changes) > 0 || len(p.Refused) > 0 || !s.Agents[0].Armed {
					t.Errorf("%s: %+v", kind, p)
				}
				v.Close()
			}
		}
	})
}

// TestPerBoot needs the settings alone where EC2Launch v1 runs at each start.
func TestPerBoot(t *testing.T) {
	m := machine{Machine: windows.Machine{Release: "2016", Agents: []windows.Agent{{Kind: windows.EC2LaunchV1, PerBoot: true}}}}
	m.mounted(t, func(v *volume, dir string) {
		before := tree(t, dir)
		p := detect(t, v).Plan(winroot.Wishes{})
		apply(t, v, p.Changes)
		if got := changed(before, tree(t, dir)); !slices.Equal(got, []string{windows.LaunchConfig}) {
			t.Errorf("%v have changed: %+v", got, p.Findings)
		}
	})
}

// TestNoSettings: EC2Launch v1 without settings takes its defaults.
func TestNoSettings(t *testing.T) {
	none := ""
	m := machine{Machine: windows.Machine{Release: "2019", Agents: []windows.Agent{{Kind: windows.EC2LaunchV1, Settings: &none}}}}
	m.mounted(t, func(v *volume, dir string) {
		before := tree(t, dir)
		p := detect(t, v).Plan(winroot.Wishes{})
		apply(t, v, p.Changes)
		if got := changed(before, tree(t, dir)); !slices.Equal(got, []string{windows.TaskFile, windows.SoftwareHive}) {
			t.Errorf("%v have changed: %+v", got, p.Findings)
		}
		if got := ids(p.Findings, offline.Warning); !slices.Contains(got, "windows/user-data") {
			t.Errorf("the findings are %v", got)
		}
	})
}

// TestServiceStart sets a disabled service to start automatically, with consent.
func TestServiceStart(t *testing.T) {
	const id = "windows/service-disabled"
	services := map[string]string{windows.EC2Config: "Ec2Config", windows.EC2LaunchV2: "Amazon EC2Launch", windows.EC2LaunchV1: "Schedule"}
	onNTFS(t, func(dir string) {
		for kind, service := range services {
			for _, start := range []int{3, 4} {
				root := filepath.Join(dir, fmt.Sprint(kind, start))
				m := machine{Machine: windows.Machine{
					Release: "2012 R2", Agents: []windows.Agent{{Kind: kind, Start: start, Armed: true}},
					System: fmt.Sprintf("\n[ControlSet001\\Services\\Schedule]\nStart = dword:%d\n", start),
				}}
				v := m.on(t, root)
				s := detect(t, v)
				p := s.Plan(winroot.Wishes{})
				if !slices.Contains(p.Refused, id) || len(p.Changes) > 0 || s.Agents[0].Armed {
					t.Errorf("%s, start %d: without consent %v, %v", kind, start, p.Refused, p.Changes)
				}
				p = s.Plan(winroot.Wishes{Allow: []string{id}})
				if len(p.Refused) > 0 || len(p.Changes) != 1 {
					t.Fatalf("%s, start %d: with consent %v, %v", kind, start, p.Refused, p.Changes)
				}
				before := tree(t, root)
				apply(t, v, p.Changes)
				after := tree(t, root)
				key := `ControlSet001\Services\` + service
				if got := hivexget(t, filepath.Join(root, windows.SystemHive), key, "Start"); strings.TrimSpace(string(got)) != "2" {
					t.Errorf("%s: Start is %s", kind, got)
				}
				if n := differ(before[windows.SystemHive], after[windows.SystemHive]); n != 1 {
					t.Errorf("%s: %d bytes of the hive have changed", kind, n)
				}
				v.Close()
			}
		}
	})
}

func differ(a, b string) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// TestCutOff: a second arming ends one that was cut off after any change, as that
// would have ended.
func TestCutOff(t *testing.T) {
	onNTFS(t, func(dir string) {
		for kind, text := range doNothing {
			root := filepath.Join(dir, kind)
			m := machine{Machine: windows.Machine{Release: "2016", Agents: []windows.Agent{{Kind: kind, Settings: &text, Start: 4}}}}
			v := m.on(t, root)
			w := winroot.Wishes{Allow: []string{"windows/service-disabled"}}
			whole := detect(t, v).Plan(w).Changes
			apply(t, v, whole)
			want := tree(t, root)
			revert(t, v, whole)
			for n := range whole {
				apply(t, v, whole[:n])
				p := detect(t, v).Plan(w)
				if p.Already || len(p.Changes) != len(whole)-n {
					t.Errorf("%s, cut off after %d changes: %+v", kind, n, p)
				}
				apply(t, v, p.Changes)
				if p := detect(t, v).Plan(w); !p.Already {
					t.Errorf("%s, cut off after %d changes and armed again: %+v", kind, n, p)
				}
				if got := changed(want, tree(t, root)); len(got) > 0 {
					t.Errorf("%s, cut off after %d changes and armed again: %v differ", kind, n, got)
				}
				revert(t, v, append(slices.Clone(whole[:n]), p.Changes...))
			}
			v.Close()
		}
	})
}
