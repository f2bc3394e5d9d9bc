package conf

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Binaries are the places of sshd, in the order in which units name them.
var Binaries = []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd", "/usr/bin/sshd"}

// sessionDirs are where distributions put sshd-session and sshd-auth.
var sessionDirs = []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec", "/usr/libexec/ssh", "/usr/local/libexec"}

// The bounds for reading a binary's strings.
const (
	maxBinary = 32 << 20
	maxWords  = 1 << 17
	maxWord   = 64
)

// DetectVersion finds out which sshd the volume holds: from the strings in its
// binary (the listener's, and since 9.8 also sshd-session's), else from the
// package database. It runs nothing. The error says that neither told; the zero
// Version that comes with it stands for an unknown release.
func DetectVersion(v *offline.Volume) (Version, error) {
	for _, path := range Binaries {
		if info, err := v.Stat(path); err != nil || info.Kind != offline.Regular {
			continue
		}
		if version, ok := fromBinaries(v, path); ok {
			version.Vendor = vendorOf(v, version)
			return version, nil
		}
	}
	if version, ok := fromPackages(v); ok {
		version.Vendor = vendorOf(v, version)
		return version, nil
	}
	return Version{Vendor: vendorOf(v, Version{})}, fmt.Errorf("cannot find the version of sshd: neither its binary nor a package database tells")
}

func fromBinaries(v *offline.Volume, path string) (Version, bool) {
	s := &scanner{words: map[string]bool{}}
	if err := s.scan(v, path); err != nil || !s.best.Known() {
		return Version{}, false
	}
	complete := s.complete
	for _, dir := range sessionDirs {
		for _, name := range []string{"/sshd-session", "/sshd-auth"} {
			if info, err := v.Stat(dir + name); err == nil && info.Kind == offline.Regular {
				complete = s.scan(v, dir+name) == nil && s.complete && complete
			}
		}
	}
	version := s.best
	version.Source = path
	if complete {
		version.vocabulary = newVocabulary(s.words, s.libraries, s.paths)
	}
	return version, true
}

// scanner gathers a binary's strings in chunks.
type scanner struct {
	words     map[string]bool
	libraries []string
	paths     []string
	best      Version
	complete  bool
	run       []byte
}

func (s *scanner) scan(v *offline.Volume, path string) error {
	buf := make([]byte, 1<<18)
	s.run, s.complete = s.run[:0], false
	code := codeOf(v, path)
	for offset := int64(0); offset < maxBinary; {
		piece := buf
		switch {
		case offset >= code.from && offset < code.to:
			offset, s.run = code.to, s.run[:0]
		case offset < code.from:
			piece = buf[:min(int64(len(buf)), code.from-offset)]
		}
		n, err := v.ReadAt(path, piece, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			s.complete = len(s.words) < maxWords
			return nil
		}
		s.take(piece[:n])
		offset += int64(n)
	}
	return nil
}

// maxRun is how much of a long string is kept: its end, since string tables
// merge strings at their ends.
const maxRun = 128

// take collects printable bytes; a NUL ends a string, anything else spoils it.
func (s *scanner) take(b []byte) {
	for len(b) > 0 {
		n := 0
		for n < len(b) && text(b[n]) {
			n++
		}
		s.keep(b[:n])
		if b = b[n:]; len(b) == 0 {
			return
		}
		if b[0] == 0 && len(s.run) >= 3 {
			s.end(string(s.run))
		}
		s.run = s.run[:0]
		for len(b) > 0 && !text(b[0]) {
			b = b[1:]
		}
	}
}

func text(c byte) bool { return c-' ' <= '~'-' ' }

func (s *scanner) keep(b []byte) {
	if b = b[max(0, len(b)-maxRun):]; len(s.run)+len(b) > maxRun {
		s.run = append(s.run[:0], s.run[len(s.run)+len(b)-maxRun:]...)
	}
	s.run = append(s.run, b...)
}

func (s *scanner) end(word string) {
	if i := strings.Index(word, "OpenSSH_"); i >= 0 {
		if v, ok := ParseVersion(word[i:]); ok && better(v, s.best) {
			s.best = v
		}
	}
	if strings.HasPrefix(word, "lib") && strings.Contains(word, ".so") && len(s.libraries) < 256 {
		s.libraries = append(s.libraries, word)
	}
	if word[0] == '/' && len(word) < 128 && len(s.paths) < 4096 {
		s.paths = append(s.paths, word)
	}
	start := strings.LastIndexFunc(word, func(r rune) bool { return !wordByte(byte(r)) }) + 1
	if w := word[max(start, len(word)-maxWord):]; len(w) >= 2 && len(s.words) < maxWords {
		s.words[w] = true
	}
}

// better prefers the later release, then the string that says more of it.
func better(a, b Version) bool {
	if !b.Known() || a.number() != b.number() {
		return !b.Known() || a.number() > b.number()
	}
	return len(a.Raw) > len(b.Raw)
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("@.-_", c) >= 0
}
