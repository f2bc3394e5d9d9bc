package block

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// lvmNode is one brace section of the metadata text.
type lvmNode struct {
	name     string
	values   map[string][]string // a scalar is a list of one
	children []*lvmNode
}

const (
	lvmMaxDepth = 16
	lvmMaxNodes = 100_000
)

// parse fills in what the text says. It reports whether it found a group.
func (l *LVMInfo) parse(text []byte) bool {
	p := lvmParser{text: string(text)}
	root := &lvmNode{}
	p.section(root, 0)
	for _, vg := range root.children {
		if vg.child("physical_volumes") == nil {
			continue
		}
		l.VGName, l.VGUUID = vg.name, vg.first("id")
		l.PVCount = len(vg.child("physical_volumes").children)
		if lvs := vg.child("logical_volumes"); lvs != nil {
			l.volumes(lvs, vg.number("extent_size"))
		}
		return true
	}
	return false
}

func (l *LVMInfo) volumes(lvs *lvmNode, extentSectors uint64) {
	for _, lv := range lvs.children {
		if !slices.Contains(lv.values["status"], "VISIBLE") {
			continue
		}
		v := LogicalVolume{Name: lv.name, UUID: lv.first("id"), Linear: len(lv.children) > 0}
		var extents uint64
		for _, segment := range lv.children {
			if n := segment.number("extent_count"); n <= math.MaxUint32 {
				extents += n
			}
			v.Linear = v.Linear && segment.first("type") == "striped" && segment.number("stripe_count") == 1
		}
		if extentSectors <= math.MaxUint32 {
			v.Size = product(extents, extentSectors*lvmSector)
		}
		l.LVs = append(l.LVs, v)
	}
}

func (n *lvmNode) child(name string) *lvmNode {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (n *lvmNode) first(key string) string {
	if v := n.values[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (n *lvmNode) number(key string) uint64 {
	v, err := strconv.ParseUint(n.first(key), 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// lvmParser reads the configuration syntax of LVM: name { … }, key = value,
// lists in brackets, quoted strings, comments. Broken text ends the reading
// early; what was read until then counts.
type lvmParser struct {
	text  string
	nodes int
}

// section reads entries into n up to the closing brace.
func (p *lvmParser) section(n *lvmNode, depth int) {
	for {
		name := p.token()
		if name == "" || name == "}" {
			return
		}
		switch p.token() {
		case "{":
			if p.nodes++; p.nodes > lvmMaxNodes || depth >= lvmMaxDepth {
				p.text = ""
				return
			}
			c := &lvmNode{name: name}
			n.children = append(n.children, c)
			p.section(c, depth+1)
		case "=":
			if n.values == nil {
				n.values = map[string][]string{}
			}
			n.values[name] = p.value()
		default:
			p.text = ""
			return
		}
	}
}

// value reads a scalar or a list.
func (p *lvmParser) value() []string {
	t := p.token()
	if t != "[" {
		return []string{unquote(t)}
	}
	var list []string
	for {
		switch t = p.token(); t {
		case "", "]":
			return list
		case ",":
		default:
			list = append(list, unquote(t))
		}
	}
}

func unquote(t string) string {
	if !strings.HasPrefix(t, `"`) {
		return t
	}
	t = strings.TrimSuffix(t[1:], `"`)
	if !strings.Contains(t, `\`) {
		return t
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(t)
}

// token returns the next word, punctuation mark or quoted string (with its
// quotes); empty at the end.
func (p *lvmParser) token() string {
	p.skipBlank()
	if p.text == "" {
		return ""
	}
	n := 1
	switch {
	case p.text[0] == '"':
		n = quotedLength(p.text)
	case !strings.ContainsRune("{}[]=,", rune(p.text[0])):
		if n = strings.IndexAny(p.text, " \t\r\n\x00{}[]=,#\""); n < 0 {
			n = len(p.text)
		}
	}
	t := p.text[:n]
	p.text = p.text[n:]
	return t
}

// skipBlank drops white space, NULs and comments.
func (p *lvmParser) skipBlank() {
	for {
		p.text = strings.TrimLeft(p.text, " \t\r\n\x00")
		if !strings.HasPrefix(p.text, "#") {
			return
		}
		_, p.text, _ = strings.Cut(p.text, "\n")
	}
}

// quotedLength counts from the opening to the closing quote.
func quotedLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
