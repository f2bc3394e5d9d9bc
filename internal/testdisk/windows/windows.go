// Package windows lays out what a Windows Server in EC2 has on its system volume, as
// far as a password reset looks at it: registry hives, the files of the launch
// agents, EC2Launch's scheduled task.
//
// Layouts are those of Server 2008 R2 to 2025 with each of the three launch agents.
// All files are our own equivalents, written after AWS's documentation. The package
// is for tests and demos only and imports nothing of this module but testdisk.
package windows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// The launch agents.
const (
	EC2Config   = "ec2config"
	EC2LaunchV1 = "ec2launch-v1"
	EC2LaunchV2 = "ec2launch-v2"
)

// Agents are the launch agents, oldest first.
func Agents() []string { return []string{EC2Config, EC2LaunchV1, EC2LaunchV2} }

// A Machine says what is on the volume.
type Machine struct {
	Release string // of Server, as in Releases
	Core    bool   // without a desktop
	Agents  []Agent
	// System and Software are more of the two hives, in the form of hive.Create. A
	// value that stands twice has what it was given last.
	System, Software string
	Files            map[string]string // more files, slashed
}

// An Agent is a launch agent, as a first start leaves it unless something else is said.
type Agent struct {
	Kind      string
	Start     int                   // start value of its service; 0: 2, automatic
	Armed     bool                  // it sets a password at the next start
	NoProgram bool                  // only what starts it is there
	NoStarter bool                  // only the program and its files are there
	PerBoot   bool                  // EC2Launch v1 that runs at each start
	Settings  *string               // in place of the usual ones; empty: there is no file
	Encode    func(s string) []byte // of the settings and the task; nil: as Windows writes them
}

// A release is what tells one Windows Server from another.
type release struct {
	build, version string
	major          int // 0: the version alone says it
	name           string
}

// Releases are the releases, oldest first.
func Releases() []string {
	return []string{"2008 R2", "2012", "2012 R2", "2016", "2019", "2022", "2025"}
}

var releases = map[string]release{
	"2008 R2": {"7601", "6.1", 0, "Windows Server 2008 R2 Datacenter"},
	"2012":    {"9200", "6.2", 0, "Windows Server 2012 Datacenter"},
	"2012 R2": {"9600", "6.3", 0, "Windows Server 2012 R2 Datacenter"},
	"2016":    {"14393", "6.3", 10, "Windows Server 2016 Datacenter"},
	"2019":    {"17763", "6.3", 10, "Windows Server 2019 Datacenter"},
	"2022":    {"20348", "6.3", 10, "Windows Server 2022 Datacenter"},
	"2025":    {"26100", "6.3", 10, "Windows Server 2025 Datacenter"},
}

// The hives, below a root.
const (
	SystemHive   = "Windows/System32/config/SYSTEM"
	SoftwareHive = "Windows/System32/config/SOFTWARE"
)

// Write is Machine.Write for a test.
func Write(t testing.TB, root string, m Machine) {
	t.Helper()
	testdisk.Need(t, "hivexregedit")
	if err := m.Write(t.Context(), root); err != nil {
		t.Fatal(err)
	}
}

// Write lays the machine out below root, a directory.
func (m Machine) Write(ctx context.Context, root string) error {
	r, ok := releases[m.Release]
	if !ok {
		return fmt.Errorf("there is no Windows Server %q", m.Release)
	}
	files := map[string][]byte{"Windows/System32/WindowsPowerShell/v1.0/powershell.exe": []byte("MZ")}
	system, software := systemText, softwareText(r, m.Core)
	for _, a := range m.Agents {
		layout := layouts[a.Kind]
		if layout == nil {
			return fmt.Errorf("there is no launch agent %q", a.Kind)
		}
		more := layout(files, a)
		system, software = system+more.system, software+more.software
	}
	for name, text := range m.Files {
		files[name] = []byte(text)
	}
	for name, data := range files {
		if err := write(filepath.Join(root, name), data); err != nil {
			return err
		}
	}
	config := filepath.Join(root, filepath.Dir(SystemHive))
	if err := os.MkdirAll(config, 0o755); err != nil {
		return err
	}
	if err := hive.New(ctx, filepath.Join(root, SystemHive), system+m.System); err != nil {
		return err
	}
	return hive.New(ctx, filepath.Join(root, SoftwareHive), software+m.Software)
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

const systemText = `
[Select]
Current = dword:1
Default = dword:1
Failed = dword:0
LastKnownGood = dword:2

[Setup]
SetupType = dword:0
SystemSetupInProgress = dword:0

[ControlSet001\Control\ProductOptions]
ProductType = sz:ServerNT

[ControlSet001\Control\Session Manager\Environment]
PROCESSOR_ARCHITECTURE = sz:AMD64

[ControlSet001\Control\Terminal Server]
fDenyTSConnections = dword:0

[ControlSet001\Services\Schedule]
Start = dword:2

[ControlSet001\Services\TermService]
Start = dword:3

[ControlSet002\Services\Schedule]
Start = dword:4
`

func softwareText(r release, core bool) string {
	var b strings.Builder
	installation := "Server"
	if core {
		installation = "Server Core"
	}
	fmt.Fprintf(&b, `
[Microsoft\Windows NT\CurrentVersion]
ProductName = sz:%s
CurrentBuild = sz:%s
CurrentVersion = sz:%s
EditionID = sz:ServerDatacenter
InstallationType = sz:%s
`, r.name, r.build, r.version, installation)
	if r.major > 0 {
		fmt.Fprintf(&b, "CurrentMajorVersionNumber = dword:%x\nCurrentMinorVersionNumber = dword:0\nUBR = dword:7b\n", r.major)
	}
	b.WriteString(`
[Microsoft\Windows\CurrentVersion\Setup\State]
ImageState = sz:IMAGE_STATE_COMPLETE

[Microsoft\Windows\CurrentVersion\Uninstall\{0AA0A0A0-0000-4000-8000-00000000000A}]
DisplayName = sz:Something Else
DisplayVersion = sz:9.9
`)
	return b.String()
}
