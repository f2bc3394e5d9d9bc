package winroot_test

import (
	"strings"

	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// A form is one way in which the settings are written, before and after.
type form struct {
	name    string
	before  string
	after   string // empty: the same
	consent string // what must be allowed
}

// becomes is a form in which one piece gives way to another.
func becomes(name, text, old, now string) form {
	if strings.Count(text, old) != 1 {
		panic(name + " has not one " + old)
	}
	return form{name: name, before: text, after: strings.Replace(text, old, now, 1)}
}

func adding(name, before, after string) form {
	return form{name: name, before: before, after: after, consent: "windows/config-task-missing"}
}

const fullConfig = `<?xml version="1.0" encoding="utf-8"?>
<Ec2ConfigurationSettings>
  <Plugins>
    <Plugin>
      <Name>Ec2SetPassword</Name>
      <State>Disabled</State>
    </Plugin>
    <Plugin>
      <Name>Ec2SetComputerName</Name>
      <State>Enabled</State>
    </Plugin>
    <Plugin>
      <Name>Ec2InitializeDrives</Name>
      <State>Enabled</State>
    </Plugin>
    <Plugin>
      <Name>Ec2HandleUserData</Name>
      <State>Enabled</State>
    </Plugin>
    <Plugin>
      <Name>AWS.EC2.Windows.CloudWatch.PlugIn</Name>
      <State>Enabled</State>
    </Plugin>
  </Plugins>
  <GlobalSettings>
    <ManageShutdown>true</ManageShutdown>
    <RemoveCredentialsfromSysprepOnStartup>true</RemoveCredentialsfromSysprepOnStartup>
  </GlobalSettings>
</Ec2ConfigurationSettings>
`

// v2 is a file of EC2Launch v2 with the admin task as given, indented by two.
func v2(task string) string {
	return "version: 1.0\nconfig:\n  - stage: boot\n    tasks:\n      - task: extendRootPartition\n  - stage: preReady\n    tasks:\n" +
		"      - task: activateWindows\n        inputs:\n          activation:\n            type: amazon\n" +
		"      - task: setDnsSuffix\n        inputs:\n          suffixes:\n            - $REGION.ec2-utilities.amazonaws.com\n" +
		task + "  - stage: postReady\n    tasks:\n      - task: startSsm\n"
}

const (
	doNothingTask = "      - task: setAdminAccount\n        inputs:\n          password:\n            type: doNothing\n"
	column0       = "version: 1.1\nconfig:\n- stage: preReady\n  tasks:\n  - task: setAdminAccount\n    inputs:\n      password:\n        type: static\n        data: Hunter2\n- stage: postReady\n  tasks:\n  - task: startSsm\n"
	jsonLine      = `{"version":"1.0","config":[{"stage":"preReady","tasks":[{"task":"activateWindows"},{"task":"setAdminAccount","inputs":{"password":{"type":"doNothing"}}}]}]}` + "\n"
	jsonPretty    = "{\n\t\"version\": \"1.0\",\n\t\"config\": [\n\t\t{\n\t\t\t\"stage\": \"preReady\",\n\t\t\t\"tasks\": [\n\t\t\t\t{\n\t\t\t\t\t\"task\": \"setAdminAccount\",\n\t\t\t\t\t\"inputs\": {\n\t\t\t\t\t\t\"name\": \"Administrator\",\n\t\t\t\t\t\t\"password\": {\n\t\t\t\t\t\t\t\"type\": \"static\",\n\t\t\t\t\t\t\t\"data\": \"Hunter2\"\n\t\t\t\t\t\t}\n\t\t\t\t\t}\n\t\t\t\t}\n\t\t\t]\n\t\t}\n\t]\n}\n"
	flowTask      = "      - {task: setAdminAccount, inputs: {name: Administrator, password: {type: doNothing}}}\n"
	randomTask    = "      - task: setAdminAccount\n        inputs:\n          password:\n            type: random\n"
	foldedTask    = "      - task: setAdminAccount\n        inputs:\n          password: # Hunter2\n            data: >-\n              Hunter2\n\n              # Hunter2\n                Hunter2\n            type: static\n"
	scriptTask    = "      - task: executeScript\n        inputs:\n          - frequency: always\n            type: batch\n            content: |\n              net user Administrator Hunter2\n              echo Hunter2\n"
	commented     = "      # - task: setAdminAccount\n      #   inputs:\n      #     password:\n      #       type: random\n"
)

// fourSpaces is indented as some editors do it.
const fourSpaces = "version: 1.0\nconfig:\n    -   stage: preReady\n        tasks:\n            -   task: setAdminAccount\n                inputs:\n" +
	"                    password:\n                        type: static\n                        data: Hunter2\n"

var forms = map[string][]form{
	windows.EC2Config: {
		becomes("as written by the agent", fullConfig, "<Name>Ec2SetPassword</Name>\n      <State>Disabled", "<Name>Ec2SetPassword</Name>\n      <State>Enabled"),
		becomes("standalone", strings.Replace(fullConfig, `encoding="utf-8"`, `standalone="yes"`, 1), "<State>Disabled", "<State>Enabled"),
		becomes("without a declaration, in one line", strings.Join(strings.Fields(fullConfig[strings.Index(fullConfig, "\n"):]), "")+"\n", "<State>Disabled", "<State>Enabled"),
		becomes("by hand", strings.Replace(fullConfig, "<State>Disabled</State>", "<!-- Hunter2 -->\n\t<State>\n\t\tdisabled\n\t</State>", 1), "disabled", "Enabled"),
		becomes("name behind state", "<Ec2ConfigurationSettings><Plugins><Plugin><State>Disabled</State><Name> ec2setpassword </Name></Plugin></Plugins></Ec2ConfigurationSettings>\n", "Disabled", "Enabled"),
		{name: "enabled", before: strings.Replace(fullConfig, "Disabled", "Enabled", 1)},
	},
	windows.EC2LaunchV1: {
		{name: "as shipped", before: strings.ReplaceAll(shippedLaunch, "%", "Random")},
		becomes("as shipped, per boot", strings.ReplaceAll(shippedLaunch, "%", "DoNothing"), "DoNothing", "Random"),
		becomes("rewritten by the agent", "{\n    \"SetComputerName\":  false,\n    \"HandleUserData\":  true,\n    \"AdminPasswordType\":  \"Specify\",\n    \"AdminPassword\":  \"Hunter2\"\n}\n", "Specify", "Random"),
		becomes("in one line", `{"setComputerName":false,"adminPasswordType":"donothing","adminPassword":""}`+"\n", "donothing", "Random"),
		becomes("in one line, with a password", `{"adminPasswordType":"Specify","adminPassword":"Hunter2, \"Hunter2\"","setWallpaper":true}`+"\n", "Specify", "Random"),
		becomes("key missing", "{\n  \"setWallpaper\":  true,\n  \"handleUserData\":  false\n}\n", "false\n", "false,\n  \"adminPasswordType\":  \"Random\"\n"),
		becomes("key missing, rewritten", "{\n    \"SetWallpaper\":  true\n}\n", "true\n", "true,\n    \"AdminPasswordType\":  \"Random\"\n"),
		{name: "in another case", before: "{\"ADMINPASSWORDTYPE\": \"RANDOM\"}\n"},
	},
	windows.EC2LaunchV2: {
		{name: "as AWS documents it", before: v2(randomTask)},
		becomes("doNothing, as migrated", v2(doNothingTask), "doNothing", "random"),
		becomes("double quotes", v2(strings.Replace(doNothingTask, "doNothing", `"static"`, 1)), "static", "random"),
		becomes("single quotes, version quoted", strings.Replace(v2(strings.Replace(doNothingTask, "doNothing", `'doNothing' # Packer`, 1)), "1.0", `"1.0"`, 1), "doNothing", "random"),
		becomes("column 0, static", column0, "static", "random"),
		becomes("four spaces", fourSpaces, "static", "random"),
		becomes("flow style", v2(flowTask), "doNothing", "random"),
		becomes("JSON in one line", jsonLine, "doNothing", "random"),
		becomes("JSON with tabs", jsonPretty, "static", "random"),
		becomes("no version, beside a comment", strings.Replace(v2(commented+doNothingTask), "version: 1.0\n", "# version: 1.0\n", 1), "doNothing", "random"),
		becomes("a password over several lines, beside scripts", v2(foldedTask+scriptTask), "static", "random"),
		{
			name: "a tab, as in a sample of AWS's", before: tabConfig, consent: "windows/config-tab",
			after: strings.NewReplacer("\t\t\t\t", "        ", "\t", "  ", "doNothing", "random").Replace(tabConfig),
		},
		adding("absent, beside a script", v2(scriptTask), strings.Replace(v2(scriptTask), "      - task: activateWindows\n", randomTask+"      - task: activateWindows\n", 1)),
		adding("absent", v2(""), strings.Replace(v2(""), "      - task: activateWindows\n", randomTask+"      - task: activateWindows\n", 1)),
		adding("commented", v2(commented), strings.Replace(v2(commented), "      - task: activateWindows\n", randomTask+"      - task: activateWindows\n", 1)),
		adding("no inputs", v2("      - task: setAdminAccount\n"), v2(randomTask)),
	},
}

const shippedLaunch = "{\n  \"setComputerName\":  false,\n  \"setMonitorAlwaysOn\":  true,\n  \"setWallpaper\":  true,\n  \"addDnsSuffixList\":  true,\n" +
	"  \"extendBootVolumeSize\":  true,\n  \"handleUserData\":  true,\n  \"adminPasswordType\":  \"%\",\n  \"adminPassword\":  \"\"\n}\n"
