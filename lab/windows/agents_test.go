package windows

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/lab/machine"
)

const configXML = `<?xml version="1.0" encoding="utf-8"?>
<Ec2ConfigurationSettings>
  <Plugins>
    <Plugin><Name>Ec2SetComputerName</Name><State>Disabled</State></Plugin>
    <Plugin>
      <Name>Ec2SetPassword</Name>
      <State>%s</State>
    </Plugin>
  </Plugins>
</Ec2ConfigurationSettings>`

const configPath = "Program Files/Amazon/Ec2ConfigService/Settings/Config.xml"

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

func wide(text string) []byte { return toUTF16("\ufeff" + text) }

func ec2Config(state string, start int, encode func(string) []byte) fixture {
	return fixture{
		files: map[string][]byte{
			"Program Files/Amazon/Ec2ConfigService/Ec2Config.exe": []byte("MZ"),
			configPath: encode(crlf(fmt.Sprintf(configXML, state))),
		},
		system: fmt.Sprintf("[ControlSet002\\Services\\Ec2Config]\nStart = dword:%d\n", start),
	}
}

func narrow(text string) []byte { return []byte("\ufeff" + text) }

// TestEC2Config: the plugin makes a password once, and is off then.
func TestEC2Config(t *testing.T) {
	for name, encode := range map[string]func(string) []byte{"UTF-8 with a mark": narrow, "UTF-16": wide, "8 bits": func(s string) []byte { return []byte(s) }} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, ec2Config("Enabled", 2, encode).image(t, true))
			said := b.boot()
			password := b.password(said)
			if len(password) != 32 || b.Check(instance, password) != nil || !errors.Is(b.Check(instance, password+"x"), ErrWrong) {
				t.Errorf("the password %q does not open it: %s", password, said)
			}
			if got, want := b.file(configPath), encode(crlf(fmt.Sprintf(configXML, "Disabled"))); !bytes.Equal(got, want) {
				t.Errorf("Config.xml is %q", got)
			}
			b.stop()
			if !errors.Is(b.Check(instance, password), machine.ErrOff) {
				t.Error("one can log in to a machine that is off")
			}
			if said := b.boot(); strings.Contains(said, "<Password>") || !strings.Contains(said, "Ec2SetPassword: Disabled") || b.Check(instance, password) != nil {
				t.Errorf("after another start: %s", said)
			}
		})
	}
}

// TestEC2ConfigStays: what keeps EC2Config from making a password.
func TestEC2ConfigStays(t *testing.T) {
	for name, f := range map[string]fixture{
		"plugin":   ec2Config("Disabled", 2, narrow),
		"service":  ec2Config("Enabled", 4, narrow),
		"no XML":   ec2Config("Enabled</State>", 2, narrow),
		"set-up":   {files: ec2Config("Enabled", 2, narrow).files, system: ec2Config("", 2, narrow).system, software: "[Microsoft\\Windows\\CurrentVersion\\Setup\\State]\nImageState = sz:IMAGE_STATE_UNDEPLOYABLE\n"},
		"no agent": {system: ec2Config("", 2, narrow).system},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, f.image(t, false))
			if said := b.boot(); strings.Contains(said, "<Password>") || !errors.Is(b.Check(instance, ""), ErrUnknown) {
				t.Errorf("it says %s", said)
			}
		})
	}
}

const taskXML = `<?xml version="1.0" encoding="UTF-16"?>
<Task><Triggers><BootTrigger><Enabled>true</Enabled></BootTrigger></Triggers><Settings><Priority>0</Priority><Enabled>%s</Enabled></Settings></Task>`

// triggers is the value of a task at boot.
func triggers(enabled bool, xml []byte) []byte {
	b := make([]byte, 0x60)
	b[0] = 0x17
	copy(b[flagsAt:], []byte{0x38, 0x21, 0x01, 0x42})
	if enabled {
		b[flagsAt+2] |= 0x40
	}
	for n := range 4 {
		b[checksumAt+n] = byte(crc32.ChecksumIEEE(xml) >> (8 * n))
	}
	return b
}

// launch1 is EC2Launch v1 on a volume; its registry and its XML may differ.
func launch1(config string, enabled, inXML bool, arguments string) fixture {
	xml := wide(crlf(fmt.Sprintf(taskXML, fmt.Sprint(inXML))))
	sum := sha256.Sum256(xml)
	cache := `[Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\`
	const id = "{01234567-89AB-CDEF-0123-456789ABCDEF}"
	return fixture{
		files: map[string][]byte{
			"ProgramData/Amazon/EC2-Windows/Launch/Scripts/InitializeInstance.ps1": []byte("#"),
			"ProgramData/Amazon/EC2-Windows/Launch/Config/LaunchConfig.json":       []byte(config),
			"ProgramData/Amazon/EC2-Windows/Launch/Module/Ec2Launch.psd1":          []byte("@{ ModuleVersion = '1.3.2003498' }"),
			"Windows/System32/Tasks/" + launch1Task:                                xml,
		},
		software: cache + "Tree\\" + launch1Task + "]\nId = sz:" + id + "\n" + cache + "Boot\\" + id + "]\n" + cache + "Tasks\\" + id + "]\n" +
			"Triggers = hex:" + hex.EncodeToString(triggers(enabled, xml)) + "\nHash = hex:" + hex.EncodeToString(sum[:]) +
			"\nActions = hex:" + hex.EncodeToString(toUTF16(`-File "C:\…\InitializeInstance.ps1"`+arguments)) + "\n",
	}
}

// tasks reads the task back with hivexget.
func (b *bench) taskValue(name string) []byte {
	b.Helper()
	var found []byte
	err := b.img.View(func(root string) error {
		out := b.run("hivexget", root+"/Windows/System32/config/SOFTWARE", `Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tasks\{01234567-89AB-CDEF-0123-456789ABCDEF}`)
		for line := range strings.Lines(out) {
			_, text, ok := strings.Cut(line, `"`+name+`"=hex(3):`)
			if data, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ",", "")); ok && err == nil {
				found = data
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return found
}

// TestLaunch1: the registry decides, and the task is off in both stores afterwards, its
// sums still right.
func TestLaunch1(t *testing.T) {
	b := newBench(t, launch1(`{"setComputerName": false, "adminPasswordType":  "Random"}`, true, false, "").image(t, true))
	said := b.boot()
	if password := b.password(said); password == "" || b.Check(instance, password) != nil {
		t.Fatalf("it says %s", said)
	}
	xml := b.file("Windows/System32/Tasks/" + launch1Task)
	sum := sha256.Sum256(xml)
	if got := b.taskValue("Triggers"); !bytes.Equal(got, triggers(false, xml)) {
		t.Errorf("Triggers is %x", got)
	}
	if got := b.taskValue("Hash"); !bytes.Equal(got, sum[:]) {
		t.Errorf("Hash is %x", got)
	}
	b.stop()
	if said := b.boot(); strings.Contains(said, "EC2 Launch") {
		t.Errorf("it ran again: %s", said)
	}
}

// TestLaunch1Changes: which settings change what.
func TestLaunch1Changes(t *testing.T) {
	const config = "ProgramData/Amazon/EC2-Windows/Launch/Config/LaunchConfig.json"
	for name, tt := range map[string]struct {
		f      fixture
		sent   bool
		opens  string // with this password
		config string
	}{
		"not armed":     {f: launch1(`{"adminPasswordType":"Random"}`, false, true, ""), config: `{"adminPasswordType":"Random"}`},
		"do nothing":    {f: launch1(`{"adminPasswordType":"DoNothing"}`, true, true, ""), config: `{"adminPasswordType":"DoNothing"}`},
		"other case":    {f: launch1(`{"AdminPasswordType":"RANDOM"}`, true, true, ""), sent: true, config: `{"AdminPasswordType":"RANDOM"}`},
		"no JSON":       {f: launch1(`{`, true, true, ""), sent: true, config: `{`},
		"specified":     {f: launch1(`{"adminPasswordType":"Specify","adminPassword":"Secret-1"}`, true, true, ""), opens: "Secret-1", config: `{"adminPasswordType":"Specify","adminPassword":""}`},
		"too simple":    {f: launch1(`{"adminPasswordType":"Specify","adminPassword":"secret"}`, true, true, ""), sent: true, config: `{"adminPasswordType":"Specify","adminPassword":""}`},
		"each boot":     {f: launch1(`{"adminPasswordType":"Random"}`, true, true, " -KeepSchedule"), sent: true, config: `{"adminPasswordType":"DoNothing"}`},
		"no scheduler":  {f: fixture{files: launch1("{}", true, true, "").files, software: launch1("{}", true, true, "").software, system: "[ControlSet002\\Services\\Schedule]\nStart = dword:4\n"}, config: "{}"},
		"not its tasks": {f: fixture{files: launch1("{}", true, true, "").files}, config: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.f.image(t, false))
			said := b.boot()
			if password := b.password(said); (password != "") != tt.sent || tt.sent && b.Check(instance, password) != nil {
				t.Errorf("it says %s", said)
			}
			if tt.opens != "" && b.Check(instance, tt.opens) != nil {
				t.Error("the specified password does not open it")
			}
			if got := string(b.file(config)); got != tt.config {
				t.Errorf("the configuration is %s", got)
			}
		})
	}
}

// TestLostPassword: the password is changed, and then cannot be sent.
func TestLostPassword(t *testing.T) {
	old := launch1(`{"adminPasswordType":"Random"}`, true, true, "")
	old.files["ProgramData/Amazon/EC2-Windows/Launch/Module/Ec2Launch.psd1"] = []byte("@{ ModuleVersion = '1.3.2001360' }")
	for name, tt := range map[string]struct {
		f    fixture
		m    imds
		want string
	}{
		"no key pair":          {launch1("{}", true, true, ""), imds{"", true}, "404"},
		"another type":         {launch1("{}", true, true, ""), imds{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", true}, "ssh-ed25519"},
		"agent without IMDSv2": {old, imds{"", true}, "401"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.f.image(t, false))
			b.spec.Metadata = tt.m
			said := b.boot()
			if strings.Contains(said, "<Password>") || !strings.Contains(said, "unable to send the password") || !strings.Contains(said, tt.want) {
				t.Errorf("it says %s", said)
			}
			if !errors.Is(b.Check(instance, ""), ErrWrong) {
				t.Error("the password is as before")
			}
		})
	}
}

const agentConfig = `version: 1.0
config:
  - stage: preReady
    tasks:
      - task: executeScript
        inputs:
          - frequency: always
            type: powershell
            content: hello
      - task: setAdminAccount
        inputs:
          password:
            type: %s
            data: secret
  - stage: postReady
    tasks:
      - task: startSsm
`

func launch2(config string, ran bool) fixture {
	f := fixture{
		files: map[string][]byte{
			"Program Files/Amazon/EC2Launch/EC2Launch.exe":           []byte("MZ"),
			"ProgramData/Amazon/EC2Launch/config/agent-config.yml":   []byte(config),
			"ProgramData/Amazon/EC2Launch/state/state.json":          []byte("{}"),
			"ProgramData/Amazon/EC2Launch/state/previous-state.json": []byte("{}"),
		},
		system: "[ControlSet002\\Services\\Amazon EC2Launch]\nStart = dword:2\n",
	}
	if ran {
		f.files["ProgramData/Amazon/EC2Launch/state/.run-once"] = nil
	}
	return f
}

// TestLaunch2: what runs once runs as long as there is no .run-once, and then there is.
func TestLaunch2(t *testing.T) {
	for name, tt := range map[string]struct {
		f     fixture
		sent  bool
		opens string
		once  bool // afterwards
	}{
		"random":      {f: launch2(fmt.Sprintf(agentConfig, "random"), false), sent: true, once: true},
		"ran before":  {f: launch2(fmt.Sprintf(agentConfig, "random"), true), once: true},
		"do nothing":  {f: launch2(fmt.Sprintf(agentConfig, "doNothing"), false), once: true},
		"static":      {f: launch2(fmt.Sprintf(agentConfig, "static"), false), opens: "secret", once: true},
		"JSON":        {f: launch2("\ufeff"+`{"version":"1.0","config":[{"stage":"preReady","tasks":[{"task":"setAdminAccount","inputs":{"password":{"type":"random"}}}]}]}`, false), sent: true, once: true},
		"no task":     {f: launch2("config:\n- stage: preReady\n  tasks:\n  - task: activateWindows\n", false), once: true},
		"other stage": {f: launch2("config:\n- stage: boot\n  tasks:\n  - task: setAdminAccount\n    inputs: {password: {type: random}}\n", false), once: true},
		"a tab":       {f: launch2("config:\n- stage: preReady\n\ttasks:\n", false)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, tt.f.image(t, false))
			said := b.boot()
			if password := b.password(said); (password != "") != tt.sent || tt.sent && b.Check(instance, password) != nil {
				t.Errorf("it says %s", said)
			}
			if tt.opens != "" && b.Check(instance, tt.opens) != nil {
				t.Error("the static password does not open it")
			}
			if got := b.file("ProgramData/Amazon/EC2Launch/state/.run-once"); (got != nil) != tt.once {
				t.Errorf(".run-once is there: %v", got != nil)
			}
			if !strings.Contains(said, "Launch: EC2Launch v2 service v2.0.") {
				t.Errorf("it says %s", said)
			}
		})
	}
}
