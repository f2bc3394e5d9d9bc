package newpassword

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha1" // what .NET of all versions has: a check against accidents, and inside OAEP
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Status is how the script ended.
type Status string

// What a script can report.
const (
	Sealed           Status = "sealed"            // the password is set, and the account can log in
	Disabled         Status = "disabled"          // the password is set, but the account could not be enabled
	DomainController Status = "domain-controller" // nothing was done: there are no local accounts
	Failed           Status = "failed"            // nothing was done
)

// A Block is what the script has written to the console.
type Block struct {
	Run     string
	Attempt string
	Status  Status
	Cipher  []byte // of Sealed and Disabled
	Cause   string // of Failed: the stage, the kind of the error and its code
}

// The errors of a console's output.
var (
	ErrNoBlock = errors.New("the start-up script has not written to the console")
	ErrTorn    = errors.New("no block of the start-up script is whole on the console")
)

const (
	maxConsole = 1 << 20 // EC2 keeps 64 KiB
	maxLines   = 32      // of a block: 4096 bits need 15
)

// A part is one line of a block.
type part struct {
	attempt string
	status  Status
	n       int
	count   int
	data    string
}

// ParseBlock finds the newest whole block of a run in a console's output. It may be torn, wrapped and mixed with what others
// have written: the script writes it twice. Without a run it is that of whose block the last line is.
func ParseBlock(console []byte, run string) (Block, error) {
	if run == "" {
		if run = lastRun(console); run == "" {
			return Block{}, ErrNoBlock
		}
	}
	if !runID.MatchString(run) {
		return Block{}, fmt.Errorf("cannot look for a block: %q is not the id of a run", run)
	}
	parts := findParts(console, run)
	if len(parts) == 0 {
		return Block{}, ErrNoBlock
	}
	var looked []string
	for _, newest := range slices.Backward(parts) {
		if slices.Contains(looked, newest.attempt) {
			continue
		}
		looked = append(looked, newest.attempt)
		if b, ok := assemble(parts, newest); ok {
			b.Run = run
			return b, nil
		}
	}
	return Block{}, ErrTorn
}

var anyRun = regexp.MustCompile(`<regain1:([0-9A-Za-z][0-9A-Za-z-]{0,63}):[0-9a-f]{8}:`)

func lastRun(console []byte) string {
	found := anyRun.FindAllStringSubmatch(dense(console), -1)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1][1]
}

// dense is what is left of a console's output without white space.
func dense(console []byte) string {
	if len(console) > maxConsole {
		console = console[len(console)-maxConsole:]
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7F {
			return -1
		}
		return r
	}, string(console))
}

// findParts are the sound lines, in the order of the console.
func findParts(console []byte, run string) []part {
	text := dense(console)
	lines := regexp.MustCompile(`<(regain1:` + run + `:([0-9a-f]{8}):(sealed|disabled|domain-controller|failed):([0-9]{1,2}):([0-9]{1,2}):([0-9A-Za-z+/=.-]{1,48}):)([0-9a-f]{8})>`)
	var parts []part
	for _, m := range lines.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[4])
		count, _ := strconv.Atoi(m[5])
		if m[7] == check(m[1]) && 1 <= n && n <= count && count <= maxLines {
			parts = append(parts, part{m[2], Status(m[3]), n, count, m[6]})
		}
	}
	return parts
}

func check(head string) string {
	sum := sha1.Sum([]byte(head))
	return hex.EncodeToString(sum[:4])
}

// assemble puts the lines of one attempt together. Of the same line twice, the later counts.
func assemble(parts []part, newest part) (Block, bool) {
	data := make([]string, newest.count)
	for _, p := range parts {
		if p.attempt == newest.attempt && p.status == newest.status && p.count == newest.count {
			data[p.n-1] = p.data
		}
	}
	if slices.Contains(data, "") {
		return Block{}, false
	}
	b := Block{Attempt: newest.attempt, Status: newest.status}
	switch whole := strings.Join(data, ""); b.Status {
	case Sealed, Disabled:
		var err error
		b.Cipher, err = base64.StdEncoding.DecodeString(whole)
		return b, err == nil
	case Failed:
		b.Cause = whole
	}
	return b, true
}

// A Login is what the operator gets back. It prints without the password.
type Login struct {
	User     string
	Password string
}

// String leaves the password out.
func (l Login) String() string { return l.User + ":(not shown)" }

// GoString leaves the password out.
func (l Login) GoString() string { return l.String() }

// Open decrypts a block.
func Open(b Block, key *rsa.PrivateKey) (Login, error) {
	switch {
	case b.Status != Sealed && b.Status != Disabled:
		return Login{}, fmt.Errorf("cannot open the block: the script ended with %q", b.Status)
	case key == nil:
		return Login{}, errors.New("cannot open the block: no RSA key")
	case len(b.Cipher) != key.Size():
		return Login{}, fmt.Errorf("cannot open the block: it is encrypted to a key of %d bits, and this one has %d", 8*len(b.Cipher), 8*key.Size())
	}
	plain, err := rsa.DecryptOAEP(sha1.New(), nil, key, b.Cipher, nil)
	if err != nil {
		return Login{}, errors.New("cannot open the block: it is encrypted to another key")
	}
	defer clear(plain)
	fields := bytes.Split(plain, []byte{0})
	if len(fields) != 3 || string(fields[0]) != b.Run {
		return Login{}, errors.New("cannot open the block: it is not of this run")
	}
	l := Login{User: string(fields[1]), Password: string(fields[2])}
	if l.User == "" || l.Password == "" || !utf8.Valid(plain) {
		return Login{}, errors.New("cannot open the block: it holds no login")
	}
	return l, nil
}
