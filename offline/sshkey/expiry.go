package sshkey

import (
	"strconv"
	"strings"
	"time"
)

// truth is a three-valued answer: offline, the client's address and the machine's time zone may be unknown.
type truth int

const (
	no truth = iota
	unknown
	yes
)

// expiry is a parsed expiry-time value. Without a zone suffix the wall clock belongs to the machine's own time zone.
type expiry struct {
	wall time.Time // as if in UTC
	utc  bool
}

// zoneSlack bounds the difference between UTC and any local time (POSIX TZ allows offsets up to 24 hours).
const zoneSlack = 24 * time.Hour

// parseExpiry reads YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with an optional Z or UTC behind (misc.c
// parse_absolute_time; a day such as 0230 rolls over, as in mktime). Times before 1970 are refused.
func parseExpiry(s string) (e expiry, ok bool) {
	switch {
	case len(s) > 1 && strings.EqualFold(s[len(s)-1:], "Z"):
		e.utc, s = true, s[:len(s)-1]
	case len(s) > 3 && strings.EqualFold(s[len(s)-3:], "UTC"):
		e.utc, s = true, s[:len(s)-3]
	}
	if len(s) != 8 && len(s) != 12 && len(s) != 14 {
		return expiry{}, false
	}
	fields := [6]int{}
	limits := [6][2]int{{0, 9999}, {1, 12}, {1, 31}, {0, 23}, {0, 59}, {0, 61}}
	widths := [6]int{4, 2, 2, 2, 2, 2}
	for i := 0; i < len(fields) && s != ""; i++ {
		n, err := strconv.ParseUint(strings.TrimLeft(s[:widths[i]], " "), 10, 16)
		if err != nil || int(n) < limits[i][0] || int(n) > limits[i][1] {
			return expiry{}, false
		}
		fields[i], s = int(n), s[widths[i]:]
	}
	e.wall = time.Date(fields[0], time.Month(fields[1]), fields[2], fields[3], fields[4], fields[5], 0, time.UTC)
	return e, e.wall.Unix() > 0
}

// passed reports whether the time has passed at now; loc is the machine's time zone, nil when unknown. sshd accepts the
// very second of expiry (auth2-pubkeyfile.c auth_authorise_keyopts).
func (e expiry) passed(now time.Time, loc *time.Location) truth {
	at := e.wall
	if !e.utc && loc != nil {
		at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, loc)
	}
	certain := e.utc || loc != nil
	switch d := now.Truncate(time.Second).Sub(at); {
	case certain && d > 0, !certain && d > zoneSlack:
		return yes
	case !certain && d >= -zoneSlack:
		return unknown
	}
	return no
}
