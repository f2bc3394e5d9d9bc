package winroot

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// A Product is which Windows it is, by its registry.
type Product struct {
	Name             string // as "Windows Server 2019 Datacenter"
	Release          string // of the server, from "2008 R2" to "2025"; empty: none that is known
	Version          string // as "10.0.17763.1"
	Build            int
	Edition          string // EditionID
	Installation     string // InstallationType: Server, Server Core or Client
	Arch             string // as Go names it; empty: not known
	Type             string // ProductType: WinNT, ServerNT or LanmanNT
	DomainController bool
	ControlSet       string // in use, as ControlSet001; empty: not known
	ImageState       string // of its set-up
	SerialConsole    bool   // EMS takes the serial port; false also where that cannot be seen
}

const currentVersion = `Microsoft\Windows NT\CurrentVersion`

// releases are Windows Server's, by build.
var releases = map[int]string{
	7600: "2008 R2", 7601: "2008 R2", 9200: "2012", 9600: "2012 R2",
	14393: "2016", 17763: "2019", 20348: "2022", 26100: "2025",
}

// OS is the system as a report has it.
func (p Product) OS() offline.OS {
	os := offline.OS{Family: "windows", ID: "windows", Version: p.Version, Name: p.Name, Arch: p.Arch}
	if p.Release != "" {
		os.ID = "windows-server-" + strings.ToLower(strings.ReplaceAll(p.Release, " ", "-"))
	}
	return os
}

func (s *System) readProduct() {
	p := &s.Product
	p.Name = s.software.text(currentVersion, "ProductName")
	p.Edition = s.software.text(currentVersion, "EditionID")
	p.Installation = s.software.text(currentVersion, "InstallationType")
	p.ImageState = s.software.text(`Microsoft\Windows\CurrentVersion\Setup\State`, "ImageState")
	s.readVersion()
	if n, ok := s.system.number("Select", "Current"); ok && n > 0 && n < 1000 {
		p.ControlSet = fmt.Sprintf("ControlSet%03d", n)
	}
	if p.ControlSet == "" || s.system.key(p.ControlSet) == nil {
		p.ControlSet = ""
		s.find("windows/control-set", s.system.path, `Select\Current names no control set`)
		return
	}
	p.Type = s.system.text(s.control(`ProductOptions`), "ProductType")
	switch strings.ToUpper(s.system.text(s.control(`Session Manager\Environment`), "PROCESSOR_ARCHITECTURE")) {
	case "AMD64":
		p.Arch = "amd64"
	case "ARM64":
		p.Arch = "arm64"
	case "X86":
		p.Arch = "386"
	}
	if p.Type != "WinNT" && !strings.EqualFold(p.Installation, "Client") {
		p.Release = releases[p.Build]
	}
}

// readVersion: the major number stands apart since Windows 10; CurrentVersion
// stays 6.3 from then on.
func (s *System) readVersion() {
	p := &s.Product
	build := s.software.text(currentVersion, "CurrentBuild")
	if build == "" {
		build = s.software.text(currentVersion, "CurrentBuildNumber")
	}
	if n, err := strconv.Atoi(build); err == nil && n > 0 {
		p.Build = n
	}
	version := s.software.text(currentVersion, "CurrentVersion")
	if major, ok := s.software.number(currentVersion, "CurrentMajorVersionNumber"); ok {
		minor, _ := s.software.number(currentVersion, "CurrentMinorVersionNumber")
		version = fmt.Sprintf("%d.%d", major, minor)
	}
	p.Version = strings.Trim(version+"."+build, ".")
	if revision, ok := s.software.number(currentVersion, "UBR"); ok && p.Version != "" {
		p.Version = fmt.Sprintf("%s.%d", p.Version, revision)
	}
}

// control is a key below Control of the control set in use.
func (s *System) control(key string) string { return s.ControlSet + `\Control\` + key }

// service is the key of a service.
func (s *System) service(name string) string { return s.ControlSet + `\Services\` + name }
