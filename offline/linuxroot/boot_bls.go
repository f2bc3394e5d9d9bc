package linuxroot

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// maxEntries bounds how many boot entries are read.
const maxEntries = 256

// readBLS reads the Boot Loader Specification entries of loader/entries, in the
// order of the menu: newest first.
func readBLS(v *offline.Volume, boot string, cfg []byte, env map[string]string) ([]Entry, []Problem) {
	dir := path.Join(boot, "loader/entries")
	names, err := v.ReadDir(dir)
	if err != nil {
		return nil, nil // no such directory: no entries
	}
	names = slices.DeleteFunc(names, func(n string) bool { return path.Ext(n) != ".conf" })
	slices.SortFunc(names, func(a, b string) int { return compareVersions(b, a) })
	vars := grubVariables(cfg, env)
	var entries []Entry
	var problems []Problem
	for _, name := range names[:min(len(names), maxEntries)] {
		file := path.Join(dir, name)
		data, err := v.ReadFile(file, offline.MaxConfig)
		if err != nil {
			problems = append(problems, Problem{Path: file, Text: err.Error()})
			continue
		}
		e := parseBLS(data, vars)
		e.ID, e.Source = strings.TrimSuffix(name, ".conf"), file
		entries = append(entries, e)
	}
	return entries, problems
}

// parseBLS reads one entry; options lines add up.
func parseBLS(data []byte, vars map[string]string) Entry {
	var e Entry
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		end := strings.IndexAny(line, " \t")
		if end < 0 || line[0] == '#' {
			continue
		}
		value := strings.TrimSpace(line[end:])
		switch line[:end] {
		case "title":
			e.Title = value
		case "linux":
			e.Kernel = value
		case "initrd":
			e.Initrd = append(e.Initrd, strings.Fields(expand(value, vars))...)
		case "options":
			e.Args = append(e.Args, splitArgs(expand(value, vars))...)
		}
	}
	return e
}

// markBLS marks the default: what grubenv or loader.conf names, else the first.
func markBLS(v *offline.Volume, boot string, entries []Entry, env map[string]string) {
	want := cmp.Or(env["next_entry"], env["saved_entry"])
	if data, _ := readFirst(v, boot, "loader/loader.conf"); data != nil && want == "" {
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "default" {
				want = strings.TrimSuffix(f[1], ".conf")
			}
		}
	}
	chosen := slices.IndexFunc(entries, func(e Entry) bool {
		match, err := path.Match(want, e.ID)
		return e.ID == want || e.Title == want && want != "" || match && err == nil
	})
	if n, err := parseUint(want); err == nil && chosen < 0 && n < uint64(len(entries)) {
		chosen = int(n)
	}
	entries[max(chosen, 0)].Default = true
}

// compareVersions orders names as rpm and the loaders order kernels: digits by
// value, letters by bytes.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		x, y := leadingDigits(a), leadingDigits(b)
		if x != "" && y != "" {
			m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if len(m) != len(n) {
				return len(m) - len(n)
			}
			if c := strings.Compare(m, n); c != 0 {
				return c
			}
			a, b = a[len(x):], b[len(y):]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
