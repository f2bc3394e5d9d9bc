package ssm

import (
	"strings"
	"unicode/utf8"

	"github.com/seed-77750964/regain/lab/rules"
)

// The texts by which the SSM agent says that something is missing.
// Source: amazon-ssm-agent, iohandler/iohandler.go.
const (
	cutSuffix   = "--output truncated--"
	cutOutput   = "\n---Output truncated---"
	cutError    = "\n---Error truncated----"
	errorHeader = "\n----------ERROR-------\n"
)

// cut keeps what fits into the limit of that name, suffix included.
func cut(text, limit string) string {
	most := rules.LimitOf(limit)
	if len(text) < most {
		return text
	}
	return prefix(text, most-len(cutSuffix)) + cutSuffix
}

// prefix is at most n bytes of a text, and ends with a whole character.
func prefix(text string, n int) string {
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:min(n, len(text))]
}

// pluginOutput puts both outputs into what ListCommandInvocations has room for: the
// one that is longer than its half is cut.
func pluginOutput(stdout, stderr string) string {
	room := rules.LimitOf("ssm.command.plugin")
	header := ""
	if stderr != "" {
		header = errorHeader
		room -= len(header)
	}
	half := room / 2
	switch {
	case len(stdout)+len(stderr) < room:
		return stdout + header + stderr
	case len(stdout) > half && len(stderr) > half:
		each := (room - len(cutOutput) - len(cutError)) / 2
		return prefix(stdout, each) + cutOutput + header + prefix(stderr, each) + cutError
	case len(stderr) > half:
		return stdout + header + prefix(stderr, room-len(cutError)-len(stdout)) + cutError
	}
	return prefix(stdout, room-len(cutOutput)-len(stderr)) + cutOutput + header + stderr
}

func appendLine(text, line string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text + line
	}
	return text + "\n" + line
}
