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
// The form of what is added tells how to remove it. A section that was made stands behind a blank line, except in a file
// that was made. In a section that was there but empty the two lines come in the other order, which Windows does not mind.
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
	if _, _, ok := f.findScript(header, end, script); ok {
		return b, nil
	}
	n, err := f.nextNumber(header, end)
	if err != nil {
		return nil, err
	}
	command, parameters := fmt.Sprintf("%dCmdLine=%s", n, script), fmt.Sprintf("%dParameters=", n)
	last := f.lastOf(header, end)
	if last == header {
		return f.insert(last+1, parameters, command), nil
	}
	return f.insert(last+1, command, parameters), nil
}

// findScript finds the line that names the script, and its number.
func (f ini) findScript(header, end int, script string) (at, number int, ok bool) {
	for i := header + 1; i < end; i++ {
		key, value, _ := f.pair(i)
		n, what, isEntry := entry(key)
		if isEntry && strings.EqualFold(what, "CmdLine") && strings.EqualFold(value, script) {
			return i, n, true
		}
	}
	return 0, 0, false
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

// removeScript takes the two lines of the script away, and what addScript put round them. Scripts behind it move up.
func removeScript(b []byte, script string) ([]byte, error) {
	f, err := parse(b)
	if err != nil {
		return nil, err
	}
	header, end, _ := f.section(startup)
	command, number, ok := f.findScript(header, end, script)
	if !ok {
		return nil, ErrAbsent
	}
	var ours []int
	for i := header + 1; i < end; i++ {
		key, _, _ := f.pair(i)
		if n, _, ok := entry(key); ok && n == number {
			ours = append(ours, i)
		}
	}
	rest := f.lastOf(header, end) - header - len(ours)
	if rest > 0 || command != ours[0] {
		return renumber(f.drop(ours), number)
	}
	ours = append(ours, header)
	if header > 0 && f.at(header-1) == "" {
		ours = append(ours, header-1)
	}
	after := f.drop(ours)
	if len(after) == f.mark && header == 0 {
		return nil, nil
	}
	return after, nil
}

// renumber moves the scripts behind a number up by one.
func renumber(b []byte, removed int) ([]byte, error) {
	f, err := parse(b)
	if err != nil {
		return nil, err
	}
	header, end, found := f.section(startup)
	for i := end - 1; found && i > header; i-- {
		key, _, _ := f.pair(i)
		n, what, ok := entry(key)
		if !ok || n <= removed {
			continue
		}
		from := f.lines[i].from + strings.Index(f.text[f.lines[i].from:], key)
		shifted := f.splice(from, from+len(key), strconv.Itoa(n-1)+what)
		if f, err = parse(shifted); err != nil {
			return nil, err
		}
	}
	return f.raw, nil
}
