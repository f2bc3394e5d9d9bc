// Package examples finds the command lines that the documents show, so that tests
// can hold them against the programs. It reads README.md and docs, with code blocks
// and code spans in them, splits words as a shell does, and runs and expands nothing.
package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// An Example is a command that a document shows.
type Example struct {
	File  string
	Words []string // without the program; a word that the shell would expand is as it stands
}

func (e Example) String() string { return e.File + ": " + strings.Join(e.Words, " ") }

// Find lists the calls of a program in the documents below root.
func Find(root, program string) ([]Example, error) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	var found []Example
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, code := range codeIn(string(text)) {
			for _, words := range Calls(code, program) {
				found = append(found, Example{filepath.Base(file), words})
			}
		}
	}
	return found, nil
}

var (
	block = regexp.MustCompile("(?ms)^ *```[a-z]*\n(.*?)^ *```")
	span  = regexp.MustCompile("`([^`\n]+(?:\n[^`\n]+)?)`")
)

// codeIn is what stands in code blocks and, one by one, in code spans.
func codeIn(text string) []string {
	var code []string
	for _, m := range block.FindAllStringSubmatch(text, -1) {
		code = append(code, m[1])
	}
	for _, m := range span.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		code = append(code, strings.ReplaceAll(m[1], "\n", " "))
	}
	return code
}

// Calls finds the calls of a program in a piece of shell: at the beginning of a
// command, which may be inside of $(…) or behind sudo, and behind a prompt.
func Calls(code, program string) [][]string {
	start := regexp.MustCompile(`(?m)(?:^\s*(?:[$#] )?|\$\(|[|;&(] ?)(?:(?:do|then|sudo|bench|[A-Z_]+=\S*) +)*(?:\./)?` + regexp.QuoteMeta(program) + `(?:[ \t]|$)`)
	var calls [][]string
	for _, at := range start.FindAllStringIndex(code, -1) {
		calls = append(calls, split(code[at[1]:]))
	}
	return calls
}

// split takes the words up to the end of the command.
func split(code string) []string {
	var words []string
	var word strings.Builder
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for i := 0; i < len(code); i++ {
		c := code[i]
		switch {
		case c == '\\' && i+1 < len(code):
			if i++; code[i] != '\n' {
				word.WriteByte(code[i])
				begun = true
			}
		case c == '\'' || c == '"' || strings.HasPrefix(code[i:], "$("):
			n := closing(code[i:])
			word.WriteString(strings.Trim(code[i:i+n], `'"`))
			begun, i = true, i+n-1
		case c == ' ' || c == '\t':
			end()
		case strings.IndexByte("\n|;&<>)", c) >= 0, c == '#' && !begun:
			if c == '>' && word.String() == "2" {
				return words
			}
			end()
			return words
		default:
			word.WriteByte(c)
			begun = true
		}
	}
	end()
	return words
}

// closing is the length of what is quoted, or in $(…), from its first character on.
func closing(code string) int {
	quote := code[0]
	if quote == '$' {
		quote = ')'
	}
	for i := 1; i < len(code); i++ {
		switch {
		case code[i] == '\\' && quote != '\'':
			i++
		case code[i] == quote:
			return i + 1
		case quote != '\'' && (strings.HasPrefix(code[i:], "$(") || quote == ')' && (code[i] == '"' || code[i] == '\'')):
			i += closing(code[i:]) - 1
		}
	}
	return len(code)
}

// Script lists the calls of a program in a shell script.
func Script(file, program string) ([]Example, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found []Example
	for _, words := range Calls(string(text), program) {
		found = append(found, Example{filepath.Base(file), words})
	}
	return found, nil
}
