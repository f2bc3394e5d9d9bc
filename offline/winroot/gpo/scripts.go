package gpo

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const startup = "Startup"

// maxScripts bounds the numbers of start-up scripts.
const maxScripts = 1000

// newScripts is how Windows begins the file: UTF-16LE.
var newScripts = []byte{0xFF, 0xFE}

// addScript is scripts.ini with the script at the end of the section Startup.
//
// A section that is made stands behind a blank line, except in a file that is made.
func addScript(b []byte, script string) ([]byte, error) {
	made := len(b) == 0
	if made {
		b = newScripts
	}
	f, err := parse(b)
	if err != nil {
		return nil, err
	}
	header, end, found := f.section(startup)
	if !found {
		lines := []string{"[" + startup + "]", "0CmdLine=" + script, "0Parameters="}
		if !made {
			lines = append([]string{""}, lines...)
		}
		return f.insert(len(f.lines), lines...), nil
	}
	if f.hasScript(header, end, script) {
		return b, nil
	}
	n, err := f.nextNumber(header, end)
	if err != nil {
		return nil, err
	}
	command, parameters := fmt.Sprintf("%dCmdLine=%s", n, script), fmt.Sprintf("%dParameters=", n)
	return f.insert(f.lastOf(header, end)+1, command, parameters), nil
}

func (f ini) hasScript(header, end int, script string) bool {
	for i := header + 1; i < end; i++ {
		key, value, _ := f.pair(i)
		_, what, isEntry := entry(key)
		if isEntry && strings.EqualFold(what, "CmdLine") && strings.EqualFold(value, script) {
			return true
		}
	}
	return false
}

var entryKey = regexp.MustCompile(`(?i)^(0|[1-9][0-9]{0,5})(CmdLine|Parameters)$`)

func entry(key string) (number int, what string, ok bool) {
	m := entryKey.FindStringSubmatch(key)
	if m == nil {
		return 0, "", false
	}
	number, err := strconv.Atoi(m[1])
	return number, m[2], err == nil
}

// nextNumber is the first free number. Windows reads until a number is missing: a gap hides what stands behind it, and
// filling it would make that run.
func (f ini) nextNumber(header, end int) (int, error) {
	used, greatest := map[int]bool{}, -1
	for i := header + 1; i < end; i++ {
		key, value, _ := f.pair(i)
		n, what, ok := entry(key)
		if !ok {
			continue
		}
		greatest = max(greatest, n)
		if strings.EqualFold(what, "CmdLine") && value != "" {
			used[n] = true
		}
	}
	switch {
	case greatest+1 > len(used):
		return 0, errors.New("the numbers of the start-up scripts have a gap, and what stands behind it must not come to life")
	case greatest+1 >= maxScripts:
		return 0, errors.New("too many start-up scripts")
	}
	return greatest + 1, nil
}
