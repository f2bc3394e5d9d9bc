// Package conf reads sshd's configuration exactly as sshd reads it, from a
// volume that is not running: which unit starts the daemon and with which
// options, which version it is, what its files say with Include and Match, what
// the effective values are for one connection, and whether sshd would start.
//
// It runs nothing and asks nothing of the helper: it imports neither os/exec
// nor net nor os/user and reaches the tree through offline.Volume alone. What
// cannot be known without the running machine (the client's address, a name in
// DNS) gives several possible answers instead of a guess. It knows nothing of
// keys, accounts' passwords or PAM; offline/sshd composes the verdict.
package conf

// Tri is an answer that offline may be open.
type Tri int

// The three answers.
const (
	No Tri = iota
	Yes
	Maybe
)

// String is no, yes or maybe.
func (t Tri) String() string { return [...]string{"no", "yes", "maybe"}[t] }

func triOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// The places a value comes from.
const (
	FromFile         = "file"
	FromCommandLine  = "command line"
	FromDefault      = "default"
	FromCryptoPolicy = "crypto policy"
)

// Value is one setting as sshd took it.
type Value struct {
	Text   string   // the arguments joined by single spaces, in sshd's canonical spelling
	Args   []string // the arguments, quotes and escapes removed
	Path   string   // the file as sshd opened it; a unit's path for the command line
	Line   int      // from 1; 0 for defaults and the command line
	Origin string   // one of the From constants
}

// Problem is what sshd would complain about, or what cannot be decided here.
type Problem struct {
	Path    string
	Line    int
	Text    string
	Fatal   bool // sshd would not start
	Unknown bool // cannot be decided offline; Text says why
}

// Setting is one -o option of sshd's command line.
type Setting struct {
	Text   string // as sshd gets it: Keyword=value
	Path   string // the unit or environment file it stands in
	Line   int
	Origin string // FromCommandLine when empty
}
