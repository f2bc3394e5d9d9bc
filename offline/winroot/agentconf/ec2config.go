package agentconf

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	configXML = "Config.xml"
	hintXML   = "EC2Config cannot read it either; restore the file, or install EC2Config again"
)

// EditEC2Config sets the plugin Ec2SetPassword to Enabled, in the text of Config.xml:
// EC2Config then makes a new password at its next start, and disables the plugin.
func EditEC2Config(data []byte) (Edit, error) {
	t, err := decode(configXML, data)
	if err != nil {
		return Edit{}, err
	}
	plugins, err := readPlugins(t)
	if err != nil {
		return Edit{}, err
	}
	p, err := passwordPlugin(plugins)
	if err != nil {
		return Edit{}, err
	}
	edit := t.unchanged()
	if !p.enabled() {
		from := p.at + strings.Index(p.raw, p.value())
		edit = t.splice(from, from+len(p.value()), "Enabled")
	}
	edit.Notes = t.encodingNotes()
	if !p.enabled() && !strings.EqualFold(p.value(), "Disabled") {
		edit.Notes = append(edit.Notes, "the State of Ec2SetPassword was neither Enabled nor Disabled: "+shown(p.value()))
	}
	for _, p := range plugins {
		switch {
		case p.is("Ec2HandleUserData") && p.enabled():
			edit.UserData = true
			edit.Notes = append(edit.Notes, "Ec2HandleUserData is enabled: user data runs at the next start, with or without the reset")
		case p.is("Ec2SetComputerName") && p.enabled():
			edit.Notes = append(edit.Notes, "Ec2SetComputerName is enabled: the next start renames the computer and restarts it, with or without the reset")
		}
	}
	return edit, nil
}

func (t text) encodingNotes() []string {
	if t.form == eightBit {
		return []string{"the file holds bytes that are not UTF-8; they stay as they are"}
	}
	return nil
}

func passwordPlugin(plugins []plugin) (plugin, error) {
	var found []plugin
	for _, p := range plugins {
		if p.is("Ec2SetPassword") {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		return plugin{}, &Refusal{
			File: configXML, Code: PluginMissing, Why: "no plugin Ec2SetPassword in it",
			Hint: "EC2Config sets no password without that plugin; the file may be of another program or version",
		}
	case len(found) > 1:
		return plugin{}, &Refusal{File: configXML, Code: PluginTwice, Line: found[1].line, Why: "a second plugin Ec2SetPassword: which of them counts is not known"}
	}
	p := found[0]
	if p.states != 1 || p.texts != 1 || p.value() == "" || p.value() != strings.TrimSpace(p.state) {
		return plugin{}, &Refusal{File: configXML, Code: PluginState, Line: p.line, Why: "the State of Ec2SetPassword is not one plain word"}
	}
	return p, nil
}

// A plugin is a Plugin element: the text of its Name and State, and where the
// latter stands.
type plugin struct {
	line   int
	name   string
	states int    // State elements
	texts  int    // pieces of text in them
	state  string // the text as XML
	raw    string // the same, as it stands in the file
	at     int    // of raw
}

func (p plugin) is(name string) bool { return strings.EqualFold(strings.TrimSpace(p.name), name) }
func (p plugin) value() string       { return strings.TrimSpace(p.raw) }
func (p plugin) enabled() bool       { return strings.EqualFold(strings.TrimSpace(p.state), "Enabled") }

// readPlugins reads Ec2ConfigurationSettings/Plugins/Plugin, and all of the file for
// being well-formed. Messages of the parser may quote the file and stay here.
func readPlugins(t text) ([]plugin, error) {
	d := newXMLDecoder(t.s)
	r := pluginReader{t: t}
	for {
		from := int(d.InputOffset())
		token, err := d.Token()
		if errors.Is(err, io.EOF) && r.roots == 1 {
			return r.plugins, nil
		}
		if err != nil || r.roots > 1 {
			return nil, &Refusal{File: configXML, Code: Malformed, Line: t.line(from), Why: "not well-formed XML", Hint: hintXML}
		}
		if err := r.take(token, from, int(d.InputOffset())); err != nil {
			return nil, err
		}
	}
}

// newXMLDecoder reads a text that is decoded already, whatever it declares.
func newXMLDecoder(s string) *xml.Decoder {
	d := xml.NewDecoder(strings.NewReader(s))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return d
}

// A pluginReader is told one token after the other.
type pluginReader struct {
	t       text
	roots   int
	path    []string // the open elements
	plugins []plugin
}

var pluginPath = []string{"Ec2ConfigurationSettings", "Plugins", "Plugin"}

func (r *pluginReader) take(token xml.Token, from, to int) error {
	switch token := token.(type) {
	case xml.ProcInst:
		if token.Target == "xml" && from > 0 { // .NET refuses it, and this reader does not
			return &Refusal{File: configXML, Code: Malformed, Line: r.t.line(from), Why: "the XML declaration is not the first of the file", Hint: hintXML}
		}
	case xml.Directive:
		return &Refusal{File: configXML, Code: HasDTD, Line: r.t.line(from), Why: "a document type, which EC2Config never writes"}
	case xml.StartElement:
		if len(r.path) == maxDepth {
			return &Refusal{File: configXML, Code: TooLarge, Line: r.t.line(from), Why: "nested too deeply"}
		}
		if len(r.path) == 0 {
			r.roots++
		}
		r.path = append(r.path, token.Name.Local)
		if slices.Equal(r.path, pluginPath) {
			r.plugins = append(r.plugins, plugin{line: r.t.line(from)})
		} else if p := r.child("State"); p != nil {
			p.states++
		}
	case xml.EndElement:
		r.path = r.path[:len(r.path)-1]
	case xml.CharData:
		if p := r.child("Name"); p != nil {
			p.name += string(token)
		} else if p := r.child("State"); p != nil {
			p.texts++
			p.state, p.raw, p.at = string(token), r.t.s[from:to], from
		} else if len(r.path) == 0 && strings.TrimSpace(string(token)) != "" {
			return &Refusal{File: configXML, Code: Malformed, Line: r.t.line(from), Why: "text outside of the XML"}
		}
	}
	return nil
}

// child is the plugin whose child element of that name is the innermost open one.
func (r *pluginReader) child(name string) *plugin {
	n := len(pluginPath)
	if len(r.path) != n+1 || r.path[n] != name || !slices.Equal(r.path[:n], pluginPath) {
		return nil
	}
	return &r.plugins[len(r.plugins)-1]
}
