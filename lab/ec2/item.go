package ec2

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"time"
)

// An item is an element of an answer: names, and what stands there. A name that ends
// with ? is left out where nothing stands there, and one that begins with a dot is
// for filters alone.
type item []field

// A field holds text, a number, a truth value, a time, an item, or a list of items or
// texts.
type field struct {
	name  string
	value any
}

// done is the answer of calls that only say that they did what was asked.
var done = item{{"return", true}}

// MarshalXML writes the fields.
func (x item) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	err := e.EncodeToken(start)
	for _, f := range x {
		name, optional := strings.CutSuffix(f.name, "?")
		if strings.HasPrefix(name, ".") || optional && f.empty() {
			continue
		}
		err = errors.Join(err, e.EncodeElement(f.plain(), xml.StartElement{Name: xml.Name{Local: name}}))
	}
	return errors.Join(err, e.EncodeToken(start.End()))
}

// plain is the value as an item or as what XML can write. The elements of a list are
// fields that are called item.
func (f field) plain() any {
	switch v := f.value.(type) {
	case time.Time:
		return stamp(v)
	case []string:
		return listOf(v)
	case []item:
		return listOf(v)
	}
	return f.value
}

func listOf[T any](of []T) item {
	x := make(item, 0, len(of))
	for _, v := range of {
		x = append(x, field{"item", v})
	}
	return x
}

func (f field) empty() bool {
	switch v := f.plain().(type) {
	case item:
		return len(v) == 0
	default:
		return v == "" || v == 0
	}
}

// texts are what stands at a path of names, such as attachmentSet/item/status.
func (x item) texts(path string) []string {
	var found []string
	name, rest, _ := strings.Cut(path, "/")
	for _, f := range x {
		if strings.Trim(f.name, ".?") != name || f.empty() && strings.HasSuffix(f.name, "?") {
			continue
		}
		switch v := f.plain().(type) {
		case item:
			found = append(found, v.texts(rest)...)
		default:
			found = append(found, fmt.Sprint(v))
		}
	}
	return found
}

// get is the value of a field.
func (x item) get(name string) any {
	for _, f := range x {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
