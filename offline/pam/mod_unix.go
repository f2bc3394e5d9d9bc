package pam

import (
	"fmt"

	"github.com/seed-77750964/regain/offline/account"
)

// unixAccount is pam_unix's account function (support.c _unix_verify_user,
// passverify.c check_shadow_expiry). It does not look at the password lock.
func unixAccount(c *probe) outcome {
	const file = "/etc/shadow"
	if p := c.env.User.Password; p != "x" && p != "##"+c.env.User.Name {
		return outcome{codes: set(success)} // the entry is not shadowed, so nothing ages
	}
	s := c.env.Shadow
	if s == nil {
		codes := set(authinfoUnavail)
		if c.flag("broken_shadow") {
			codes = set(success)
		} else if c.outside("shadow") == maybe {
			codes = set(success, authinfoUnavail)
		}
		return outcome{codes: codes, id: "pam-unix-shadow", text: fmt.Sprintf("there is no usable entry of %q in %s", c.env.User.Name, file), path: file}
	}
	o := shadowExpiry(*s, c.env.Today)
	o.path, o.line = file, s.Line
	if c.flag("no_pass_expiry") && o.id == "pam-unix-password" {
		return outcome{codes: set(success)}
	}
	return o
}

// shadowExpiry is the rule of libpam 1.5, and where later versions differ by a
// day or on an empty field, both answers.
func shadowExpiry(s account.Shadow, today int64) outcome {
	age := today - s.LastChange
	expired := outcome{codes: set(acctExpired), id: "pam-unix-expired", text: fmt.Sprintf("the account expired on day %d since 1970-01-01, and today is %d", s.Expire, today)}
	change := outcome{codes: set(newAuthtokReqd), id: "pam-unix-password", text: "the password must be changed at the next login, which a login by key cannot do without the old one"}
	aged := outcome{codes: set(authtokExpired), id: "pam-unix-password", text: fmt.Sprintf("the password is %d days old: more than its %d days and the %d days of grace", age, s.Max, s.Inactive)}
	switch {
	case s.Expire != -1 && today >= s.Expire:
		return expired
	case s.LastChange == 0:
		return change
	case s.LastChange < 0 && s.Max != -1 && age >= s.Max:
		change.codes |= set(success, authtokExpired)
		return change
	case s.LastChange < 0 || today < s.LastChange || s.Max < 0:
		return outcome{codes: set(success)}
	case s.Inactive >= 0 && age > s.Max+s.Inactive && age > s.Inactive:
		return aged
	case s.Inactive >= 0 && age == s.Max+s.Inactive && s.Inactive > 0:
		aged.codes |= set(newAuthtokReqd)
		return aged
	case age > s.Max:
		return change
	case age == s.Max:
		change.codes |= set(success)
		if s.Inactive == 0 {
			change.codes |= set(authtokExpired)
		}
		return change
	}
	return outcome{codes: set(success)}
}
