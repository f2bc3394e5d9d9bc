package agentconf

import (
	"encoding/json"
	"strings"
)

const launchConfig = "LaunchConfig.json"

// The keys of LaunchConfig.json that matter; their case does not.
const (
	keyType     = "adminPasswordType"
	keyUserData = "handleUserData"
	keyRename   = "setComputerName"
)

// EditLaunchConfig sets adminPasswordType to Random in LaunchConfig.json, or adds it
// behind the last member. That alone arms EC2Launch v1 only where its task runs at
// every start; the task is another package's business.
func EditLaunchConfig(data []byte) (Edit, error) {
	t, err := decode(launchConfig, data)
	if err != nil {
		return Edit{}, err
	}
	members, err := readMembers(t)
	if err != nil {
		return Edit{}, err
	}
	edit, err := randomType(t, members)
	if err != nil {
		return Edit{}, err
	}
	edit.Notes = append(edit.Notes, t.encodingNotes()...)
	edit.UserData = true // the agent's default
	for _, m := range members {
		switch {
		case m.is(keyUserData) && m.value == false:
			edit.UserData = false
		case m.is(keyRename) && m.value == true:
			edit.Notes = append(edit.Notes, "setComputerName is true: the run renames the computer and restarts it")
		}
	}
	if edit.UserData {
		edit.Notes = append(edit.Notes, "handleUserData is not false: user data runs again")
	}
	return edit, nil
}

// randomType is the edit of the one token.
func randomType(t text, members []member) (Edit, error) {
	for _, m := range members {
		if !m.is(keyType) {
			continue
		}
		kind, ok := m.value.(string)
		switch {
		case !ok:
			return Edit{}, &Refusal{
				File: launchConfig, Code: NotAString, Line: t.line(m.key), Why: "adminPasswordType is not a string",
				Hint: "set it to Random, Specify or DoNothing by hand",
			}
		case strings.EqualFold(kind, "Random"):
			return t.unchanged(), nil
		}
		edit := t.splice(m.from, m.to, `"Random"`)
		if strings.EqualFold(kind, "Specify") {
			edit.Notes = []string{"adminPassword stays in the file; with Random the agent does not use it"}
		}
		return edit, nil
	}
	return insertType(t, members), nil
}

// insertType writes the member as its neighbour is written: the same white space
// before and within it, camelCase or PascalCase.
func insertType(t text, members []member) Edit {
	if len(members) == 0 {
		at := strings.IndexByte(t.s, '{') + 1
		return t.splice(at, at, `"`+keyType+`": "Random"`)
	}
	last := members[len(members)-1]
	indent := t.s[1+strings.LastIndexAny(t.s[:last.key], "{,") : last.key]
	name := keyType
	if last.name != "" && last.name[0] >= 'A' && last.name[0] <= 'Z' {
		name = "AdminPasswordType"
	}
	colon := t.s[last.keyEnd:last.from]
	edit := t.splice(last.to, last.to, ","+indent+`"`+name+`"`+colon+`"Random"`)
	edit.Notes = []string{"adminPasswordType was not in the file and is added"}
	return edit
}

// A member of the top object. Its places are offsets in the text.
type member struct {
	name        string
	key, keyEnd int // the name with its quotes
	from, to    int // the value
	value       any // of a bool or string; else nil or a json.Delim or json.Number
}

func (m member) is(name string) bool { return strings.EqualFold(m.name, name) }

// readMembers reads the one object that the file must be. Names that differ only in
// case make ConvertFrom-Json fail, and with it the agent's reading of its settings.
func readMembers(t text) ([]member, error) {
	malformed := func(line int, why string) error {
		return &Refusal{
			File: launchConfig, Code: Malformed, Line: line, Why: why,
			Hint: "EC2Launch takes its defaults in place of a file that it cannot read: a random password, and user data runs again. Repair the file, or remove it, to have it so",
		}
	}
	if !strings.HasPrefix(strings.TrimLeft(t.s, " \t\r\n"), "{") || !json.Valid([]byte(t.s)) {
		return nil, malformed(0, "not a JSON object")
	}
	d := json.NewDecoder(strings.NewReader(t.s))
	d.UseNumber() // numbers out of range are none of our business
	if _, err := d.Token(); err != nil {
		return nil, malformed(0, "not a JSON object")
	}
	seen := map[string]bool{}
	var members []member
	for d.More() {
		m, err := readMember(t, d)
		if err != nil {
			return nil, malformed(t.line(int(d.InputOffset())), "not JSON")
		}
		if low := strings.ToLower(m.name); seen[low] {
			return nil, &Refusal{
				File: launchConfig, Code: KeyTwice, Line: t.line(m.key), Why: "the key " + shown(m.name) + " stands twice, if only in another case",
				Hint: "PowerShell does not read such a file, and the agent takes its defaults; remove one of the two",
			}
		} else {
			seen[low] = true
		}
		members = append(members, m)
	}
	return members, nil
}

func readMember(t text, d *json.Decoder) (member, error) {
	var m member
	key, start, err := nextToken(t, d)
	if err != nil {
		return m, err
	}
	m.name, _ = key.(string) // More was true, and the text is valid: a name
	m.key, m.keyEnd = start, int(d.InputOffset())
	m.value, m.from, err = nextToken(t, d)
	for depth := nesting(m.value); depth > 0 && err == nil; {
		var inner json.Token
		inner, err = d.Token()
		depth += nesting(inner)
	}
	m.to = int(d.InputOffset())
	return m, err
}

// nextToken tells where a token begins: behind white space and what separates it
// from the one before.
func nextToken(t text, d *json.Decoder) (json.Token, int, error) {
	at := int(d.InputOffset())
	at += len(t.s[at:]) - len(strings.TrimLeft(t.s[at:], " \t\r\n,:"))
	token, err := d.Token()
	return token, at, err
}

func nesting(token json.Token) int {
	switch token {
	case json.Delim('{'), json.Delim('['):
		return 1
	case json.Delim('}'), json.Delim(']'):
		return -1
	}
	return 0
}
