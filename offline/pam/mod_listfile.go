package pam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// listOptions are the arguments of pam_listfile.
type listOptions struct {
	item, file, apply string
	deny              bool // the sense
	onerr             code
}

// listfile is pam_listfile: a user, group or shell that stands in a file is let
// in or kept out (pam_listfile.c).
func listfile(c *probe) outcome {
	opts, bad := listArgs(c.args)
	if bad != nil {
		return *bad
	}
	o := outcome{codes: set(opts.onerr), path: opts.file}
	item, skip := c.listItem(opts)
	if skip != nil {
		return *skip
	}
	info, err := c.v.Lstat(opts.file)
	if err != nil {
		o.text = fmt.Sprintf("pam_listfile cannot find its file %q", opts.file)
		return o
	}
	if info.Kind != offline.Regular || info.Mode&0o002 != 0 {
		o.codes = set(authErr)
		o.text = fmt.Sprintf("the file of pam_listfile, %q, is world-writable or no regular file", opts.file)
		return o
	}
	data, err := c.v.ReadFile(opts.file, offline.MaxConfig)
	if err != nil {
		return outcome{codes: set(success, authErr), text: err.Error(), path: opts.file}
	}
	found := c.listed(opts, string(data), item)
	if opts.deny {
		found = found.not()
	}
	o.codes = found.decide(success, authErr)
	o.text = fmt.Sprintf("the %s %q stands in this file, which keeps out whoever it lists", opts.item, item)
	if !opts.deny {
		o.text = fmt.Sprintf("the %s %q does not stand in this file, which lists whom to let in", opts.item, item)
	}
	return o
}

// listArgs reads the arguments; bad is the module's answer to unusable ones.
func listArgs(args []string) (opts listOptions, bad *outcome) {
	opts = listOptions{onerr: serviceErr}
	sense := ""
	for _, a := range args {
		key, value, pair := strings.Cut(a, "=")
		if !pair {
			continue
		}
		switch {
		case key == "onerr" && value == "succeed":
			opts.onerr = success
		case key == "onerr" && value == "fail":
			opts.onerr = serviceErr
		case key == "onerr":
			return opts, &outcome{codes: set(serviceErr), text: fmt.Sprintf("pam_listfile does not know %q", a)}
		case key == "sense" && (value == "allow" || value == "deny"):
			sense = value
		case key == "file":
			opts.file = value
		case key == "item":
			opts.item = value
		case key == "apply":
			opts.apply = value
		default:
			return opts, &outcome{codes: set(opts.onerr), text: fmt.Sprintf("pam_listfile does not know %q", a)}
		}
	}
	known := slices.Contains([]string{"user", "tty", "rhost", "ruser", "group", "shell"}, opts.item)
	if !known || opts.file == "" || sense == "" || opts.apply == "@" {
		return opts, &outcome{codes: set(opts.onerr), text: "pam_listfile lacks its item, sense or file"}
	}
	opts.deny = sense == "deny"
	return opts, nil
}

// listItem is the text to look for, or the answer without looking.
func (c *probe) listItem(opts listOptions) (string, *outcome) {
	if opts.apply != "" && (opts.item == "tty" || opts.item == "rhost") { // elsewhere the module ignores it
		applies := truth(opts.apply == c.env.User.Name)
		if group, ok := strings.CutPrefix(opts.apply, "@"); ok {
			applies = c.inGroup(group)
		}
		if applies == no {
			return "", &outcome{codes: set(ignore)}
		} else if applies == maybe {
			return "", &outcome{codes: set(ignore, success, authErr)}
		}
	}
	switch opts.item {
	case "shell":
		return c.env.User.Shell, nil
	case "tty":
		return "ssh", nil
	case "ruser": // sshd does not set it
		return "", &outcome{codes: truth(opts.deny).decide(success, authErr), text: "pam_listfile looks for a remote user, which sshd does not name"}
	case "rhost":
		return "", &outcome{codes: set(success, authErr), text: "pam_listfile decides by the host from which the login comes", path: opts.file}
	}
	return c.env.User.Name, nil
}

func (c *probe) listed(opts listOptions, text, item string) tri {
	found := no
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSuffix(l, "\r")
		switch {
		case l == "":
		case opts.item == "group":
			found = found.or(c.inGroup(l))
		case opts.item == "tty":
			found = found.or(truth(strings.TrimPrefix(l, "/dev/") == item))
		case l == item:
			return yes
		}
	}
	return found
}
