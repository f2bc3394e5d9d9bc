package account

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// addShadow takes nine fields, the eight that glibc also accepts, and the five of the format before ageing.
func (db *DB) addShadow(e entry) {
	f := e.fields
	switch n := len(f); {
	case n == 5, n == 8 && f[7] != "":
	case !db.wantFields(e, 9):
		return
	}
	s := Shadow{Name: f[0], Password: f[1], LastChange: -1, Min: -1, Max: -1, Warn: -1, Inactive: -1, Expire: -1, Line: e.line}
	for i, to := range []*int64{&s.LastChange, &s.Min, &s.Max, &s.Warn, &s.Inactive, &s.Expire} {
		if i+2 >= len(f) {
			break
		}
		n, err := days(f[i+2])
		if err != nil {
			db.report(e, true, fmt.Sprintf("field %d %v", i+3, err))
			return
		}
		*to = n
	}
	if _, err := strconv.ParseUint(f[len(f)-1], 10, 32); len(f) == 9 && f[8] != "" && err != nil {
		db.report(e, true, fmt.Sprintf("field 9 is not a number: %.40q", f[8])) // a carriage return at the end, for one
		return
	}
	if !db.fresh(e) {
		return
	}
	db.shadowByName[s.Name] = len(db.shadows)
	db.shadows = append(db.shadows, s)
}

// days parses a number of days; an empty field means that there is none. A written -1 costs glibc 2.36 the whole line.
func days(s string) (int64, error) {
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || strings.ContainsAny(s, "+-") {
		return 0, fmt.Errorf("is not a number of days: %.40q", s)
	}
	return n, nil
}

// PAMResult is what pam_unix answers in its account step.
type PAMResult int

// The results, named as in Linux-PAM.
const (
	PAMSuccess         PAMResult = iota
	PAMAcctExpired               // refused
	PAMAuthtokExpired            // refused: the password aged out and the time to change it is over
	PAMNewAuthtokReqd            // sshd lets the key in and then insists on a new password; without a terminal the session ends
	PAMAuthinfoUnavail           // refused: the password stands in shadow, but shadow has no line for the user
)

// String returns Linux-PAM's name of the result.
func (r PAMResult) String() string {
	return [...]string{"PAM_SUCCESS", "PAM_ACCT_EXPIRED", "PAM_AUTHTOK_EXPIRED", "PAM_NEW_AUTHTOK_REQD", "PAM_AUTHINFO_UNAVAIL"}[r]
}

// AccountState says what the account fields mean for a login with a key on a given day.
type AccountState struct {
	Locked   bool // the password field begins with "!"
	Disabled bool // no password can match: it begins with "!" or "*"
	Empty    bool // the password is empty
	PAM      PAMResult
	Text     string // why PAM is not PAMSuccess, or what is about to happen
	Edge     bool   // today is the very day on which PAM before 1.6 and since 1.6 answer differently
	NoPAM    NoPAM
}

// NoPAM is sshd's own answer when UsePAM is no.
type NoPAM struct {
	Refused bool // for logins with a key
	Text    string
}

// State judges the entry on a day counted from 1970-01-01 (UTC). PAM follows Linux-PAM 1.6 and later (pam_unix
// passverify.c check_shadow_expiry); NoPAM follows sshd (platform.c platform_locked_account for the lock, auth-shadow.c
// auth_shadow_acctexpired for the expiry; password ageing is looked at only for password logins). A locked password does
// not make PAM refuse a key.
func (s Shadow) State(today int64) AccountState {
	st := passwordState(s.Password)
	st.PAM, st.Text, st.Edge = s.pam(today)
	st.NoPAM = s.noPAM(today)
	return st
}

func (s Shadow) noPAM(today int64) NoPAM {
	switch {
	case strings.HasPrefix(s.Password, "!"):
		return NoPAM{true, `the password field begins with "!", which sshd takes for a locked account when UsePAM is no`}
	case s.Expire != -1 && today > s.Expire:
		return NoPAM{true, fmt.Sprintf("the account expired on day %d", s.Expire)}
	}
	return NoPAM{}
}

func passwordState(password string) AccountState {
	return AccountState{
		Locked:   strings.HasPrefix(password, "!"),
		Disabled: strings.HasPrefix(password, "!") || strings.HasPrefix(password, "*"),
		Empty:    password == "",
	}
}

func (s Shadow) pam(today int64) (result PAMResult, text string, edge bool) {
	age := today - s.LastChange
	switch {
	case s.Expire >= 0 && today >= s.Expire:
		return PAMAcctExpired, fmt.Sprintf("the account expired on day %d", s.Expire), today == s.Expire
	case s.LastChange == 0:
		return PAMNewAuthtokReqd, "the password must be changed at the first login", false
	case s.LastChange < 0 || age < 0 || s.Max < 0:
		return PAMSuccess, "", false
	case s.Inactive >= 0 && age >= s.Max+s.Inactive:
		return PAMAuthtokExpired, fmt.Sprintf("the password aged out after %d days and was not changed in %d more", s.Max, s.Inactive), age == s.Max+s.Inactive
	case age >= s.Max:
		return PAMNewAuthtokReqd, fmt.Sprintf("the password is older than %d days and must be changed", s.Max), age == s.Max
	case s.Warn > 0 && age >= s.Max-s.Warn:
		return PAMSuccess, fmt.Sprintf("the password must be changed in %d days", s.Max-age), false
	}
	return PAMSuccess, "", false
}

// State judges a user on a day, whether or not the password stands in shadow. pam_unix asks shadow only for the password
// "x" or "##name" (passverify.c get_account_info); sshd without PAM asks in any case. A malformed shadow line is an error.
func (db *DB) State(u User, today int64) (AccountState, error) {
	s, err := db.Shadow(u.Name)
	if errors.Is(err, ErrMalformed) {
		return AccountState{}, fmt.Errorf("cannot judge account %q: %w", u.Name, err)
	}
	if err == nil && shadowed(u) {
		return s.State(today), nil
	}
	if err != nil {
		s = Shadow{Password: u.Password, Expire: -1}
	}
	st := passwordState(u.Password)
	st.NoPAM = s.noPAM(today)
	if shadowed(u) {
		st.PAM, st.Text = PAMAuthinfoUnavail, "/etc/shadow has no line for the user"
	}
	return st, nil
}

func shadowed(u User) bool { return u.Password == "x" || u.Password == "##"+u.Name }
