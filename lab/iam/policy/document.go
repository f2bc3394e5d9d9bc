// Package policy evaluates IAM policies as the IAM User Guide's evaluation logic
// says: an explicit deny wins, an allow is needed, and everything else is denied.
//
// It knows identity policies and trust policies of one account. It keeps nothing,
// looks nothing up, and refuses what it does not know, such as a condition operator,
// rather than to pass over it.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Document is a policy.
type Document struct {
	Version   string
	ID        string `json:"Id"`
	Statement statements
}

// A Statement allows or denies.
type Statement struct {
	Sid          string
	Effect       string // Allow or Deny
	Principal    principal
	Action       words
	NotAction    words
	Resource     words
	NotResource  words
	Condition    map[string]map[string]words // by operator and key
	hasVariables bool                        // the version knows ${…}
}

// words is a JSON string, or an array of them; booleans and numbers are taken as
// they are written.
type words []string

func (w *words) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	var values []any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		return err
	}
	for _, value := range values {
		switch value := value.(type) {
		case string:
			*w = append(*w, value)
		case bool, json.Number:
			*w = append(*w, fmt.Sprint(value))
		default:
			return fmt.Errorf("%v is no string", value)
		}
	}
	return nil
}

// statements is a statement, or an array of them.
type statements []Statement

func (s *statements) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	var list []Statement
	if err := strict(data, &list); err != nil {
		return err
	}
	*s = list
	return nil
}

// principal is "*", or lists by kind: AWS, Service.
type principal map[string]words

func (p *principal) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte(`"*"`)) {
		*p = principal{"AWS": {"*"}}
		return nil
	}
	var byKind map[string]words
	if err := json.Unmarshal(data, &byKind); err != nil {
		return err
	}
	*p = byKind
	return nil
}

// Parse reads an identity policy.
func Parse(data []byte) (*Document, error) { return parse(data, false) }

// ParseTrust reads the trust policy of a role: it names principals in place of
// resources.
func ParseTrust(data []byte) (*Document, error) { return parse(data, true) }

func parse(data []byte, trust bool) (*Document, error) {
	var d Document
	if err := strict(data, &d); err != nil {
		return nil, fmt.Errorf("cannot read policy: %w", err)
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return nil, fmt.Errorf("cannot read policy: its version %q is unknown", d.Version)
	}
	if len(d.Statement) == 0 {
		return nil, errors.New("cannot read policy: it has no statement")
	}
	for i := range d.Statement {
		s := &d.Statement[i]
		s.hasVariables = d.Version == "2012-10-17"
		if err := s.check(trust); err != nil {
			return nil, fmt.Errorf("cannot read policy: statement %d (%s): %w", i+1, s.Sid, err)
		}
	}
	return &d, nil
}

func (s *Statement) check(trust bool) error {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return fmt.Errorf("effect %q is neither Allow nor Deny", s.Effect)
	case (len(s.Action) > 0) == (len(s.NotAction) > 0):
		return errors.New("one of Action and NotAction is wanted")
	case trust && (len(s.Principal) == 0 || len(s.Resource)+len(s.NotResource) > 0):
		return errors.New("a trust policy has principals and no resources")
	case !trust && (len(s.Principal) > 0 || (len(s.Resource) > 0) == (len(s.NotResource) > 0)):
		return errors.New("one of Resource and NotResource is wanted, and no Principal")
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if action != "*" && !strings.Contains(action, ":") {
			return fmt.Errorf("action %q has no service", action)
		}
	}
	for name := range s.Condition {
		if _, err := operatorNamed(name); err != nil {
			return err
		}
	}
	return nil
}

func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("something follows the document")
	}
	return nil
}
