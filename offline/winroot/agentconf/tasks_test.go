package agentconf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tasksFile = `version: 1.1
config:
  - stage: boot
    tasks:
      - task: extendRootPartition
  - stage: preReady
    tasks:
      - task: activateWindows
        inputs: {activation: {type: amazon}}
      - task: setDnsSuffix
        inputs:
          suffixes:
            - $REGION.ec2-utilities.amazonaws.com
      - task: executeScript
        inputs:
          - frequency: once
            type: powershell
            content: net user Administrator hunter2
          - frequency: always
            type: batch
            content: |-
              cd C:\Windows\System32\Sysprep
              sysprep /generalize /oobe
          - type: powershell
            content: Get-Date
  - stage: postReady
    tasks:
      - task: executeProgram
        inputs:
          - arguments: ["sysprep", "--shutdown"]
            frequency: once
            path: C:\Program Files\Amazon\EC2Launch\EC2Launch.exe
      - task: writeFile
        inputs:
          - frequency: once
            destination: C:\x` + "\u202e" + `txt.exe
            content: hunter2
      - task: sysprep
        inputs: {clean: true}
      - task: later
`

func TestAgentTasks(t *testing.T) {
	got, err := AgentTasks([]byte(tasksFile))
	if err != nil {
		t.Fatal(err)
	}
	want := []Task{
		{Stage: "boot", Name: "extendRootPartition", Frequency: Once},
		{Stage: "preReady", Name: "activateWindows", Frequency: Once},
		{Stage: "preReady", Name: "setDnsSuffix", Frequency: Always},
		{Stage: "preReady", Name: "executeScript", What: "powershell", Frequency: Once},
		{Stage: "preReady", Name: "executeScript", What: "batch", Frequency: Always, Sysprep: true},
		{Stage: "preReady", Name: "executeScript", What: "powershell", Frequency: Unknown},
		{Stage: "postReady", Name: "executeProgram", What: `C:\Program Files\Amazon\EC2Launch\EC2Launch.exe`, Frequency: Once, Sysprep: true},
		{Stage: "postReady", Name: "writeFile", What: `C:\x\u202etxt.exe`, Frequency: Once},
		{Stage: "postReady", Name: "sysprep", Frequency: Once, Sysprep: true},
		{Stage: "postReady", Name: "later", Frequency: Unknown},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := AgentTasks([]byte("\tx: [")); err == nil {
		t.Error("a file that is not YAML has tasks")
	}
}

func TestCallsSysprep(t *testing.T) {
	for text, want := range map[string]bool{
		`C:\Windows\System32\Sysprep\sysprep.exe /generalize`:                      true,
		`& "$env:windir\system32\sysprep\Sysprep.exe" /oobe`:                       true,
		`start sysprep -quiet`:                                                     true,
		`Start-Process sysprep -ArgumentList /generalize`:                          true,
		`& 'C:\ProgramData\Amazon\EC2-Windows\Launch\Scripts\SysprepInstance.ps1'`: true,
		`.\sysprepinstance.ps1 -NoShutdown`:                                        true,
		`& "C:\Program Files\Amazon\EC2Launch\EC2Launch.exe" sysprep --shutdown`:   true,
		`ec2launch   sysprep`:                                                      true,
		`"C:\Program Files\Amazon\Ec2ConfigService\ec2config.exe" -sysprep`:        true,
		`copy C:\ProgramData\Amazon\EC2Launch\sysprep\unattend.xml D:\`:            false,
		`Write-Host "this image was made with sysprep"`:                            false,
		`ec2launch reset`:         false,
		`C:\tools\notsysprep.exe`: false,
		`Get-ItemProperty HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\Sysprep`:  false,
		`C:\ProgramData\Amazon\EC2-Windows\Launch\Sysprep\Randomize-LocalAdminPassword.x`: false,
	} {
		if got := callsSysprep(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestReadUserData(t *testing.T) {
	both := "<powershell>\nRename-Computer x\n</powershell>\n<Script>\nsysprep /oobe\n</SCRIPT>"
	tags := func(f Frequency) []Task {
		return []Task{{Stage: "userData", Name: "script", Frequency: f, Sysprep: true}, {Stage: "userData", Name: "powershell", Frequency: f}}
	}
	yaml := "version: 1.1\ntasks:\n- task: executeScript\n  inputs:\n  - frequency: always\n    type: powershell\n    content: Get-Date\n- task: sysprep\n"
	yamlTasks := []Task{
		{Stage: "userData", Name: "executeScript", What: "powershell", Frequency: Always},
		{Stage: "userData", Name: "sysprep", Frequency: Once, Sysprep: true},
	}
	for name, tt := range map[string]struct {
		agent   Agent
		handled bool
		data    string
		want    UserData
	}{
		"none":                  {EC2LaunchV2, true, "", UserData{}},
		"blank":                 {EC2LaunchV1, true, " \r\n", UserData{}},
		"v2, tags":              {EC2LaunchV2, true, both, UserData{Tasks: tags(Once), Runs: true, Sysprep: true}},
		"v2, persist":           {EC2LaunchV2, true, both + "<persist> TRUE </persist>", UserData{Tasks: tags(Always), Persist: true, Runs: true, Sysprep: true}},
		"v1, handled":           {EC2LaunchV1, true, both + "<runAsLocalSystem>true</runAsLocalSystem>", UserData{Tasks: tags(Once), Runs: true, Sysprep: true}},
		"v1, not handled":       {EC2LaunchV1, false, both, UserData{Tasks: tags(Once), Sysprep: true}},
		"v1, persist":           {EC2LaunchV1, false, both + "<persist>true</persist>", UserData{Tasks: tags(Always), Persist: true, Runs: true, Sysprep: true}},
		"EC2Config, off":        {EC2Config, false, both + "<persist>true</persist>", UserData{Tasks: tags(Always), Persist: true, Sysprep: true}},
		"EC2Config, on":         {EC2Config, true, both, UserData{Tasks: tags(Once), Runs: true, Sysprep: true}},
		"v2, YAML":              {EC2LaunchV2, true, yaml, UserData{Tasks: yamlTasks, Runs: true, Sysprep: true}},
		"v2, YAML with CRLF":    {EC2LaunchV2, true, strings.ReplaceAll(yaml, "\n", "\r\n"), UserData{Tasks: yamlTasks, Runs: true, Sysprep: true}},
		"v2, JSON":              {EC2LaunchV2, true, `{"version":"1.0","tasks":[{"task":"enableOpenSsh"}]}`, UserData{Tasks: []Task{{Stage: "userData", Name: "enableOpenSsh", Frequency: Once}}, Runs: true}},
		"v1 does not read YAML": {EC2LaunchV1, true, yaml, UserData{}},
		"v2, stages": {EC2LaunchV2, true, "config:\n- stage: postReady\n  tasks:\n  - task: startSsm\n", UserData{
			Tasks: []Task{{Stage: "postReady", Name: "startSsm", Frequency: Always}}, Runs: true,
		}},
		"v2, YAML with a tab": {EC2LaunchV2, true, "version: 1.0\ntasks:\n\t- task: enableOpenSsh\n", UserData{
			Tasks: []Task{{Stage: "userData", Name: "unknown", Frequency: Unknown}}, Runs: true,
			Notes: []string{"it looks like tasks of EC2Launch v2, but: cannot use user data: line 3: indented with a tab, which YAML does not allow"},
		}},
		"v2, a script that speaks of tasks": {EC2LaunchV2, true, "<powershell>\n@'\ntasks:\n\t- x\n'@\n</powershell>", UserData{
			Tasks: []Task{{Stage: "userData", Name: "powershell", Frequency: Once}}, Runs: true,
		}},
		"not closed": {EC2LaunchV2, true, "<powershell>\nsysprep.exe", UserData{
			Tasks: []Task{{Stage: "userData", Name: "powershell", Frequency: Once, Sysprep: true}}, Runs: true, Sysprep: true,
			Notes: []string{"<powershell> is not closed: the agent may not run it"},
		}},
		"prose":  {EC2LaunchV2, true, "hello, C:\\sysprep.exe", UserData{Sysprep: true}},
		"binary": {EC2LaunchV2, true, "PK\x03\x04\x00", UserData{Notes: []string{"user data is no text, or larger than EC2 allows: not read"}}},
		"large":  {EC2LaunchV2, true, strings.Repeat("x", maxUserData+1), UserData{Notes: []string{"user data is no text, or larger than EC2 allows: not read"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, ReadUserData(tt.agent, tt.handled, []byte(tt.data))); d != "" {
				t.Error(d)
			}
		})
	}
}
