// Package tcpwrap tells what libwrap makes of /etc/hosts.allow and
// /etc/hosts.deny for a daemon whose client is not known: everybody is let in,
// nobody is, or it depends on who asks. It also tells whether a binary is linked
// against libwrap at all.
//
// The rules are those of libwrap with PROCESS_OPTIONS, as Debian and Red Hat
// build it (hosts_access(5), hosts_options(5)). Nothing is run, resolved or
// dialled: a rule about names or addresses stays an open question.
package tcpwrap

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/seed-77750964/regain/offline"
)

// The tables, in the order in which libwrap asks them.
const (
	AllowTable = "/etc/hosts.allow"
	DenyTable  = "/etc/hosts.deny"
)

// Result is libwrap's answer. Path and Line name the rule behind it; both are
// zero when no rule concerns the daemon.
type Result struct {
	Answer offline.Answer
	Path   string
	Line   int
	Text   string
}

// Evaluate reads both tables of the volume and answers for the daemon, under the
// name with which it asks libwrap ("sshd"). A table that cannot be read makes
// the answer Unknown.
func Evaluate(v *offline.Volume, daemon string) Result {
	e := evaluation{daemon: daemon, read: func(path string) ([]byte, error) { return v.ReadFile(path, offline.MaxConfig) }}
	return e.run()
}

// evaluation follows every way in which the open questions may turn out, and
// keeps the first rule behind each outcome.
type evaluation struct {
	daemon   string
	read     func(path string) ([]byte, error)
	accepted *Result
	refused  *Result
	doubt    *Result
}

func (e *evaluation) run() Result {
	for _, table := range []string{AllowTable, DenyTable} {
		if e.table(table) {
			return e.conclude()
		}
	}
	e.note(yes, Result{Text: "no rule of " + AllowTable + " or " + DenyTable + " refuses " + e.daemon})
	return e.conclude()
}

// table walks one file; true means that some rule certainly ends the search.
func (e *evaluation) table(path string) bool {
	data, err := e.read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		e.note(maybe, Result{Path: path, Text: err.Error()})
		return false
	}
	rules, broken := parse(data)
	for _, r := range rules {
		matched := r.matches(e)
		if matched == no {
			continue
		}
		admits := r.admits(path == AllowTable)
		e.note(admits, Result{Path: path, Line: r.line, Text: describe(admits, matched, r)})
		if matched == yes {
			return true
		}
	}
	if broken > 0 && path == DenyTable {
		text := "refuses every client, since the line is too long or has no newline at its end"
		e.note(no, Result{Path: path, Line: broken, Text: text})
		return true
	}
	return false // libwrap leaves a broken table of permissions for the other one
}

func describe(admits, matched truth, r rule) string {
	verb := map[truth]string{yes: "admits", no: "refuses", maybe: "may refuse"}[admits]
	whom := "every client"
	if matched == maybe {
		whom = fmt.Sprintf("clients that match %q", r.clients)
	}
	return verb + " " + whom
}

func (e *evaluation) note(admits truth, r Result) {
	at := map[truth]**Result{yes: &e.accepted, no: &e.refused, maybe: &e.doubt}[admits]
	if *at == nil {
		*at = &r
	}
}

func (e *evaluation) conclude() Result {
	var r Result
	switch {
	case e.doubt != nil:
		r, r.Answer = *e.doubt, offline.Unknown
	case e.refused == nil:
		r, r.Answer = *e.accepted, offline.Accepted
	case e.accepted == nil:
		r, r.Answer = *e.refused, offline.Denied
	default:
		r, r.Answer = *e.refused, offline.Unknown
	}
	return r
}
