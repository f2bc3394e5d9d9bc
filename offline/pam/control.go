package pam

import (
	"errors"
	"strings"
)

// action is what libpam does with a return code; a positive one skips so many
// modules (Linux-PAM: pam_private.h).
type action int

const (
	actIgnore action = 0
	actOK     action = -1
	actDone   action = -2
	actBad    action = -3
	actDie    action = -4
	actReset  action = -5
	actUnset  action = -6
)

var actionNames = []string{"ignore", "ok", "done", "bad", "die", "reset"}

// maxJump keeps a hostile number within bounds; no stack is as long.
const maxJump = 1 << 20

// control is the action for every return code.
type control [numCodes]action

var errControl = errors.New("the control field is malformed")

// keywordControl is the control of the classic keywords; false for others.
func keywordControl(word string) (control, bool) {
	ok, bad := actOK, actBad
	switch strings.ToLower(word) {
	case "required":
	case "requisite":
		bad = actDie
	case "optional":
		bad = actIgnore
	case "sufficient":
		ok, bad = actDone, actIgnore
	default:
		return control{}, false
	}
	c := filled(bad)
	c[success], c[newAuthtokReqd] = ok, ok
	c[ignore] = actIgnore
	return c, true
}

func filled(a action) control {
	var c control
	for i := range c {
		c[i] = a
	}
	return c
}

// parseControl reads "code=action …", the content of a bracketed field. A
// malformed one is an error and all codes are bad, as in libpam.
func parseControl(text string) (control, error) {
	c := filled(actUnset)
	for {
		text = skipSpace(text)
		if text == "" {
			break
		}
		code, rest, ok := matchWord(text, codeNames[:])
		if rest = skipSpace(rest); !ok || !strings.HasPrefix(rest, "=") {
			return filled(actBad), errControl
		}
		act, rest, ok := parseAction(skipSpace(rest[1:]))
		if !ok {
			return filled(actBad), errControl
		}
		text = rest
		if code < numCodes {
			c[code] = act
			continue
		}
		c.fill(act)
	}
	c.fill(actBad)
	return c, nil
}

// fill gives an action to the codes that have none yet.
func (c *control) fill(a action) {
	for i := range c {
		if c[i] == actUnset {
			c[i] = a
		}
	}
}

func parseAction(text string) (action, string, bool) {
	if i, rest, ok := matchWord(text, actionNames); ok {
		return action(-i), rest, true
	}
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	jump := action(0)
	for _, d := range text[:n] {
		jump = min(jump*10+action(d-'0'), maxJump)
	}
	return jump, text[n:], jump > 0
}

// matchWord compares beginnings, the first word of the list first, as libpam does.
func matchWord(text string, words []string) (int, string, bool) {
	for i, w := range words {
		if rest, ok := strings.CutPrefix(text, w); ok {
			return i, rest, true
		}
	}
	return 0, text, false
}

func skipSpace(s string) string { return strings.TrimLeft(s, " \t\n\v\f\r") }
