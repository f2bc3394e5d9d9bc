package pam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// verdict is the answer to one condition: codes, since a malformed condition is
// an error of its own.
type condition struct{ left, op, right string }

var succeedIfFlags = []string{"debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit"}

// succeedIf is pam_succeed_if: conditions in threes, all of which must hold
// (pam_succeed_if.c).
func succeedIf(c *probe) outcome {
	words := slices.DeleteFunc(slices.Clone(c.args), func(a string) bool { return slices.Contains(succeedIfFlags, a) })
	if c.flag("use_uid") { // of sshd
		root := *c.run
		root.env.User.Name, root.env.User.UID, root.env.User.GID = "root", 0, 0
		root.env.Groups, root.env.GIDs = []string{"root"}, []uint32{0}
		c = &probe{&root, c.args}
	}
	codes := set(success)
	for len(words) >= 3 && codes.has(success) {
		cond := condition{words[0], strings.ToLower(words[1]), words[2]}
		words = words[3:]
		this := c.holds(cond)
		codes = codes&^set(success) | this
		if !this.one() || this != set(success) {
			if !codes.has(success) {
				return outcome{codes: codes, text: fmt.Sprintf("the condition %q does not hold", cond.left+" "+cond.op+" "+cond.right)}
			}
		}
	}
	if len(words) > 0 {
		return outcome{codes: codes&^set(success) | set(serviceErr), text: "pam_succeed_if has an incomplete condition"}
	}
	return outcome{codes: codes}
}

func (c *probe) holds(cond condition) codeSet {
	u := c.env.User
	user := u.Name
	values := map[string]string{
		"login": user, "name": user, "user": user, "service": c.env.Service, "tty": "ssh", "ruser": "",
		"uid": fmt.Sprint(u.UID), "gid": fmt.Sprint(u.GID), "shell": u.Shell, "home": u.Home, "dir": u.Home, "homedir": u.Home,
	}
	attribute := strings.ToLower(cond.left)
	left, known := values[attribute]
	switch {
	case cond.op == "ingroup" || cond.op == "notingroup":
		if !known && attribute != "rhost" {
			return set(serviceErr)
		}
		in := no
		if attribute != "ruser" {
			for _, g := range strings.Split(cond.right, ":") {
				in = in.or(c.inGroup(g))
			}
		}
		if cond.op == "notingroup" {
			in = in.not()
		}
		return in.decide(success, authErr)
	case attribute == "rhost" || cond.op == "innetgr" || cond.op == "notinnetgr":
		return set(success, authErr, serviceErr)
	case !known:
		return set(serviceErr)
	}
	return compare(left, cond.op, cond.right)
}

func compare(left, op, right string) codeSet {
	switch op {
	case "=":
		return truth(left == right).decide(success, authErr)
	case "!=":
		return truth(left != right).decide(success, authErr)
	case "=~", "glob":
		return glob(right, left).decide(success, authErr)
	case "!~", "noglob":
		return glob(right, left).not().decide(success, authErr)
	case "in":
		return truth(slices.Contains(strings.Split(right, ":"), left)).decide(success, authErr)
	case "notin":
		return truth(!slices.Contains(strings.Split(right, ":"), left)).decide(success, authErr)
	}
	return compareNumbers(left, op, right)
}

func compareNumbers(left, op, right string) codeSet {
	ops := map[string]func(a, b int64) bool{
		"<": func(a, b int64) bool { return a < b }, "<=": func(a, b int64) bool { return a <= b },
		">": func(a, b int64) bool { return a > b }, ">=": func(a, b int64) bool { return a >= b },
		"eq": func(a, b int64) bool { return a == b }, "ne": func(a, b int64) bool { return a != b },
	}
	for name, symbol := range map[string]string{"lt": "<", "le": "<=", "gt": ">", "ge": ">="} {
		ops[name] = ops[symbol]
	}
	f, known := ops[op]
	l, errLeft := strconv.ParseInt(left, 0, 64)
	r, errRight := strconv.ParseInt(right, 0, 64)
	if !known || errLeft != nil || errRight != nil {
		return set(serviceErr)
	}
	return truth(f(l, r)).decide(success, authErr)
}

// glob is fnmatch(3) without flags, as far as stars and question marks go; a
// pattern with brackets or backslashes is left open.
func glob(pattern, s string) tri {
	if strings.ContainsAny(pattern, `[\`) {
		return maybe
	}
	p, star, back := 0, -1, 0
	for i := 0; i < len(s); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			back++
			p, i = star+1, back
		default:
			return no
		}
	}
	return truth(strings.Trim(pattern[p:], "*") == "")
}
