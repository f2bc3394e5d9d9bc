package tcpwrap

import (
	"slices"
	"strconv"
	"strings"
)

// option is one row of options.c option_table.
type option struct {
	argument argument
	last     bool
	effect   func(value string) effect
}

type argument int

const (
	forbidden argument = iota
	optional
	required
)

// effect is what an option does to the connection.
type effect int

const (
	proceed effect = iota
	admit
	refuse
	undecided
)

func harmless(string) effect { return proceed }

// number proceeds for a decimal number of at least the minimum; anything else
// makes libwrap refuse.
func number(minimum int) func(string) effect {
	return func(value string) effect {
		if n, err := strconv.Atoi(strings.TrimSpace(value)); value != "" && (err != nil || n < minimum) {
			return refuse
		}
		return proceed
	}
}

func umask(value string) effect {
	if n, err := strconv.ParseUint(value, 8, 32); err != nil || n > 0o777 {
		return refuse
	}
	return proceed
}

var options = map[string]option{
	"aclexec":   {required, false, func(string) effect { return undecided }}, // asks a program
	"user":      {required, false, func(string) effect { return undecided }}, // sshd would lose root
	"group":     {required, false, func(string) effect { return undecided }},
	"umask":     {required, false, umask},
	"linger":    {required, false, number(0)},
	"keepalive": {forbidden, false, harmless},
	"spawn":     {required, false, harmless},
	"twist":     {required, true, func(string) effect { return refuse }}, // another program takes the connection
	"rfc931":    {optional, false, number(1)},
	"setenv":    {required, false, harmless},
	"nice":      {optional, false, number(-1 << 31)},
	"severity":  {required, false, severity},
	"allow":     {forbidden, true, func(string) effect { return admit }},
	"deny":      {forbidden, true, func(string) effect { return refuse }},
	"banners":   {required, false, harmless},
}

// admits tells what a matching rule does. A faulty option refuses (options.c).
func (r rule) admits(allowTable bool) truth {
	fields := fields(r.options)
	open := false
	for i, field := range fields {
		switch run(field, i == len(fields)-1) {
		case admit:
			return decided(yes, open)
		case refuse:
			return decided(no, open)
		case undecided:
			open = true
		}
	}
	if allowTable {
		return decided(yes, open)
	}
	return decided(no, open)
}

func decided(answer truth, open bool) truth {
	if open {
		return maybe
	}
	return answer
}

func run(field string, last bool) effect {
	name, value := nameValue(field)
	o, known := options[strings.ToLower(name)]
	switch {
	case !known, value == "" && o.argument == required, value != "" && o.argument == forbidden, !last && o.last:
		return refuse
	}
	return o.effect(value)
}

// nameValue separates at blanks or one equals sign.
func nameValue(field string) (name, value string) {
	field = strings.TrimFunc(field, isSpace)
	i := strings.IndexAny(field, "= \t\r\n")
	if i < 0 {
		return field, ""
	}
	name, value = field[:i], field[i:]
	if value[0] != '=' {
		value = strings.TrimLeft(value, " \t\r\n")
	}
	if strings.HasPrefix(value, "=") {
		value = strings.TrimLeft(value[1:], " \t\r\n")
	}
	return name, value
}

func isSpace(c rune) bool { return strings.ContainsRune(" \t\r\n\v\f", c) }

// fields splits at colons; "\:" is a colon that does not split, and an empty
// last field is none (options.c get_field).
func fields(s string) []string {
	var all []string
	for s != "" {
		var field strings.Builder
		i := 0
		for ; i < len(s) && s[i] != ':'; i++ {
			if s[i] == '\\' && i+1 < len(s) && s[i+1] == ':' {
				i++
			}
			field.WriteByte(s[i])
		}
		all = append(all, field.String())
		s = s[min(i+1, len(s)):]
	}
	return all
}

func severity(value string) effect {
	levels := []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	facilities := []string{"kern", "user", "mail", "daemon", "auth", "lpr", "news", "uucp", "cron",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
	facility, level, both := strings.Cut(strings.ToLower(value), ".")
	if !both {
		facility, level = "auth", facility
	}
	if slices.Contains(facilities, facility) && slices.Contains(levels, level) {
		return proceed
	}
	return refuse
}
