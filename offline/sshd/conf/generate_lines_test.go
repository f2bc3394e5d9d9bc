package conf

import (
	"fmt"
	"sort"
	"strings"
)

func sortedKeys(m map[string]func(*generator) string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

var everywhereNames, elsewhereNames = sortedKeys(everywhere), sortedKeys(elsewhere)

// line is one setting in one of the ways to write it.
func (g *generator) line(inMatch bool) string {
	name, values := g.pick(everywhereNames...), everywhere
	if !inMatch && g.Intn(3) == 0 {
		name, values = g.pick(elsewhereNames...), elsewhere
	}
	value := values[name](g)
	switch g.Intn(8) {
	case 0:
		name = strings.ToLower(name)
	case 1:
		name = strings.ToUpper(name)
	case 2:
		value += g.pick(" ", "\t", "\r", " \f", " # a comment", "\t#x")
	}
	return g.pick("", "", "  ", "\t") + name + g.pick(" ", " ", " ", "\t", "=", " = ", "  ") + value
}

func (g *generator) match() string {
	one := func() string {
		switch g.Intn(8) {
		case 0, 1:
			return "User " + g.pick("root", "daemon", "root,daemon", "!root,*", "r*t", "nosuch", "*", `"root"`)
		case 2, 3:
			return "Group " + g.pick("root", "daemon", "!root,*", "d*,sys", "nosuch")
		case 4:
			return "Host " + g.pick("client.example.org", "*.example.org", "!*.example.org,*", "CLIENT.*", "*.net")
		case 5:
			return "Address " + g.pick("10.1.2.3", "10.0.0.0/8", "!10.1.0.0/16,10.*", "192.168.*", "::1,10.1.2.0/24", "2001:db8::/32")
		case 6:
			return "LocalAddress " + g.pick("10.9.9.9", "10.9.9.0/24", "127.*")
		}
		return "LocalPort " + g.pick("22", "2222", "ssh")
	}
	text := g.pick("Match ", "match ", "Match  ", "MATCH\t")
	if g.Intn(8) == 0 {
		return text + g.pick("all", "All", "ALL # x")
	}
	text += one()
	for g.Intn(3) == 0 {
		text += " " + one()
	}
	return text
}

// file makes one file's text; it may include others, which are made with it.
func (g *generator) file() string {
	g.depth++
	defer func() { g.depth-- }()
	var b strings.Builder
	inMatch := false
	for range 2 + g.Intn(9) {
		switch n := g.Intn(40); {
		case n < 5:
			b.WriteString(g.match())
			inMatch = true
		case n < 8 && g.depth < 4:
			b.WriteString(g.include())
		case n == 8:
			b.WriteString(g.pick("", "# comment", "\t", "   # x", "\r", "#"))
		case n == 9 && g.Intn(3) == 0:
			b.WriteString(broken[g.Intn(len(broken))])
		default:
			b.WriteString(g.line(inMatch))
		}
		b.WriteString(g.pick("\n", "\n", "\n", "\r\n", "\n\n"))
	}
	text := b.String()
	if g.Intn(6) == 0 {
		text = strings.TrimRight(text, "\n")
	}
	return text
}

func (g *generator) include() string {
	dir := fmt.Sprintf("d%d", len(g.files))
	g.files[dir+"/a.conf"] = "" // taken
	for _, name := range []string{"a.conf", "b.conf", "Z.conf", ".hidden.conf", "x.txt"} {
		if g.Intn(2) == 0 {
			g.files[dir+"/"+name] = g.file()
		}
	}
	return g.pick("Include ", "include\t", "Include=") +
		g.pick(dir+"/*.conf", "/etc/ssh/"+dir+"/*.conf", dir+"/?.conf", dir+"/a.conf "+dir+"/b.conf", `"`+dir+`/[ab].conf"`, dir+"/[!a].conf", dir+"/*")
}

// config makes a whole configuration: files below /etc/ssh.
func (g *generator) config() map[string]string {
	g.files = map[string]string{}
	g.files["sshd_config"] = g.file()
	return g.files
}
