package windows

import (
	"fmt"
	"strings"
)

// more is what an agent adds to the hives.
type more struct{ system, software string }

var layouts = map[string]func(map[string][]byte, Agent) more{
	EC2Config: layoutEC2Config, EC2LaunchV1: layoutV1, EC2LaunchV2: layoutV2,
}

// The settings files.
const (
	ConfigXML    = "Program Files/Amazon/Ec2ConfigService/Settings/Config.xml"
	LaunchConfig = "ProgramData/Amazon/EC2-Windows/Launch/Config/LaunchConfig.json"
	AgentConfig  = "ProgramData/Amazon/EC2Launch/config/agent-config.yml"
	RunOnce      = "ProgramData/Amazon/EC2Launch/state/.run-once"
	TaskFile     = "Windows/System32/Tasks/Amazon Ec2 Launch - Instance Initialization"
)

// UTF8 is the text as it is.
func UTF8(s string) []byte { return []byte(s) }

// UTF8BOM is the text with a byte order mark.
func UTF8BOM(s string) []byte { return []byte("\ufeff" + s) }

// UTF16LE is the text as PowerShell's Out-File writes it.
func UTF16LE(s string) []byte { return append([]byte{0xff, 0xfe}, wide(s)...) }

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// settings writes the settings file of an agent.
func (a Agent) settings(files map[string][]byte, path, usual string, usually func(string) []byte) {
	encode := a.Encode
	if encode == nil {
		encode = usually
	}
	switch {
	case a.Settings == nil:
		files[path] = encode(usual)
	case *a.Settings != "":
		files[path] = encode(*a.Settings)
	}
}

// service is the key of the service in both control sets; it is disabled in the
// one that is not in use.
func (a Agent) service(name string) string {
	if a.NoStarter {
		return ""
	}
	start := a.Start
	if start == 0 {
		start = 2
	}
	const format = "\n[ControlSet00%d\\Services\\%s]\nStart = dword:%d\nType = dword:10\nObjectName = sz:LocalSystem\n"
	return fmt.Sprintf(format, 1, name, start) + fmt.Sprintf(format, 2, name, 4)
}

func uninstall(list, guid, name, version string) string {
	return fmt.Sprintf("\n[%s\\Uninstall\\%s]\nDisplayName = sz:%s\nDisplayVersion = sz:%s\n", list, guid, name, version)
}

func (a Agent) program(files map[string][]byte, path string) {
	if !a.NoProgram {
		files[path] = []byte("MZ")
	}
}

const configXML = `<?xml version="1.0" encoding="utf-8"?>
<Ec2ConfigurationSettings>
  <Plugins>
    <Plugin>
      <Name>Ec2SetPassword</Name>
      <State>%STATE%</State>
    </Plugin>
    <Plugin>
      <Name>Ec2HandleUserData</Name>
      <State>Disabled</State>
    </Plugin>
  </Plugins>
  <GlobalSettings>
    <ManageShutdown>true</ManageShutdown>
  </GlobalSettings>
</Ec2ConfigurationSettings>
`

func layoutEC2Config(files map[string][]byte, a Agent) more {
	a.program(files, "Program Files/Amazon/Ec2ConfigService/Ec2Config.exe")
	state := "Disabled"
	if a.Armed {
		state = "Enabled"
	}
	a.settings(files, ConfigXML, crlf(strings.ReplaceAll(configXML, "%STATE%", state)), UTF8BOM)
	return more{
		a.service("Ec2Config"),
		uninstall(`WOW6432Node\Microsoft\Windows\CurrentVersion`, "{0CC0C0C0-0000-4000-8000-00000000000C}", "EC2ConfigService", "4.9.5777"),
	}
}

const agentConfig = `version: 1.0
config:
  - stage: preReady
    tasks:
      - task: activateWindows
        inputs:
          activation:
            type: amazon
      - task: setAdminAccount
        inputs:
          password:
            type: random
  - stage: postReady
    tasks:
      - task: startSsm
`

func layoutV2(files map[string][]byte, a Agent) more {
	a.program(files, "Program Files/Amazon/EC2Launch/EC2Launch.exe")
	a.settings(files, AgentConfig, agentConfig, UTF8)
	if !a.Armed {
		files[RunOnce] = nil
	}
	files["ProgramData/Amazon/EC2Launch/state/state.json"] = []byte("{}")
	return more{
		a.service("Amazon EC2Launch"),
		uninstall(`Microsoft\Windows\CurrentVersion`, "{0BB0B0B0-0000-4000-8000-00000000000B}", "Amazon EC2Launch", "2.0.1981"),
	}
}

const launchConfig = `{
  "setComputerName":  false,
  "setWallpaper":  true,
  "addDnsSuffixList":  true,
  "extendBootVolumeSize":  true,
  "handleUserData":  false,
  "adminPasswordType":  "%TYPE%",
  "adminPassword":  ""
}`

func layoutV1(files map[string][]byte, a Agent) more {
	const launch = "ProgramData/Amazon/EC2-Windows/Launch/"
	a.program(files, launch+"Scripts/InitializeInstance.ps1")
	files[launch+"Module/Ec2Launch.psd1"] = []byte(crlf("@{\n  RootModule = 'Ec2Launch.psm1'\n  ModuleVersion = '1.3.2005119'\n}\n"))
	kind := "Random"
	if a.PerBoot && !a.Armed {
		kind = "DoNothing"
	}
	a.settings(files, LaunchConfig, strings.ReplaceAll(launchConfig, "%TYPE%", kind), UTF8)
	if a.NoStarter {
		return more{}
	}
	file := a.task()
	files[TaskFile] = file
	return more{software: taskKeys(file, a)}
}
