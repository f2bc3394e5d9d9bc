package winroot_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline/winroot"
)

// TestTaskThatDisagrees: of the two stores of EC2Launch's task the registry counts,
// and what there is of the file follows.
func TestTaskThatDisagrees(t *testing.T) {
	fileSays := func(from, to string) func(string) error {
		return func(dir string) error {
			name := filepath.Join(dir, windows.TaskFile)
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			old, now := windows.UTF16LE(from)[2:], windows.UTF16LE(to)[2:]
			at := bytes.LastIndex(data, old)
			return os.WriteFile(name, slices.Concat(data[:at], now, data[at+len(old):]), 0o644)
		}
	}
	const task = "\n[" + windows.TaskCache + `\Tasks\` + windows.TaskGUID + "]\n"
	cases := map[string]struct {
		agent    windows.Agent
		software string
		damage   func(string) error
		armed    bool
		want     []string
	}{
		"no file":                      {damage: func(dir string) error { return os.Remove(filepath.Join(dir, windows.TaskFile)) }, want: []string{windows.SoftwareHive}},
		"the file says enabled":        {damage: fileSays("false", "true"), want: []string{windows.SoftwareHive}},
		"the registry says enabled":    {agent: windows.Agent{Armed: true}, damage: fileSays("<Enabled>true", "<Enabled>false"), armed: true, want: []string{windows.TaskFile}},
		"the hash is that of no file":  {software: task + "Hash = hex:00\n", want: []string{windows.TaskFile, windows.SoftwareHive}},
		"the file says nothing of it":  {damage: fileSays("<Enabled>false</Enabled>", ""), want: []string{windows.SoftwareHive}},
		"enabled, and the hash is odd": {agent: windows.Agent{Armed: true}, software: task + "Hash = hex:0102\n", armed: true},
	}
	onNTFS(t, func(dir string) {
		for name, c := range cases {
			c.agent.Kind = windows.EC2LaunchV1
			root := filepath.Join(dir, name)
			v := machine{Machine: windows.Machine{Release: "2019", Agents: []windows.Agent{c.agent}, Software: c.software}, damage: c.damage}.on(t, root)
			s := detect(t, v)
			if len(s.Agents) != 1 || s.Agents[0].Armed != c.armed {
				t.Errorf("%s: %+v", name, s.Agents)
			}
			before := tree(t, root)
			p := s.Plan(winroot.Wishes{UserData: []byte{}})
			apply(t, v, p.Changes)
			if got := changed(before, tree(t, root)); !slices.Equal(got, c.want) || len(p.Refused) > 0 || p.Already != (len(c.want) == 0) {
				t.Errorf("%s: %v have changed: %+v", name, got, p)
			}
			again := detect(t, v)
			if !again.Agents[0].Armed || len(c.want) > 0 && !again.Plan(winroot.Wishes{UserData: []byte{}}).Already {
				t.Errorf("%s: then it is %+v", name, again.Agents)
			}
			revert(t, v, p.Changes)
			if got := changed(before, tree(t, root)); len(got) > 0 {
				t.Errorf("%s: taken back, %v differ", name, got)
			}
			v.Close()
		}
	})
}
