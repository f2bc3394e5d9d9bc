package agentconf

import (
	"encoding/xml"
	"strings"
)

// maskXML masks what stands in elements whose names speak of secrets, their
// attributes, and comments. The text is known to be well-formed.
func maskXML(s string) string {
	var b strings.Builder
	d := newXMLDecoder(s)
	depth, secret := 0, 0 // secret is the depth of the outermost secret element
	for from := 0; ; from = int(d.InputOffset()) {
		token, err := d.Token()
		if err != nil {
			return b.String()
		}
		raw := s[from:d.InputOffset()]
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			if secret == 0 && secretXML.MatchString(token.Name.Local) {
				secret = depth
			}
			if secret > 0 && len(token.Attr) > 0 {
				raw = "<" + token.Name.Local + " " + masked + ">"
			}
		case xml.EndElement:
			if depth == secret {
				secret = 0
			}
			depth--
		case xml.CharData:
			if secret > 0 && strings.TrimSpace(raw) != "" {
				raw = masked
			}
		case xml.Comment:
			raw = "<!--" + masked + "-->"
		}
		b.WriteString(raw)
	}
}
