package linuxroot

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// ReadOS says which system the root holds, from os-release(5) or, on systems
// older than that, from the release files of their distributions.
func ReadOS(v *offline.Volume) (offline.OS, error) {
	info, err := readOSRelease(v, "/")
	if err != nil {
		var ok bool
		if info, ok = readOldRelease(v); !ok {
			return offline.OS{Family: "linux", Arch: readArch(v)}, fmt.Errorf("cannot tell which system this is: %w", err)
		}
	}
	info.Family = "linux"
	info.Arch = readArch(v)
	return info, nil
}

// osReleaseFiles are in the order of os-release(5): the first that is there counts.
var osReleaseFiles = []string{"etc/os-release", "usr/lib/os-release"}

func readOSRelease(v *offline.Volume, at string) (offline.OS, error) {
	var first error
	for _, name := range osReleaseFiles {
		data, err := v.ReadFile(path.Join(at, name), offline.MaxConfig)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		values := shellAssignments(data)
		info := offline.OS{ID: values["ID"], Version: values["VERSION_ID"], Name: values["PRETTY_NAME"]}
		if info.ID == "" {
			info.ID = "linux" // the default of os-release(5)
		}
		if info.Name == "" {
			info.Name = values["NAME"]
		}
		return info, nil
	}
	return offline.OS{}, first
}

// osID is the ID of os-release, or empty.
func osID(v *offline.Volume, at string) string {
	info, err := readOSRelease(v, at)
	if err != nil {
		return ""
	}
	return info.ID
}

// oldRelease maps a release file to the id that os-release would give; the
// first that is there counts. Redhat-release stands for several.
var oldRelease = []struct{ file, id string }{
	{"/etc/system-release", ""}, {"/etc/centos-release", "centos"}, {"/etc/redhat-release", ""},
	{"/etc/alpine-release", "alpine"}, {"/etc/SuSE-release", "suse"}, {"/etc/arch-release", "arch"}, {"/etc/gentoo-release", "gentoo"},
	{"/etc/debian_version", "debian"},
}

// releaseNames turns the first words of a release file into an id.
var releaseNames = []struct{ prefix, id string }{
	{"Amazon Linux", "amzn"}, {"CentOS", "centos"}, {"Red Hat", "rhel"}, {"Fedora", "fedora"},
	{"Oracle", "ol"}, {"Scientific", "scientific"}, {"Rocky", "rocky"}, {"AlmaLinux", "almalinux"},
}

var versionNumber = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)*`)

func readOldRelease(v *offline.Volume) (offline.OS, bool) {
	for _, old := range oldRelease {
		data, err := v.ReadFile(old.file, 4096)
		if err != nil {
			continue
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
		info := offline.OS{ID: old.id, Name: line, Version: versionNumber.FindString(line)}
		for _, name := range releaseNames {
			if info.ID == "" && strings.HasPrefix(line, name.prefix) {
				info.ID = name.id
			}
		}
		if info.ID == "" {
			info.ID = "linux"
		}
		return info, true
	}
	return offline.OS{}, false
}

// shellAssignments reads NAME=value lines with the quoting of a POSIX shell, as
// os-release(5) and /etc/default files have them. Nothing is expanded.
func shellAssignments(data []byte) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(strings.TrimRight(line, "\r\n"))
		line = strings.TrimPrefix(line, "export ")
		name, raw, ok := strings.Cut(line, "=")
		if ok && shellName.MatchString(name) {
			values[name] = shellUnquote(raw)
		}
	}
	return values
}

var shellName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func shellValue(data []byte, name string) string { return shellAssignments(data)[name] }

// shellUnquote removes quotes and backslashes as a shell does, up to the first
// blank or comment outside quotes.
func shellUnquote(s string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == '\'' && c == '\'', quote == '"' && c == '"':
			quote = 0
		case quote == '\'':
			b.WriteByte(c)
		case c == '\\' && i+1 < len(s) && (quote == 0 || strings.IndexByte("$`\"\\", s[i+1]) >= 0):
			i++
			b.WriteByte(s[i])
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && (c == ' ' || c == '\t' || c == ';'):
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
