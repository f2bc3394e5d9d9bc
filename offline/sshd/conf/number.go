package conf

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

var errNumber = errors.New("not a number that sshd takes")

// strtonum is the C function of that name: optional white space and sign,
// decimal digits, nothing after them, within the bounds.
func strtonum(s string, low, high int64) (int64, error) {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || strings.Contains(t, "_") || n < low || n > high {
		return 0, errNumber
	}
	return n, nil
}

// prefixInt reads a number as scanf's %d and strtol do, and returns what follows.
func prefixInt(s string, base int) (n int64, rest string, ok bool) {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	i := 0
	if i < len(t) && (t[i] == '-' || t[i] == '+') {
		i++
	}
	start := i
	for i < len(t) && t[i] >= '0' && t[i] < '0'+byte(base) {
		i++
	}
	if i == start {
		return 0, s, false
	}
	n, err := strconv.ParseInt(t[:i], base, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, t[i:], true
}

var unitSeconds = map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}

// seconds is sshd's convtime: numbers with units, added up.
func seconds(s string) (int64, error) {
	if s == "" {
		return 0, errNumber
	}
	var total int64
	for s != "" {
		n, rest, ok := prefixInt(s, 10)
		if !ok || n < 0 {
			return 0, errNumber
		}
		unit := int64(1)
		if rest != "" {
			if unit, ok = unitSeconds[rest[0]|0x20]; !ok {
				return 0, errNumber
			}
			rest = rest[1:]
		}
		if n > math.MaxInt32/unit || total > math.MaxInt32-n*unit {
			return 0, errNumber
		}
		total, s = total+n*unit, rest
	}
	return total, nil
}

// scaled is sshd's scan_scaled for whole numbers with an optional fraction and
// one of B K M G T P E.
func scaled(s string) (int64, error) {
	t := strings.TrimLeft(s, " \t\n\v\f\r")
	end := strings.IndexFunc(t, func(r rune) bool { return !strings.ContainsRune("+-.0123456789", r) })
	unit := ""
	if end >= 0 {
		t, unit = t[:end], t[end:]
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil && t != "" || strings.Count(t, ".") > 1 {
		return 0, errNumber
	}
	if unit == "" {
		return int64(f), nil
	}
	power := strings.IndexByte("BKMGTPE", unit[0]&^0x20)
	if power < 0 || len(unit) > 1 && isAlnum(unit[1]) {
		return 0, errNumber
	}
	if f *= math.Pow(1024, float64(power)); math.Abs(f) >= math.MaxInt64 {
		return 0, errNumber
	}
	return int64(f), nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
