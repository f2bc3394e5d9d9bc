package main

import (
	"regexp"
	"strings"
)

// account says whose resources, and where; see package aws.
type account struct {
	Region, Profile, Endpoint, Role string
	Token                           func() (string, error)
}

type flagValue struct{ name, value string }

// flags are those that were given and that the AWS CLI knows, too.
func (a account) flags() []flagValue {
	var given []flagValue
	for _, f := range []flagValue{{"--region", a.Region}, {"--profile", a.Profile}, {"--endpoint-url", a.Endpoint}} {
		if f.value != "" {
			given = append(given, f)
		}
	}
	return given
}

// given are the flags that each command of regain has, as far as later ones need
// them again.
type given struct {
	account
	state string
}

func (p *program) given() given { return given{p.account, p.state} }

// complete adds the flags that a command of regain or the AWS CLI lacks.
func (g given) complete(command string) string {
	flags := g.flags()
	switch name, _, _ := strings.Cut(strings.TrimSpace(command), " "); name {
	case "aws":
	case "regain":
		for _, f := range []flagValue{{"--role-arn", g.Role}, {"--state-dir", g.state}} {
			if f.value != "" {
				flags = append(flags, f)
			}
		}
	default:
		return command
	}
	for _, f := range flags {
		if !strings.Contains(command+" ", " "+f.name+" ") {
			command += " " + f.name + " " + quoted(f.value)
		}
	}
	return command
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%_+=:,./-]+$`)

// quoted is one word for a shell.
func quoted(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
