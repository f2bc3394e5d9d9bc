package conf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// listenAddress is host, host:port, [v6]:port or a bare IPv6 address, with an
// optional routing domain. It returns host, port ("0": all of Port) and domain.
func listenAddress(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	host, number := arg, 0
	if strings.Contains(arg, "[") || strings.Count(arg, ":") < 2 {
		h, p, ok := hostPort(arg)
		if !ok {
			return nil, errors.New("bad address and port")
		}
		host = cleanHost(h)
		if strings.HasSuffix(arg, ":") && p == "" {
			return nil, errors.New("bad port")
		}
		if p != "" {
			if number, err = a.portNumber(p); err != nil || number == 0 {
				return nil, errors.New("bad port")
			}
		}
	}
	out := []string{host, strconv.Itoa(number)}
	if w, ok := a.next(); ok {
		domain, ok := a.next()
		if w != "rdomain" || !ok {
			return nil, errors.New("bad syntax after the address")
		}
		out = append(out, domain)
	}
	return out, nil
}

func cleanHost(h string) string {
	if strings.HasPrefix(h, "[") && strings.HasSuffix(h, "]") {
		return h[1 : len(h)-1]
	}
	return h
}

var errCommand = errors.New("the subsystem's command is missing")

// subsystem is a name and its command line, the words joined.
func subsystem(a *arguments) ([]string, error) {
	name, err := a.one()
	if err != nil {
		return nil, err
	}
	first, err := a.one()
	switch {
	case err != nil && a.version.AtLeast(9, 5):
		return []string{name}, nil // refused only where the line is active
	case err != nil:
		return nil, errCommand
	}
	words := append([]string{first}, a.words...)
	a.words = nil
	if a.version.AtLeast(9, 5) {
		for i, w := range words {
			words[i] = quoteArgument(w)
		}
	}
	return []string{name, strings.Join(words, " ")}, nil
}

// quoteArgument is sshd's argv_assemble for one word.
func quoteArgument(w string) string {
	out := strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`).Replace(w)
	if strings.ContainsAny(w, " \t") {
		return `"` + out + `"`
	}
	return out
}

// scanInts reads up to n numbers between colons as sscanf("%d:%d:…") does and
// returns how many it got.
func scanInts(s string, n int) []int64 {
	var out []int64
	for len(out) < n {
		v, rest, ok := prefixInt(s, 10)
		if !ok {
			break
		}
		out = append(out, int64(int32(v)))
		if !strings.HasPrefix(rest, ":") {
			break
		}
		s = rest[1:]
	}
	return out
}

// maxStartups is start:rate:full, or one number; the rate then stays as it is.
func maxStartups(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	switch n := scanInts(arg, 3); {
	case len(n) == 3 && n[0] <= n[2] && n[1] >= 1 && n[1] <= 100 && n[0] > 0 && n[2] > 0:
		return []string{fmt.Sprintf("%d:%d:%d", n[0], n[1], n[2])}, nil
	case len(n) == 1 && n[0] > 0:
		return []string{fmt.Sprintf("%d:30:%d", n[0], n[0])}, nil
	}
	return nil, errValue
}

func netBlockSize(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	n := scanInts(arg, 2)
	if len(n) == 0 || n[0] < 0 || n[0] > 32 || len(n) == 2 && (n[1] < 0 || n[1] > 128) {
		return nil, errValue
	}
	return []string{arg}, nil
}

func addressList(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	_, err = MatchAddress("", arg)
	return []string{arg}, err
}

var (
	penaltyTimes  = []string{"crash", "authfail", "noauth", "grace-exceeded", "refuseconnection", "max", "min"}
	penaltyCounts = []string{"max-sources4", "max-sources6"}
	penaltyModes  = []string{"overflow:deny-all", "overflow:permissive", "overflow6:deny-all", "overflow6:permissive"}
)

// penalties is PerSourcePenalties: yes or no alone, or name:value pairs.
func penalties(a *arguments) ([]string, error) {
	if len(a.words) == 0 {
		return nil, errMissing
	}
	var out []string
	for {
		w, ok := a.next()
		if !ok {
			return out, nil
		}
		if strings.EqualFold(w, "yes") || strings.EqualFold(w, "no") {
			if len(a.words) > 0 {
				return nil, fmt.Errorf("%q must stand alone", w)
			}
			out = append(out, asciiLower(w))
			continue
		}
		w, err := penalty(w)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
}

func penalty(w string) (string, error) {
	name, value, _ := strings.Cut(w, ":")
	switch {
	case slices.Contains(penaltyModes, w):
		return w, nil
	case slices.Contains(penaltyTimes, name):
		n, err := seconds(value)
		return fmt.Sprintf("%s:%d", name, n), err
	case slices.Contains(penaltyCounts, name):
		n, err := strtonum(value, 0, 1<<31-1)
		return fmt.Sprintf("%s:%d", name, n), err
	}
	return "", errValue
}

// rekeyLimit is an amount of data and an optional time.
func rekeyLimit(a *arguments) ([]string, error) {
	arg, err := a.one()
	if err != nil {
		return nil, err
	}
	var n int64
	if arg != "default" {
		if n, err = scaled(arg); err != nil || n != 0 && n < 16 {
			return nil, errValue
		}
	}
	out := []string{strconv.FormatInt(n, 10)}
	if len(a.words) == 0 {
		return out, nil
	}
	if a.words[0] == "none" {
		a.next()
		return out, nil
	}
	interval, err := duration(a)
	return append(out, interval...), err
}

var qosNames = []string{
	"none", "af11", "af12", "af13", "af21", "af22", "af23", "af31", "af32", "af33", "af41", "af42", "af43",
	"cs0", "cs1", "cs2", "cs3", "cs4", "cs5", "cs6", "cs7", "ef", "le", "lowdelay", "throughput", "reliability",
}

func qos(a *arguments) ([]string, error) {
	first, err := a.one()
	if err != nil {
		return nil, err
	}
	out := []string{first, first}
	if second, ok := a.next(); ok {
		out[1] = second
	}
	for i, w := range out {
		if slices.Contains(qosNames, asciiLower(w)) {
			out[i] = asciiLower(w)
			continue
		}
		n, err := strconv.ParseInt(w, 0, 64)
		if err != nil || n < 0 || n > 255 || strings.Contains(w, "_") {
			return nil, errValue
		}
		out[i] = fmt.Sprintf("%#02x", n)
	}
	return out, nil
}

// userEnvironment compares yes and no exactly; anything else is a pattern list.
func userEnvironment(a *arguments) ([]string, error) { return word(a) }

func perSourceStartups(a *arguments) ([]string, error) {
	if len(a.words) > 0 && a.words[0] == "none" {
		a.next()
		return []string{"none"}, nil
	}
	return integer(a)
}
