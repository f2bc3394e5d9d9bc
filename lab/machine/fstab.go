package machine

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// entry is a line of fstab(5).
type entry struct {
	spec, point, fstype string
	options             []string
}

// parseFstab reads what a guest's fstab says; lines that say nothing are left out.
func parseFstab(text string) (entries []entry) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || strings.HasPrefix(f[0], "#") {
			continue
		}
		e := entry{spec: unescape(f[0]), point: unescape(f[1]), fstype: f[2]}
		if len(f) > 3 {
			e.options = strings.Split(f[3], ",")
		}
		entries = append(entries, e)
	}
	return entries
}

// unescape undoes the octal escapes with which fstab writes blanks.
func unescape(s string) string {
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

func (e entry) has(option string) bool { return slices.Contains(e.options, option) }

// value is the last value of an option such as subvol=@home.
func (e entry) value(key string) (value string) {
	for _, o := range e.options {
		if v, ok := strings.CutPrefix(o, key+"="); ok {
			value = v
		}
	}
	return value
}

// mountable tells whether the entry is a directory of a filesystem on a disk that
// is mounted at boot, below the root.
func (e entry) mountable() bool {
	return strings.HasPrefix(e.point, "/") && path.Clean(e.point) != "/" && e.fstype != "swap" && !e.has("noauto") && !e.has("bind") &&
		(strings.Contains(e.spec, "=") || strings.HasPrefix(e.spec, "/dev/"))
}

// find returns the filesystem that the entry names by one of its identifiers. A
// name like /dev/xvda2 depends on the machine and finds nothing.
func (e entry) find(pieces []piece) *piece {
	key, value, ok := strings.Cut(e.spec, "=")
	if !ok {
		var by string
		by, value = path.Split(strings.TrimPrefix(e.spec, "/dev/disk/by-"))
		key = strings.ToUpper(strings.TrimSuffix(by, "/"))
	}
	value = strings.Trim(value, `"`)
	if value == "" {
		return nil
	}
	for i, p := range pieces {
		id := map[string]string{"UUID": p.UUID, "LABEL": p.Label, "PARTUUID": p.PartUUID, "PARTLABEL": p.PartLabel}[key]
		if id == value || strings.HasSuffix(key, "UUID") && strings.EqualFold(id, value) {
			return &pieces[i]
		}
	}
	return nil
}
