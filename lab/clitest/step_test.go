package clitest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A step is one call and what is wanted of its answer. Texts of the parameters and of
// the wants may hold {names} of what steps before have kept.
type step struct {
	call   string // service Action
	params object
	fault  string         // the error code that is wanted
	want   map[string]any // by path; a text that begins with ~ is a regular expression
	keep   map[string]string
	until  bool // call again until the answer is as wanted
}

// patience is how long a step with until is repeated.
const patience = time.Minute

type story struct {
	*client
	kept map[string]string
	t    *testing.T
}

// tell carries the steps out, one after the other.
func (s *story) tell(steps []step) {
	s.t.Helper()
	for i, one := range steps {
		began := time.Now()
		for {
			complaint := s.try(one)
			if complaint == "" {
				break
			}
			if !one.until || time.Since(began) > patience {
				s.t.Fatalf("step %d, %s: %s", i, one.call, complaint)
			}
			<-time.After(20 * time.Millisecond)
		}
	}
}

// try makes the call once, and says what is not as wanted.
func (s *story) try(one step) string {
	s.t.Helper()
	service, action, _ := strings.Cut(one.call, " ")
	params := one.params
	if params == nil {
		params = object{}
	}
	got := s.call(s.t, service, action, s.fill(params))
	if got.Error != one.fault {
		return fmt.Sprintf("fault %q (%s), want %q; answer %v", got.Error, got.Message, one.fault, got.Answer)
	}
	if one.fault == "" {
		s.calls[service+" "+action] = true
	}
	for path, want := range one.want {
		if have := at(got.Answer, path); !matches(have, s.fill(want)) {
			text, _ := json.Marshal(got.Answer)
			return fmt.Sprintf("%s is %v, want %v; answer %s", path, have, want, text)
		}
	}
	for name, path := range one.keep {
		have := at(got.Answer, path)
		if have == nil {
			text, _ := json.Marshal(got.Answer)
			return fmt.Sprintf("%s is not there; answer %s", path, text)
		}
		s.kept[name] = fmt.Sprint(have)
	}
	return ""
}

// fill puts what was kept into texts.
func (s *story) fill(value any) any {
	switch v := value.(type) {
	case string:
		for name, kept := range s.kept {
			v = strings.ReplaceAll(v, "{"+name+"}", kept)
		}
		return v
	case object:
		filled := object{}
		for k, one := range v {
			filled[k] = s.fill(one)
		}
		return filled
	case []object:
		var filled []any
		for _, one := range v {
			filled = append(filled, s.fill(one))
		}
		return filled
	case []string:
		filled := []any{}
		for _, one := range v {
			filled = append(filled, s.fill(one))
		}
		return filled
	}
	return value
}

// at is what a path of names and indexes leads to, as jq would say without dots at the
// beginning; # is the length of a list.
func at(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			switch {
			case name == "#":
				value = float64(len(v))
			case err != nil || i >= len(v):
				return nil
			default:
				value = v[i]
			}
		default:
			return nil
		}
	}
	return value
}

func matches(have, want any) bool {
	text, isText := want.(string)
	pattern, isPattern := strings.CutPrefix(text, "~")
	switch {
	case isText && isPattern:
		return have != nil && regexp.MustCompile(pattern).MatchString(fmt.Sprint(have))
	case want == nil:
		return have == nil
	}
	return fmt.Sprint(have) == fmt.Sprint(want)
}

func TestAt(t *testing.T) {
	var value any
	if err := json.Unmarshal([]byte(`{"a": [{"b": 1}, {"b": "x"}]}`), &value); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]any{"a.0.b": 1, "a.1.b": "~^x$", "a.#": 2, "a.2.b": nil, "c.d": nil} {
		if have := at(value, path); !matches(have, want) {
			t.Errorf("%s: %v, want %v", path, have, want)
		}
	}
	if matches("y", "~x") || matches(nil, "x") || matches(nil, "~.") {
		t.Error("a want is met by what it does not mean")
	}
}
