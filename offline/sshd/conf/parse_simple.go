package conf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A parser checks one line's arguments as sshd does and returns them in sshd's
// canonical spelling.
type parser func(*arguments) ([]string, error)

// choice takes one of the given words, whatever their case; "alias=word" is
// taken as word.
func choice(words ...string) parser {
	return func(a *arguments) ([]string, error) {
		arg, err := a.one()
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			alias, canonical, ok := strings.Cut(w, "=")
			if !ok {
				canonical = alias
			}
			if strings.EqualFold(arg, alias) {
				return []string{canonical}, nil
			}
		}
		return nil, errValue
	}
}

var flag = choice("yes", "no")

// exact is choice for the few keywords that compare case and all.
func exact(words ...string) parser {
	return func(a *arguments) ([]string, error) {
		arg, err := a.one()
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			if arg == w {
				return []string{w}, nil
			}
		}
		return nil, errValue
	}
}

func integer(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	n, err := strtonum(arg, 0, 1<<31-1)
	return decimal(n, err)
}

func duration(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	return decimal(seconds(arg))
}

func decimal(n int64, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return []string{strconv.FormatInt(n, 10)}, nil
}

// orNone takes the word none in place of a value.
func orNone(none string, p parser) parser {
	return func(a *arguments) ([]string, error) {
		if len(a.words) > 0 && strings.EqualFold(a.words[0], "none") {
			a.next()
			return []string{none}, nil
		}
		return p(a)
	}
}

func octal(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	n, _, ok := prefixInt(arg, 8)
	if !ok || n < 0 || n > 0o777 {
		return nil, errValue
	}
	return []string{fmt.Sprintf("%#o", n)}, nil
}

func port(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	n, err := a.portNumber(arg)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errValue
	}
	return decimal(int64(n), nil)
}

func filename(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	arg, err = a.file(arg)
	return []string{arg}, err
}

// filenameOr takes a special word besides file names.
func filenameOr(word string, p parser) parser {
	return func(a *arguments) ([]string, error) {
		if len(a.words) > 0 && strings.EqualFold(a.words[0], word) {
			a.next()
			return []string{word}, nil
		}
		return p(a)
	}
}

func tildeFilename(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	arg, err = a.tilde(arg)
	return []string{arg}, err
}

func word(a *arguments) ([]string, error) {
	arg, err := a.one()
	return []string{arg}, err
}

// ignored takes anything: keywords that sshd only warns about.
func ignored(a *arguments) ([]string, error) {
	a.words = nil
	return nil, nil
}

var errRelative = errors.New("must be an absolute path")

func absoluteOrNone(s string) bool { return strings.HasPrefix(s, "/") || isNone(s) }

// command is an absolute command line or none; it keeps its quotes.
func command(a *arguments) ([]string, error) {
	text := strings.TrimLeft(a.rest, blank)
	if a.version.AtLeast(8, 7) && !absoluteOrNone(text) {
		return nil, errRelative
	}
	a.words = nil
	return []string{text}, nil
}

// restOfLine is ForceCommand: everything up to the line's end, comments too.
func restOfLine(a *arguments) ([]string, error) {
	if a.rest == "" {
		return nil, errMissing
	}
	a.words = nil
	return []string{canonicalNone(strings.TrimLeft(a.rest, blank))}, nil
}

// wordOrNone spells none in one way; sshd takes it in any case.
func wordOrNone(a *arguments) ([]string, error) {
	arg, err := a.one()
	return []string{canonicalNone(arg)}, err
}

func canonicalNone(s string) string {
	if isNone(s) {
		return "none"
	}
	return s
}

func versionAddendum(a *arguments) ([]string, error) {
	if a.rest == "" {
		return nil, errMissing
	}
	text := strings.TrimLeft(a.rest, blank)
	if strings.Contains(text, "\r") {
		return nil, errValue
	}
	if strings.EqualFold(text, "none") {
		text = ""
	}
	a.words = nil
	return []string{text}, nil
}
