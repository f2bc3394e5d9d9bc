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

// Mount is one thing that the system mounts: a line of /etc/fstab or a .mount unit.
type Mount struct {
	Spec    Spec
	Point   string // clean absolute path; empty for swap
	Type    string // fstab(5) field 3, "auto" when it is not given
	Options []string
	Freq    int // field 5
	Pass    int // field 6
	Path    string
	Line    int    // 0 for a unit
	Raw     string // the line as written
}

// Where says file and line.
func (m Mount) Where() string {
	if m.Line == 0 {
		return m.Path
	}
	return m.Path + ":" + strconv.Itoa(m.Line)
}

// Has tells whether an option is given, alone or with a value.
func (m Mount) Has(name string) bool {
	_, ok := m.Option(name)
	return ok
}

// Option is the last value of name=; empty for an option without a value.
func (m Mount) Option(name string) (string, bool) {
	for _, o := range slices.Backward(m.Options) {
		if k, value, _ := strings.Cut(o, "="); k == name {
			return value, true
		}
	}
	return "", false
}

// Swap tells whether the entry is swap space.
func (m Mount) Swap() bool { return m.Type == "swap" }

// NoFail tells whether the system starts without it (systemd.mount(5)).
func (m Mount) NoFail() bool { return m.Has("nofail") }

// Automatic tells whether the running system mounts it by itself, at start or,
// with x-systemd.automount, at the first access.
func (m Mount) Automatic() bool {
	on := true
	for _, o := range m.Options {
		switch o {
		case "noauto":
			on = false
		case "auto":
			on = true
		}
	}
	return on || m.Has("x-systemd.automount") || m.Has("comment=systemd.automount")
}

// Bind tells whether the entry shows a directory of the tree at a second place.
func (m Mount) Bind() bool { return m.Has("bind") || m.Has("rbind") }

// Subvolume is the btrfs subvolume that the options name.
func (m Mount) Subvolume() Subvolume { return parseSubvolume(m.Options) }

// ReadFstab reads /etc/fstab and the .mount units of /etc/systemd/system, in
// the order in which they stand. A missing fstab is no problem: small systems
// have none.
func ReadFstab(v *offline.Volume) ([]Mount, []Problem) {
	const name = "/etc/fstab"
	var mounts []Mount
	var problems []Problem
	if data, err := v.ReadFile(name, offline.MaxConfig); err == nil {
		mounts, problems = parseFstab(data, name)
	} else if exists(v, name) {
		problems = append(problems, Problem{Path: name, Text: err.Error()})
	}
	units, more := readMountUnits(v, mounts)
	return merge(v, mounts, units), append(problems, more...)
}

// merge lets units in /etc replace what systemd generates from fstab for the
// same place (systemd.unit(5), order of the unit path). Without systemd units mean nothing.
func merge(v *offline.Volume, mounts, units []Mount) []Mount {
	if !hasSystemd(v) {
		return mounts
	}
	replaced := func(m Mount) bool {
		return slices.ContainsFunc(units, func(u Mount) bool { return u.Point == m.Point })
	}
	return append(slices.DeleteFunc(slices.Clone(mounts), replaced), units...)
}

// hasSystemd asks /etc where /usr is a filesystem of its own that is not mounted yet.
func hasSystemd(v *offline.Volume) bool {
	if exists(v, "/usr/lib/systemd/systemd") || exists(v, "/lib/systemd/systemd") {
		return true
	}
	return !isDir(v, "/usr/lib") && isDir(v, unitDir)
}

// maxMounts bounds the lines of fstab that count; every path looked up later is
// compared with all mount points.
const maxMounts = 2000

// parseFstab reads fstab(5). Lines that mount(8) would refuse are problems.
func parseFstab(data []byte, name string) ([]Mount, []Problem) {
	var mounts []Mount
	var problems []Problem
	line := 0
	for raw := range bytes.Lines(data) {
		line++
		fields := strings.FieldsFunc(strings.TrimRight(string(raw), "\n"), func(r rune) bool { return r == ' ' || r == '\t' })
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(mounts)+len(problems) == maxMounts {
			return mounts, append(problems, Problem{name, line, fmt.Sprintf("more than %d entries: the rest was not read", maxMounts)})
		}
		m, text := parseFields(fields)
		m.Path, m.Line, m.Raw = name, line, strings.TrimRight(string(raw), "\r\n")
		if text != "" {
			problems = append(problems, Problem{name, line, text})
		}
		if m.Type != "" && m.Type != "ignore" {
			mounts = append(mounts, m)
		}
	}
	return mounts, problems
}

// parseFields returns a Mount without Type when the line means nothing.
func parseFields(fields []string) (Mount, string) {
	if len(fields) < 3 {
		return Mount{}, fmt.Sprintf("%d fields where at least device, mount point and type are needed", len(fields))
	}
	m := Mount{Spec: ParseSpec(unescape(fields[0])), Type: unescape(fields[2])}
	if point := unescape(fields[1]); strings.HasPrefix(point, "/") {
		m.Point = path.Clean(point)
	} else if m.Type != "swap" {
		return Mount{}, fmt.Sprintf("mount point %q is not an absolute path", point)
	}
	if len(fields) > 3 {
		m.Options = splitOptions(unescape(fields[3]))
	}
	for i, to := range []*int{&m.Freq, &m.Pass} {
		if len(fields) <= 4+i {
			break
		}
		n, err := strconv.Atoi(fields[4+i])
		if err != nil {
			return m, fmt.Sprintf("field %d is %q, not a number: some versions of mount refuse the line", 5+i, fields[4+i])
		}
		*to = n
	}
	return m, ""
}

// unescape resolves the octal escapes of fstab(5): \040 for a space and so on.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// splitOptions splits at commas outside double quotes (mount(8): SELinux
// contexts hold commas).
func splitOptions(s string) []string {
	var out []string
	quoted, start := false, 0
	for i := range len(s) {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	out = append(out, s[start:])
	return slices.DeleteFunc(out, func(o string) bool { return o == "" })
}

func parseUint(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }
