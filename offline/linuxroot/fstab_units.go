package linuxroot

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

const unitDir = "/etc/systemd/system"

// maxUnits bounds how many .mount units are read.
const maxUnits = 1000

// readMountUnits reads the .mount units of /etc/systemd/system that the system
// starts: enabled ones, ones with an enabled .automount, and ones that stand in
// for an fstab line.
func readMountUnits(v *offline.Volume, fstab []Mount) ([]Mount, []Problem) {
	names, err := v.ReadDir(unitDir)
	if err != nil {
		return nil, nil // no such directory: no units
	}
	names = slices.DeleteFunc(names, func(n string) bool { return path.Ext(n) != ".mount" })
	enabled := enabledUnits(v)
	var mounts []Mount
	var problems []Problem
	for _, name := range names[:min(len(names), maxUnits)] {
		m, err := readMountUnit(v, name)
		if err != nil {
			problems = append(problems, Problem{Path: path.Join(unitDir, name), Text: err.Error()})
			continue
		}
		inFstab := slices.ContainsFunc(fstab, func(f Mount) bool { return f.Point == m.Point && f.Automatic() })
		automount := strings.TrimSuffix(name, ".mount") + ".automount"
		if m.Type != "" && (inFstab || enabled[name] || enabled[automount]) {
			mounts = append(mounts, m)
		}
	}
	return mounts, problems
}

// readMountUnit returns a Mount without Type for a masked unit.
func readMountUnit(v *offline.Volume, name string) (Mount, error) {
	file := path.Join(unitDir, name)
	if target, err := v.Readlink(file); err == nil && target == "/dev/null" {
		return Mount{}, nil
	}
	data, err := v.ReadFile(file, offline.MaxConfig)
	if err != nil {
		return Mount{}, err
	}
	section := unitSection(data, "Mount")
	where := section["Where"]
	if want := unescapeUnit(strings.TrimSuffix(name, ".mount")); !strings.HasPrefix(where, "/") || path.Clean(where) != want {
		return Mount{}, fmt.Errorf("the place of Where=%q does not match the unit's name, which means %q: systemd refuses the unit", where, want)
	}
	if section["What"] == "" {
		return Mount{}, fmt.Errorf("no What=: systemd refuses the unit")
	}
	m := Mount{Spec: ParseSpec(section["What"]), Point: path.Clean(where), Type: section["Type"], Path: file}
	m.Options = splitOptions(section["Options"])
	if m.Type == "" {
		m.Type = "auto"
	}
	return m, nil
}

// unitSection reads the key=value lines of one section (systemd.syntax(7)); the
// last value of a key counts.
func unitSection(data []byte, want string) map[string]string {
	values := map[string]string{}
	in := ""
	joined := strings.ReplaceAll(string(data), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			in = strings.Trim(line, "[]")
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && in == want {
			values[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return values
}

// unescapeUnit turns a unit name into the path it stands for
// (systemd.unit(5), "String escaping for inclusion in unit names").
func unescapeUnit(name string) string {
	if name == "-" {
		return "/"
	}
	return "/" + unhex(strings.ReplaceAll(name, "-", "/"))
}

// maxWants bounds how many .wants and .requires directories are read.
const maxWants = 256

// enabledUnits are the units that some target of /etc wants or requires.
func enabledUnits(v *offline.Volume) map[string]bool {
	dirs, _ := v.ReadDir(unitDir) // an unreadable directory enables nothing
	dirs = slices.DeleteFunc(dirs, func(n string) bool { return path.Ext(n) != ".wants" && path.Ext(n) != ".requires" })
	units := map[string]bool{}
	for _, dir := range dirs[:min(len(dirs), maxWants)] {
		names, _ := v.ReadDir(path.Join(unitDir, dir))
		for _, name := range names {
			units[name] = true
		}
	}
	return units
}

// Crypt is one line of /etc/crypttab.
type Crypt struct {
	Name    string // below /dev/mapper
	Device  Spec
	Key     string // key file, or empty: someone types a passphrase
	Options []string
	Path    string
	Line    int
}

// ReadCrypttab reads /etc/crypttab (crypttab(5)).
func ReadCrypttab(v *offline.Volume) ([]Crypt, []Problem) {
	const name = "/etc/crypttab"
	data, err := v.ReadFile(name, offline.MaxConfig)
	if err != nil {
		return nil, nil // none is the rule
	}
	var out []Crypt
	var problems []Problem
	line := 0
	for raw := range bytes.Lines(data) {
		line++
		fields := strings.Fields(string(raw))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) < 2 {
			problems = append(problems, Problem{name, line, strconv.Quote(fields[0]) + " names no device"})
			continue
		}
		c := Crypt{Name: fields[0], Device: ParseSpec(fields[1]), Path: name, Line: line}
		if len(fields) > 2 && fields[2] != "none" && fields[2] != "-" {
			c.Key = fields[2]
		}
		if len(fields) > 3 {
			c.Options = splitOptions(fields[3])
		}
		out = append(out, c)
	}
	return out, problems
}
