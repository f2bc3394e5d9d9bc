package controller

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mostTag is what the value of a tag may hold.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
const mostTag = 256

// lockTags are what the instance and its root volume carry while a run is not
// home: the lock, and what another machine needs to bring the run home.
func lockTags(r *Rescue) map[string]string {
	return map[string]string{
		TagRun: r.Run, TagOwner: tagText(r.Owner), TagSince: r.Began.UTC().Format(time.RFC3339),
		TagRecord: encodeRecord(r), TagAsk: encodeAsk(r.Ask),
	}
}

// lockKeys are the keys of lockTags.
var lockKeys = []string{TagRun, TagOwner, TagSince, TagRecord, TagAsk}

// A field is one word of a tag's value: its name and how it is read and written.
type field[T any] struct {
	name string
	get  func(*T) string
	set  func(*T, string) error
}

// missing is the value of a field that did not fit: an escape of nothing.
const missing = "@"

// encode writes the fields that are not empty as name=value, in order. What does
// not fit is left out, the last of the droppable first, and marked as missing.
func encode[T any](fields []field[T], droppable []string, of *T) string {
	values := make([]string, len(fields))
	for i, f := range fields {
		values[i] = f.get(of)
	}
	join := func() string {
		var all []string
		for i, f := range fields {
			if values[i] != "" {
				all = append(all, f.name+"="+values[i])
			}
		}
		return strings.Join(all, " ")
	}
	for i, f := range fields {
		if values[i] != "" {
			values[i] = escape(f.get(of))
		}
	}
	for _, name := range slices.Backward(droppable) {
		if len(join()) <= mostTag {
			break
		}
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == name })
		if values[i] != "" {
			values[i] = missing
		}
	}
	return join()
}

// decode reads what encode has written. lost names the fields that did not fit.
func decode[T any](fields []field[T], text string, into *T) (lost []string, err error) {
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		i := slices.IndexFunc(fields, func(f field[T]) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("cannot read the tags: %q is unknown to this version", shorten(name))
		}
		if value == missing {
			lost = append(lost, name)
			continue
		}
		value, err = unescape(value)
		if err == nil {
			err = fields[i].set(into, value)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the tags: %s: %w", name, err)
		}
	}
	return lost, nil
}

// Tags take letters, digits, space and + - = . _ : / @. Of these the space parts
// fields and @ begins an escape: @20 is a space.
const plainMarks = "+-=._:/"

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(plainMarks, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "@%02X", c)
		}
	}
	return b.String()
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "@")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if len(after) < 2 {
			return "", fmt.Errorf("%q ends within an escape", shorten(s))
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", err
		}
		b.WriteByte(byte(c))
		s = after[2:]
	}
}

// tagText is text for people as a tag takes it.
func tagText(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < 0x80 && (escape(string(c)) == string(c) || c == ' ' || c == '@') {
			return c
		}
		return '_'
	}, s)
	return s[:min(len(s), mostTag)]
}

// text and the others make fields of an Ask or a Rescue.
func text[T any](name string, of func(*T) *string) field[T] {
	return field[T]{name, func(t *T) string { return *of(t) }, func(t *T, s string) error { *of(t) = s; return nil }}
}

func flagged[T any](name string, of func(*T) *bool) field[T] {
	return field[T]{name, func(t *T) string {
		if *of(t) {
			return "1"
		}
		return ""
	}, func(t *T, s string) error { *of(t) = s == "1"; return nil }}
}

func list[T any](name string, of func(*T) *[]string) field[T] {
	return field[T]{name, func(t *T) string { return strings.Join(*of(t), ",") },
		func(t *T, s string) error { *of(t) = strings.Split(s, ","); return nil }}
}

// askFields are what of an Ask a tag keeps.
var askFields = []field[Ask]{
	list("u", func(a *Ask) *[]string { return &a.Users }),
	text("k", func(a *Ask) *string { return &a.Keys }),
	text("y", func(a *Ask) *string { return &a.KeyType }),
	{"e", func(a *Ask) string {
		if a.Expires == 0 {
			return ""
		}
		return a.Expires.String()
	}, func(a *Ask, s string) (err error) { a.Expires, err = time.ParseDuration(s); return err }},
	text("r", func(a *Ask) *string { return &a.Repair }),
	flagged("x", func(a *Ask) *bool { return &a.RevokePrevious }),
	flagged("o", func(a *Ask) *bool { return &a.AcceptUnknown }),
	text("b", func(a *Ask) *string { return &a.Backup }),
	text("v", func(a *Ask) *string { return &a.Verify }),
	text("s", func(a *Ask) *string { return &a.Subnet }),
	text("t", func(a *Ask) *string { return &a.HelperType }),
	text("i", func(a *Ask) *string { return &a.HelperAMI }),
	flagged("n", func(a *Ask) *bool { return &a.Installed }),
	text("p", func(a *Ask) *string { return &a.Profile }),
	text("c", func(a *Ask) *string { return &a.Bucket }),
	text("m", func(a *Ask) *string { return &a.KMSKey }),
	list("a", func(a *Ask) *[]string { return &a.Accept }),
	text("f", func(a *Ask) *string { return &a.InSpiteOf }),
	text("w", func(a *Ask) *string { return &a.WindowsAgent }),
	text("P", func(a *Ask) *string { return &a.PublicKey }),
}

// What may be left out of the tag, the public key first.
var askDroppable = []string{"y", "s", "r", "t", "i", "p", "c", "a", "f", "w", "m", "u", "P"}

func encodeAsk(a Ask) string { return encode(askFields, askDroppable, &a) }

// recordFields are what must be put back, and where the run is.
var recordFields = []field[Rescue]{
	text("v", func(r *Rescue) *string { return &r.Original.Root.Volume }),
	text("d", func(r *Rescue) *string { return &r.Original.Root.Name }),
	flagged("t", func(r *Rescue) *bool { return &r.Original.Root.DeleteOnTermination }),
	text("s", func(r *Rescue) *string { return &r.Original.Instance.State }),
	flagged("p", func(r *Rescue) *bool { return &r.Original.Attributes.StopProtection }),
	{"g", func(r *Rescue) string {
		if r.Original.Group == nil {
			return ""
		}
		return r.Original.Group.Lifecycle
	}, func(r *Rescue, s string) error { r.Original.Group = &Group{Lifecycle: s}; return nil }},
	flagged("h", func(r *Rescue) *bool { return &r.Homing }),
	flagged("x", func(r *Rescue) *bool { return &r.Exposed }),
	flagged("c", func(r *Rescue) *bool { return &r.Calm }),
	flagged("y", func(r *Rescue) *bool { return &r.Forward }),
	flagged("o", func(r *Rescue) *bool { return &r.result().Good }),
	flagged("w", func(r *Rescue) *bool { return &r.result().Touched }),
	flagged("e", func(r *Rescue) *bool { return &r.NotEnabled }),
	list("u", func(r *Rescue) *[]string { return &r.result().Users }),
	text("f", func(r *Rescue) *string { return &r.Fleet }),
}

// result is that of the last attempt, made if there is none.
func (r *Rescue) result() *Result {
	if r.Result == nil {
		r.Result = &Result{}
	}
	return r.Result
}

func encodeRecord(r *Rescue) string {
	of := *r // reading makes what is not there
	return encode(recordFields, []string{"f", "u"}, &of)
}
