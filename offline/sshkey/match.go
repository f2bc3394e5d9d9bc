package sshkey

import (
	"fmt"
	"net/netip"
	"time"
)

// MatchContext is what the answer depends on besides the file.
type MatchContext struct {
	Now      time.Time      // when the login will happen
	Location *time.Location // the machine's time zone; nil when unknown
	Address  netip.Addr     // the client's address; the zero value when unknown
	Host     string         // the client's name as sshd sees it: with UseDNS no, the address; empty when unknown
	Version  Version        // the sshd that will read the file; zero when unknown
}

// Verdict is the answer of Match.
type Verdict int

// The verdicts. Unknown means that it depends on something that cannot be known offline.
const (
	NotFound Verdict = iota
	Unknown
	Accepted
)

// String returns the lower-case name of the verdict.
func (v Verdict) String() string { return [...]string{"not found", "unknown", "accepted"}[v] }

// Reason says why a line that holds the key is passed over, or why it may be.
type Reason struct {
	Line int
	Text string
}

// Candidate is a line before the accepting one that wins instead if something unknown turns out so.
type Candidate struct {
	Reason
	Grants Grants
}

// Outcome says which line sshd acts on for a key.
type Outcome struct {
	Verdict Verdict
	Line    int    // the accepting line, or for Unknown the first line that may accept; 0 when not found
	Grants  Grants // what that line allows; see Grants.HasForced for a login that runs a command instead of a shell
	Maybe   []Candidate
	Skipped []Reason // lines with this key that sshd passes over, in order
}

// Match walks the file as sshd does and returns the first line that admits the key (auth2-pubkeyfile.c
// auth_check_authkeys_file). It judges the file only: whether the key type is allowed, and whether the file may be read at
// all, is decided elsewhere. Option rules are those of OpenSSH 7.7 and later.
func (f File) Match(key Public, ctx MatchContext) Outcome {
	var out Outcome
	for _, l := range f.Lines {
		if l.Kind != Key || !l.Key.Equal(key) {
			continue
		}
		answer, text := l.admits(ctx)
		switch answer {
		case no:
			out.Skipped = append(out.Skipped, Reason{l.Number, text})
		case unknown:
			out.Maybe = append(out.Maybe, Candidate{Reason{l.Number, text}, l.grants.Grants})
		case yes:
			out.Verdict, out.Line, out.Grants = Accepted, l.Number, l.grants.Grants
			return out
		}
	}
	if f.overflow {
		out.Maybe = append(out.Maybe, Candidate{Reason{len(f.Lines), problemOverflow}, Grants{}})
	}
	if len(out.Maybe) > 0 {
		out.Verdict, out.Line, out.Grants = Unknown, out.Maybe[0].Line, out.Maybe[0].Grants
	}
	return out
}

// admits evaluates the options of a line that holds the key, in the order of auth_authorise_keyopts.
func (l Line) admits(ctx MatchContext) (truth, string) {
	g := l.grants
	switch {
	case l.Key.IsCertificate():
		return no, "a certificate is not a plain key"
	case l.optionError != "":
		return no, l.optionError
	case ctx.Version != Version{} && ctx.Version.Before(g.needs):
		return no, fmt.Sprintf("an option on the line needs OpenSSH %d.%d", g.needs.Major, g.needs.Minor)
	case g.certAuthority:
		return no, "cert-authority makes it a signing key, not a login key"
	}
	expired, text := g.expired(ctx)
	if expired == yes {
		return no, text
	}
	for _, o := range g.Others {
		if len(o) > 11 && o[:11] == "principals=" {
			return no, "principals= on a line without cert-authority"
		}
	}
	return g.reachable(ctx, expired, text)
}

func (g grants) expired(ctx MatchContext) (truth, string) {
	worst, text := no, ""
	for _, o := range g.expiry {
		e, _ := parseExpiry(string(o.Value))
		if t := e.passed(ctx.Now, ctx.Location); t > worst {
			worst = t
			text = map[truth]string{
				yes:     fmt.Sprintf("the key expired at %s", o.Value),
				unknown: fmt.Sprintf("whether the key expired at %s depends on the machine's time zone", o.Value),
			}[t]
		}
	}
	return worst, text
}

func (g grants) reachable(ctx MatchContext, expired truth, text string) (truth, string) {
	if g.from != nil {
		switch t, invalid := matchFrom(*g.from, ctx.Address, ctx.Host); {
		case invalid:
			return no, "from= has an invalid entry, so sshd refuses everybody: " + quote(*g.from)
		case t == no:
			return no, "from= does not admit this address: " + quote(*g.from)
		case t == unknown:
			return unknown, "from= restricts the source address: " + quote(*g.from)
		}
	}
	switch {
	case expired == unknown:
		return unknown, text
	case len(g.unknown) > 0:
		return unknown, g.unknown[0]
	}
	return yes, ""
}
