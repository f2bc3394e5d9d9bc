package sshkey

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/seed-77750964/regain/offline/wildcard"
)

// maxLines bounds the line model; what follows stays in the file as one piece of junk.
const maxLines = 1 << 16

const problemOverflow = "the file has more lines than are examined"

// File is an authorized_keys file as lines. Nothing is lost: Parse(b).Bytes() equals b for every b.
type File struct {
	Lines    []Line
	overflow bool
}

// Parse splits the bytes into lines as sshd reads them, at "\n" only. It never fails; what is not a key is Junk with a
// Problem. The lines refer to b, which must not change afterwards.
func Parse(b []byte) File {
	f := File{Lines: make([]Line, 0, min(bytes.Count(b, []byte("\n"))+1, maxLines+1))}
	wide := encoding(b)
	for len(b) > 0 {
		if len(f.Lines) == maxLines {
			f.overflow = true
			raw, end := splitEnd(b)
			f.Lines = append(f.Lines, Line{Number: maxLines + 1, Raw: raw, End: end, Kind: Junk, Problem: problemOverflow})
			break
		}
		n := bytes.IndexByte(b, '\n') + 1
		if n == 0 {
			n = len(b)
		}
		raw, end := splitEnd(b[:n:n])
		l := parseLine(len(f.Lines)+1, raw, end)
		if wide != "" && l.Kind != Key {
			l.Problem = wide
		}
		f.Lines = append(f.Lines, l)
		b = b[n:]
	}
	return f
}

func splitEnd(b []byte) (raw, end []byte) {
	n := len(b)
	switch {
	case bytes.HasSuffix(b, []byte("\r\n")):
		n -= 2
	case bytes.HasSuffix(b, []byte("\n")):
		n--
	}
	return b[:n:n], b[n:]
}

// Bytes returns the file.
func (f File) Bytes() []byte {
	n := 0
	for _, l := range f.Lines {
		n += len(l.Raw) + len(l.End)
	}
	out := make([]byte, 0, n)
	for _, l := range f.Lines {
		out = append(append(out, l.Raw...), l.End...)
	}
	return out
}

// ErrNotOneLine is returned by Append for text that would not stay on a line of its own.
var ErrNotOneLine = errors.New("text holds a line break or NUL")

// Append returns the file with each text as a line of its own at the end. A last line without terminator is terminated
// first, else the old key and the new one would both be lost. The terminator is the file's prevailing one. f is not
// changed.
func (f File) Append(texts ...[]byte) (File, error) {
	end := f.terminator()
	b := f.Bytes()
	if n := len(f.Lines); n > 0 && len(f.Lines[n-1].End) == 0 && len(texts) > 0 {
		b = append(b, end...)
	}
	for _, t := range texts {
		if bytes.ContainsAny(t, "\r\n\x00") {
			return f, fmt.Errorf("cannot append key line: %w", ErrNotOneLine)
		}
		b = append(append(b, t...), end...)
	}
	return Parse(b), nil
}

// terminator returns "\r\n" when more lines end so than otherwise, else "\n".
func (f File) terminator() string {
	balance := 0
	for _, l := range f.Lines {
		switch len(l.End) {
		case 2:
			balance++
		case 1:
			balance--
		}
	}
	if balance > 0 {
		return "\r\n"
	}
	return "\n"
}

// Terminated reports whether the file is empty or its last line ends with a line break.
func (f File) Terminated() bool {
	n := len(f.Lines)
	return n == 0 || len(f.Lines[n-1].End) > 0
}

// Remove returns the file without the line of the given number, the others renumbered. An unknown number changes nothing.
// f is not changed.
func Remove(f File, number int) File {
	if number < 1 || number > len(f.Lines) {
		return f
	}
	g := File{Lines: make([]Line, 0, len(f.Lines)-1), overflow: f.overflow && number <= maxLines}
	for _, l := range f.Lines {
		if l.Number == number {
			continue
		}
		l.Number = len(g.Lines) + 1
		g.Lines = append(g.Lines, l)
	}
	return g
}

// Find returns the lines that hold the key, whatever their options say.
func (f File) Find(key Public) []Line {
	var found []Line
	for _, l := range f.Lines {
		if l.Kind == Key && l.Key.Equal(key) {
			found = append(found, l)
		}
	}
	return found
}

// FindComment returns the key lines whose comment, and the comment lines whose text, matches a pattern of *, ? and literal
// bytes. Callers tell the two apart by Kind.
func (f File) FindComment(pattern string) []Line {
	var found []Line
	for _, l := range f.Lines {
		if (l.Kind == Key || l.Kind == Comment) && wildcard.Match(pattern, string(l.Comment)) {
			found = append(found, l)
		}
	}
	return found
}
