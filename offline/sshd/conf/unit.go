package conf

import (
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// unitDirs in the order in which the first definition of a name wins
// (systemd.unit(5)).
var unitDirs = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// maxUnit bounds a unit file.
const maxUnit = 1 << 20

// Unit is one unit with its drop-ins merged.
type Unit struct {
	Name      string   // the name it was asked by: "sshd.service"
	Path      string   // the file that defines it; empty: there is none
	DropIns   []string // in the order in which they apply
	Masked    bool     // linked to /dev/null or empty
	EnabledBy []string // the links in *.wants and *.requires directories that start it

	assignments []assignment
}

// loadUnit reads a unit and everything that adds to it.
func loadUnit(v *offline.Volume, name string) Unit {
	u := Unit{Name: name}
	for _, dir := range unitDirs {
		p := dir + "/" + name
		if _, err := v.Lstat(p); err != nil {
			continue
		}
		u.Path = p
		u.Masked = isMask(v, p)
		if data, err := v.ReadFile(p, maxUnit); err == nil {
			u.assignments = parseUnit(data, p)
		}
		break
	}
	for _, p := range dropIns(v, name) {
		if data, err := v.ReadFile(p, maxUnit); err == nil {
			u.DropIns = append(u.DropIns, p)
			u.assignments = append(u.assignments, parseUnit(data, p)...)
		}
	}
	u.EnabledBy = enabledBy(v, name)
	return u
}

// isMask tells a link to /dev/null, or an empty file, from a definition.
func isMask(v *offline.Volume, p string) bool {
	if target, err := v.Readlink(p); err == nil {
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(p), target)
		}
		if path.Clean(target) == "/dev/null" {
			return true
		}
	}
	info, err := v.Stat(p)
	return err == nil && info.Kind == offline.Regular && info.Size == 0
}

// dropIns lists the files name.d/*.conf of all directories, sorted by their base
// names, of which the first directory's wins and may mask.
func dropIns(v *offline.Volume, name string) []string {
	at := map[string]string{}
	for _, dir := range unitDirs {
		for _, d := range dropInNames(name) {
			names, err := v.ReadDir(dir + "/" + d + ".d")
			if err != nil {
				continue
			}
			for _, n := range names {
				if _, ok := at[n]; !ok && strings.HasSuffix(n, ".conf") {
					at[n] = dir + "/" + d + ".d/" + n
				}
			}
		}
	}
	var bases []string
	for n, p := range at {
		if !isMask(v, p) {
			bases = append(bases, n)
		}
	}
	slices.Sort(bases)
	for i, n := range bases {
		bases[i] = at[n]
	}
	return bases
}

// dropInNames are the directories that apply to a unit, the most specific first:
// its own and the one of its whole type.
func dropInNames(name string) []string {
	return []string{name, strings.TrimPrefix(path.Ext(name), ".")}
}

func enabledBy(v *offline.Volume, name string) []string {
	var out []string
	for _, dir := range unitDirs {
		targets, err := v.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, target := range targets {
			if !strings.HasSuffix(target, ".wants") && !strings.HasSuffix(target, ".requires") {
				continue
			}
			p := dir + "/" + target + "/" + name
			if _, err := v.Lstat(p); err == nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// all gives the values of a key in a section; an empty assignment resets the list.
func (u *Unit) all(section, key string) []assignment {
	var out []assignment
	for _, a := range u.assignments {
		if a.section != section || a.key != key {
			continue
		}
		if a.value == "" {
			out = nil
			continue
		}
		out = append(out, a)
	}
	return out
}

func (u *Unit) last(section, key string) string {
	all := u.all(section, key)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].value
}

// environment gathers Environment= and EnvironmentFile=, files last as systemd
// lets them override.
func (u *Unit) environment(v *offline.Volume) (env []variable, missing []Problem) {
	for _, a := range u.all("Service", "Environment") {
		for _, w := range rawWords(a.value) {
			if name, value, ok := strings.Cut(unquote(w), "="); ok {
				env = append(env, variable{name, value, a.path, a.line})
			}
		}
	}
	for _, a := range u.all("Service", "EnvironmentFile") {
		file, optional := strings.CutPrefix(a.value, "-")
		paths, err := Glob(v, file)
		if err != nil || len(paths) == 0 && !optional {
			missing = append(missing, Problem{Path: a.path, Line: a.line, Text: "EnvironmentFile=" + file + " is missing", Fatal: true})
		}
		for _, p := range paths {
			data, err := v.ReadFile(p, maxUnit)
			if err != nil && !optional {
				missing = append(missing, Problem{Path: a.path, Line: a.line, Text: err.Error(), Fatal: true})
			}
			env = append(env, parseEnvironment(data, p)...)
		}
	}
	return env, missing
}
