package linuxroot

import (
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// readGrubEnv reads GRUB's environment block: name=value lines, a backslash
// before a character that would end them.
func readGrubEnv(v *offline.Volume, boot string) map[string]string {
	data, _ := readFirst(v, boot, "grub2/grubenv", "grub/grubenv")
	env := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if ok && shellName.MatchString(name) {
			env[name] = unbackslash(value)
		}
	}
	return env
}

// unbackslash lets every escaped character stand for itself.
func unbackslash(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// grubVariables are the variables that command lines use: grub.cfg's own
// unless the environment block has them.
func grubVariables(cfg []byte, env map[string]string) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(string(cfg)) {
		words := grubWords(line)
		if len(words) == 2 && words[0] == "set" {
			name, value, ok := strings.Cut(words[1], "=")
			if _, seen := vars[name]; ok && !seen {
				vars[name] = value
			}
		}
	}
	for name, value := range env {
		vars[name] = value
	}
	return vars
}

// Bounds of one entry, in bytes: the longest command line of any architecture is
// far shorter (COMMAND_LINE_SIZE), and titles are compared only.
const (
	maxCommandLine = 64 << 10
	maxTitle       = 256
)

// expand replaces $name and ${name}; an unknown name becomes nothing, as in
// GRUB. Values are not expanded again.
func expand(s string, vars map[string]string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, rest := after, ""
		if inner, ok := strings.CutPrefix(after, "{"); ok {
			name, rest, _ = strings.Cut(inner, "}")
		} else if end := strings.IndexFunc(after, notNameRune); end >= 0 {
			name, rest = after[:end], after[end:]
		}
		if value := vars[name]; b.Len()+len(value) <= maxCommandLine {
			b.WriteString(value)
		}
		s = rest
	}
}

func notNameRune(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// parseGrub reads the menu entries of a grub.cfg in order, those of submenus
// too. Conditions are not evaluated.
func parseGrub(cfg []byte, file string, env map[string]string) []Entry {
	vars := grubVariables(cfg, env)
	var out []Entry
	var blocks []string // what the open braces belong to
	for line := range strings.Lines(string(cfg)) {
		words := grubWords(line)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "menuentry":
			if len(out) == maxEntries {
				return out
			}
			e := Entry{Source: file, ID: grubID(words)}
			e.Title = strings.Join(append(openMenus(blocks), titleOf(words)), ">")
			out = append(out, e)
			blocks = append(blocks, "")
			continue
		case "submenu":
			blocks = append(blocks, "submenu "+titleOf(words))
			continue
		}
		fillEntry(out, words, vars)
		blocks = braces(blocks, words)
	}
	return slices.DeleteFunc(out, func(e Entry) bool { return e.Kernel == "" })
}

func titleOf(words []string) string {
	if len(words) < 2 {
		return ""
	}
	return words[1][:min(len(words[1]), maxTitle)]
}

func openMenus(blocks []string) []string {
	var titles []string
	for _, b := range blocks {
		if title, ok := strings.CutPrefix(b, "submenu "); ok {
			titles = append(titles, title)
		}
	}
	return titles
}

// braces follows { and } that stand as words of their own.
func braces(blocks []string, words []string) []string {
	for _, w := range words {
		if w == "}" && len(blocks) > 0 {
			blocks = blocks[:len(blocks)-1]
		} else if w == "{" && len(blocks) < 64 {
			blocks = append(blocks, "")
		}
	}
	return blocks
}

// fillEntry adds a linux or initrd line to the last entry.
func fillEntry(entries []Entry, words []string, vars map[string]string) {
	if len(entries) == 0 || len(words) < 2 {
		return
	}
	e := &entries[len(entries)-1]
	switch words[0] {
	case "linux", "linux16", "linuxefi":
		if e.Kernel == "" {
			e.Kernel = expand(words[1], vars)
			e.Args = splitArgs(expand(strings.Join(words[2:], " "), vars))
		}
	case "initrd", "initrd16", "initrdefi":
		e.Initrd = append(e.Initrd, words[1:]...)
	}
}

// grubID is the entry's --id, or the value of $menuentry_id_option.
func grubID(words []string) string {
	for i, w := range words[:len(words)-1] {
		if w == "--id" || w == "$menuentry_id_option" || w == "${menuentry_id_option}" {
			return words[i+1]
		}
	}
	return ""
}

// grubWords splits a line of GRUB script into words: single and double quotes,
// backslash, comments. Variables stay as they are.
func grubWords(line string) []string {
	var words []string
	var b strings.Builder
	quote, some := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			b.WriteByte(c)
		case c == '\\' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
			some = true
		case quote == '"':
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote, some = c, true
		case c == '#' && !some:
			return words
		case strings.IndexByte(" \t\r\n;", c) >= 0:
			if some {
				words = append(words, b.String())
			}
			b.Reset()
			some = false
		default:
			b.WriteByte(c)
			some = true
		}
	}
	if some {
		words = append(words, b.String())
	}
	return words
}

// defaultOf is the value of GRUB's default: the saved entry when grub.cfg says
// so or grubenv names the next one, else what grub.cfg sets.
func defaultOf(cfg []byte, env map[string]string) string {
	if env["next_entry"] != "" {
		return env["next_entry"]
	}
	want := "0"
	for line := range strings.Lines(string(cfg)) {
		words := grubWords(line)
		if len(words) != 2 || words[0] != "set" {
			continue
		}
		value, ok := strings.CutPrefix(words[1], "default=")
		switch {
		case !ok || strings.Contains(value, "next_entry"):
		case strings.Contains(value, "saved_entry"):
			if env["saved_entry"] != "" {
				return env["saved_entry"]
			}
		default:
			want = value
		}
	}
	return want
}

// markGrub marks the default by title, id, or position, each possibly a path
// through submenus ("1>2", "Advanced options>Kernel").
func markGrub(entries []Entry, want string) {
	titles := strings.Split(want, ">")
	for i, e := range entries {
		if e.Title == want || e.ID != "" && e.ID == titles[len(titles)-1] {
			entries[i].Default = true
			return
		}
	}
	entries[positionOf(entries, titles)].Default = true
}

// positionOf follows numbers through the menu; what it cannot follow is the first entry.
func positionOf(entries []Entry, numbers []string) int {
	prefix := ""
	for depth, text := range numbers {
		n, err := parseUint(text)
		if err != nil {
			return 0
		}
		title, index, ok := menuItem(entries, prefix, int(min(n, maxEntries)))
		if !ok {
			return 0
		}
		if depth == len(numbers)-1 {
			return index
		}
		prefix += title + ">"
	}
	return 0
}

// menuItem is the n-th item of the menu whose entries' titles begin with
// prefix: its own title there, and the index of its first entry.
func menuItem(entries []Entry, prefix string, n int) (string, int, bool) {
	last, seen := "", -1
	for i, e := range entries {
		rest, ok := strings.CutPrefix(e.Title, prefix)
		if !ok {
			continue
		}
		title, _, isMenu := strings.Cut(rest, ">")
		if !isMenu || title != last || seen < 0 {
			seen++
		}
		last = title
		if !isMenu {
			last = "\x00" // the next item is a new one even when named alike
		}
		if seen == n {
			return title, i, true
		}
	}
	return "", 0, false
}

// readLegacy reads GRUB 0.9x and the SYSLINUX family.
func readLegacy(v *offline.Volume, boot string) []Entry {
	if cfg, file := readFirst(v, boot, "grub/grub.conf", "grub/menu.lst"); cfg != nil {
		return parseLegacy(cfg, file, "title", "kernel", "default", "")
	}
	cfg, file := readFirst(v, boot, "extlinux/extlinux.conf", "extlinux.conf", "syslinux/syslinux.cfg", "syslinux/extlinux.conf")
	return parseLegacy(cfg, file, "label", "kernel", "default", "append")
}

// parseLegacy reads files of one keyword a line: an entry begins with start;
// arguments follow the kernel, or stand on a line of their own.
func parseLegacy(cfg []byte, file, start, kernel, fallback, args string) []Entry {
	var out []Entry
	want := ""
	for line := range strings.Lines(string(cfg)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), fallback+"="); ok {
			line = fallback + " " + value
		}
		fields := splitArgs(line)
		if len(fields) < 2 {
			continue
		}
		key := strings.ToLower(fields[0])
		if key == "linux" {
			key = kernel
		}
		switch {
		case key == start && len(out) < maxEntries:
			out = append(out, Entry{Title: strings.Join(fields[1:], " "), Source: file})
		case key == fallback && want == "":
			want = fields[1]
		case len(out) == 0:
		case key == kernel:
			out[len(out)-1].Kernel = fields[1]
			out[len(out)-1].Args = append(out[len(out)-1].Args, fields[2:]...)
		case key == args:
			out[len(out)-1].Args = append(out[len(out)-1].Args, fields[1:]...)
		case key == "initrd":
			out[len(out)-1].Initrd = append(out[len(out)-1].Initrd, path.Clean(fields[1]))
		}
	}
	out = slices.DeleteFunc(out, func(e Entry) bool { return e.Kernel == "" })
	if len(out) > 0 {
		markGrub(out, want)
	}
	return out
}
