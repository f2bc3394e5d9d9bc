package sshkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// FormatLine returns an authorized_keys line without terminator: options, algorithm, base64, comment. Quotes in option
// values are escaped; line breaks and NUL, which no line can carry, become spaces.
func FormatLine(options []Option, key Public, comment string) []byte {
	var b bytes.Buffer
	for i, o := range options {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o.Name)
		if o.HasValue {
			b.WriteString(`="` + strings.ReplaceAll(string(o.Value), `"`, `\"`) + `"`)
		}
	}
	if len(options) > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(key.Algorithm + " " + base64.StdEncoding.EncodeToString(key.Blob))
	if comment != "" {
		b.WriteString(" " + comment)
	}
	line := b.Bytes()
	for i, c := range line {
		if c == '\n' || c == '\r' || c == 0 {
			line[i] = ' '
		}
	}
	return line
}

// ErrNoExpiry is returned when the sshd does not know expiry-time and would refuse a line that carries it.
var ErrNoExpiry = errors.New("expiry-time needs OpenSSH 7.7")

// ExpiryOption returns the expiry-time option for a moment, in a form that this sshd reads. Since 9.1 that is UTC. From 7.7
// to 9.0 it is the machine's local time: with loc nil the option names the wall clock of the easternmost zone (UTC+14), so
// that the key never expires early and at most 26 hours late. An unknown version is an error: a line with an option that
// sshd does not know is dead.
func ExpiryOption(at time.Time, v Version, loc *time.Location) (Option, error) {
	switch {
	case v == Version{}:
		return Option{}, errors.New("cannot set expiry-time: the version of sshd is unknown")
	case v.Before(Version{7, 7}):
		return Option{}, fmt.Errorf("cannot set expiry-time: %w", ErrNoExpiry)
	case !v.Before(Version{9, 1}):
		return expiryOption(at.UTC().Format("20060102150405") + "Z"), nil
	}
	if loc == nil {
		loc = time.FixedZone("UTC+14", 14*60*60)
	}
	return expiryOption(at.In(loc).Format("20060102150405")), nil
}

func expiryOption(value string) Option {
	return Option{Name: "expiry-time", Value: []byte(value), HasValue: true}
}
