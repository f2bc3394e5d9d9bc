package pam

import (
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

const maxTimeRules = 500

// timeAccount is pam_time: a rule that applies to service, terminal and user
// refuses outside its times (pam_time.c check_account). When the login will be
// is not known, so a rule decides only if it holds always or never.
func timeAccount(c *probe) outcome {
	file := c.value("conffile", "")
	if file == "" {
		file = c.configFile("time.conf")
	}
	data, err := c.v.ReadFile(file, offline.MaxConfig)
	if err != nil {
		return outcome{codes: set(success)} // the module goes on without rules
	}
	result := outcome{codes: set(success)}
	times := calendar{}
	rules := 0
	for _, l := range timeLines(string(data)) {
		fields := strings.Split(l.text, ";")
		if rules++; len(fields) != 4 || rules > maxTimeRules {
			continue
		}
		applies := logic(fields[0], matchText(c.env.Service)).and(logic(fields[1], matchText("ssh")))
		if user := strings.TrimSpace(fields[2]); strings.HasPrefix(user, "@") {
			applies = applies.and(maybe) // a netgroup
		} else {
			applies = applies.and(logic(user, matchText(c.env.User.Name)))
		}
		refused := applies.and(times.always(fields[3]).not())
		if refused == no || result.codes == set(permDenied) {
			continue
		}
		result = outcome{codes: set(success, permDenied), path: file, line: l.number, text: "pam_time admits this login at certain times only"}
		if refused == yes {
			result.codes, result.text = set(permDenied), "this rule of pam_time admits the login at no time"
		}
	}
	return result
}

// timeLines strips comments and joins lines that end in a backslash.
func timeLines(text string) []line {
	var out []line
	current, start, n := "", 0, 0
	for l := range strings.SplitSeq(text, "\n") {
		n++
		if current == "" {
			start = n
		}
		body, _, commented := strings.Cut(l, "#")
		if cut, more := strings.CutSuffix(body, `\`); more && !commented {
			current += cut
			continue
		}
		if current += body; strings.TrimSpace(current) != "" {
			out = append(out, line{text: current, number: start})
		}
		current = ""
	}
	return out
}

// term is one name of a logical field with what stands before it.
type term struct {
	word     string
	not, and bool
}

// logicTerms parses "a & !b | c"; ok is false for garbled text, which the
// module takes for false.
func logicTerms(text string) (terms []term, ok bool) {
	next, wantName := term{}, true
	for _, w := range logicWords(text) {
		switch {
		case wantName && w == "!":
			next.not = !next.not
		case wantName && w != "&" && w != "|":
			next.word = w
			terms = append(terms, next)
			wantName = false
		case !wantName && (w == "&" || w == "|"):
			next, wantName = term{and: w == "&"}, true
		default:
			return nil, false
		}
	}
	return terms, true
}

// logic evaluates a field strictly from left to right (pam_time.c logic_field).
func logic(text string, agrees func(string) bool) tri {
	terms, ok := logicTerms(text)
	left := false
	for _, t := range terms {
		if right := agrees(t.word) != t.not; t.and {
			left = left && right
		} else {
			left = left || right
		}
	}
	return truth(left && ok)
}

// logicWords are the operators and the names between them; other characters
// only separate.
func logicWords(text string) []string {
	var words []string
	for i := 0; i < len(text); i++ {
		if strings.IndexByte("&|!", text[i]) >= 0 {
			words = append(words, text[i:i+1])
			continue
		}
		j := i
		for j < len(text) && isNameByte(text[j]) {
			j++
		}
		if j > i {
			words = append(words, text[i:j])
			i = j - 1
		}
	}
	return words
}

func isNameByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte("*_-./:", c) >= 0
}

// matchText compares with a word that may hold one star (pam_time.c is_same).
func matchText(s string) func(string) bool {
	return func(word string) bool {
		head, tail, star := strings.Cut(word, "*")
		if !star {
			return word == s
		}
		return len(s) >= len(head) && strings.HasPrefix(s, head) && strings.HasSuffix(s, tail)
	}
}

const minutesOfWeek = 7 * 24 * 60

// week has a bit for every minute of a week.
type week [(minutesOfWeek + 63) / 64]uint64

// calendar remembers the weeks of the ranges it was asked for.
type calendar map[string]week

// maxRanges bounds how many different ranges a calendar works out.
const maxRanges = 1000

// always tells whether every minute of a week lies inside a time field; no when
// none does.
func (c calendar) always(field string) tri {
	terms, ok := logicTerms(field)
	if !ok {
		return no
	}
	var left week
	for _, t := range terms {
		right, known := c.rangeOf(t.word)
		if !known {
			return maybe
		}
		for i := range left {
			bits := right[i]
			if t.not {
				bits = ^bits
			}
			if t.and {
				left[i] &= bits
			} else {
				left[i] |= bits
			}
		}
	}
	inside := 0
	for minute := range minutesOfWeek {
		inside += int(left[minute/64] >> (minute % 64) & 1)
	}
	switch inside {
	case 0:
		return no
	case minutesOfWeek:
		return yes
	}
	return maybe
}

func (c calendar) rangeOf(word string) (week, bool) {
	if w, done := c[word]; done || len(c) >= maxRanges {
		return w, done
	}
	var w week
	s := parseSpan(word)
	for minute := range minutesOfWeek {
		day, ofDay := minute/(24*60), minute%(24*60)
		if s.holds(clock{1 << day, ofDay/60*100 + ofDay%60}) {
			w[minute/64] |= 1 << (minute % 64)
		}
	}
	c[word] = w
	return w, true
}

// clock is a day's bit, Sunday's first, and hour times 100 plus minute.
type clock struct{ day, time int }

var dayBits = map[string]int{"su": 1, "mo": 2, "tu": 4, "we": 8, "th": 16, "fr": 32, "sa": 64, "wk": 62, "wd": 65, "al": 127}

// span is one range of a time field.
type span struct {
	days, start, end int
	whole            bool // the hours cannot be read, which counts as all day
}

// parseSpan reads a range such as "MoTu0800-1700" (pam_time.c check_time). A
// day named twice is left out again; a range that ends before it begins runs
// into the next day; one whose days cannot be read holds nothing.
func parseSpan(word string) span {
	var s span
	for len(word) >= 2 && word[0] > '9' {
		bit, known := dayBits[strings.ToLower(word[:2])]
		if !known {
			return span{}
		}
		s.days ^= bit
		word = word[2:]
	}
	if n, err := fmt.Sscanf(word, "%4d-%4d", &s.start, &s.end); err != nil || n != 2 || len(word)-strings.IndexByte(word, '-') != 5 {
		s.whole = s.days != 0
	}
	return s
}

func (s span) holds(c clock) bool {
	today, next := s.days&c.day != 0, (s.days<<1|s.days>>6&1)&c.day != 0
	switch {
	case s.whole:
		return true
	case s.start < s.end:
		return today && c.time >= s.start && c.time < s.end
	}
	return today && c.time >= s.start || next && c.time <= s.end
}
