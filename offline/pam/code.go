package pam

import "math/bits"

// code is a PAM return code by its number (Linux-PAM: _pam_types.h).
type code uint8

const (
	success         code = 0
	symbolErr       code = 2
	serviceErr      code = 3
	systemErr       code = 4
	permDenied      code = 6
	authErr         code = 7
	authinfoUnavail code = 9
	userUnknown     code = 10
	newAuthtokReqd  code = 12
	acctExpired     code = 13
	sessionErr      code = 14
	ignore          code = 25
	abort           code = 26
	authtokExpired  code = 27
	moduleUnknown   code = 28
	numCodes             = 32

	// mustFail is what libpam returns for a line that it cannot use.
	mustFail = permDenied
)

// codeNames are the words of a control field, in the order in which libpam
// tries them; the last one stands for every code not named.
var codeNames = [numCodes + 1]string{
	"success", "open_err", "symbol_err", "service_err", "system_err", "buf_err", "perm_denied", "auth_err",
	"cred_insufficient", "authinfo_unavail", "user_unknown", "maxtries", "new_authtok_reqd", "acct_expired",
	"session_err", "cred_unavail", "cred_expired", "cred_err", "no_module_data", "conv_err", "authtok_err",
	"authtok_recover_err", "authtok_lock_busy", "authtok_disable_aging", "try_again", "ignore", "abort",
	"authtok_expired", "module_unknown", "bad_item", "conv_again", "incomplete", "default",
}

// codeSet is the codes that a module may return.
type codeSet uint32

// anyCode is what an unknown module may answer. It leaves out incomplete, which
// belongs to conversations, and new_authtok_reqd, which only a module that
// keeps passwords has reason to return: with it even an optional module would
// stop a login.
const anyCode = codeSet(1<<31-1) &^ (1 << newAuthtokReqd)

func set(codes ...code) codeSet {
	var s codeSet
	for _, c := range codes {
		s |= 1 << c
	}
	return s
}

func (s codeSet) has(c code) bool { return s&(1<<c) != 0 }
func (s codeSet) one() bool       { return bits.OnesCount32(uint32(s)) == 1 }
func (s codeSet) first() code     { return code(bits.TrailingZeros32(uint32(s))) }

func (s codeSet) each(f func(code)) {
	for rest := s; rest != 0; rest &= rest - 1 {
		f(rest.first())
	}
}

// reduce leaves one code of those failures that a control treats alike, for
// which failure it is does not matter to the login. A single code stays.
func (s codeSet) reduce(on control) codeSet {
	out, seen := s&set(success, ignore, newAuthtokReqd), map[action]bool{}
	(s &^ out).each(func(c code) {
		if !seen[on[c]] {
			seen[on[c]] = true
			out |= set(c)
		}
	})
	return out
}
