package agentconf

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/txtar"
)

// An editor is one of the three edits.
type editor func(data []byte, insert bool) (Edit, error)

var editors = map[string]editor{
	"ec2config":    func(data []byte, _ bool) (Edit, error) { return EditEC2Config(data) },
	"launchconfig": func(data []byte, _ bool) (Edit, error) { return EditLaunchConfig(data) },
	"agentconfig":  EditAgentConfig,
}

// A scenario is a file of testdata. Its comment says what is expected: "refuse CODE
// LINE", "already", "insert", "userdata", "note TEXT".
type scenario struct {
	in, out  string
	words    []string
	notes    []string
	refusal  Code
	line     int
	already  bool
	insert   bool
	userdata bool
}

func readScenario(t testing.TB, file string) scenario {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := scenario{}
	for _, f := range archive.Files {
		switch f.Name {
		case "in":
			s.in = string(f.Data)
		case "out":
			s.out = string(f.Data)
		}
	}
	for line := range strings.Lines(string(archive.Comment)) {
		line = strings.TrimSpace(line)
		if note, ok := strings.CutPrefix(line, "note "); ok {
			s.notes = append(s.notes, note)
		} else if rest, ok := strings.CutPrefix(line, "refuse "); ok {
			if _, err := fmt.Sscan(rest, &s.refusal, &s.line); err != nil {
				t.Fatal(err)
			}
		} else {
			s.words = append(s.words, line)
		}
	}
	s.already, s.insert, s.userdata = slices.Contains(s.words, "already"), slices.Contains(s.words, "insert"), slices.Contains(s.words, "userdata")
	if s.already {
		s.out = s.in
	}
	return s
}

// encodings write a text as Windows programs do.
var encodings = map[string]func(string) []byte{
	"utf-8":     func(s string) []byte { return []byte(s) },
	"utf-8 bom": func(s string) []byte { return []byte("\ufeff" + s) },
	"utf-16le":  func(s string) []byte { return wide("\ufeff"+s, 0) },
	"utf-16be":  func(s string) []byte { return wide("\ufeff"+s, 1) },
	"latin-1": func(s string) []byte {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return b
	},
}

func wide(s string, swap int) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		pair := []byte{byte(u), byte(u >> 8)}
		b = append(b, pair[swap], pair[1-swap])
	}
	return b
}

var lineEnds = map[string]func(string) string{
	"lf":          func(s string) string { return s },
	"crlf":        func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"no last lf":  func(s string) string { return strings.TrimSuffix(s, "\n") },
	"crlf, open":  func(s string) string { return strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\r\n") },
	"blank lines": func(s string) string { return s + "\n\n" },
}

// TestEdits runs each scenario in every encoding with every line end: the output
// is the expected text in the same dress, byte for byte.
func TestEdits(t *testing.T) {
	for dir, edit := range editors {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			s := readScenario(t, file)
			for encoding, encode := range encodings {
				for ends, end := range lineEnds {
					t.Run(strings.Join([]string{file, encoding, ends}, "/"), func(t *testing.T) {
						s.run(t, edit, encode(end(s.in)), encode(end(s.out)))
					})
				}
			}
		}
	}
}

func (s scenario) run(t *testing.T, edit editor, in, out []byte) {
	before := bytes.Clone(in)
	got, err := edit(in, s.insert)
	if s.refusal != "" {
		var r *Refusal
		if !errors.As(err, &r) || r.Code != s.refusal || s.line != 0 && r.Line != s.line {
			t.Fatalf("%#v (%v), want %s at line %d", r, err, s.refusal, s.line)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.After, out) {
		t.Fatalf("got\n%q\nwant\n%q", got.After, out)
	}
	if !bytes.Equal(got.Before, before) || !bytes.Equal(in, before) {
		t.Error("the input is not what it was")
	}
	if got.Already != s.already || got.UserData != s.userdata {
		t.Errorf("already %v, user data %v", got.Already, got.UserData)
	}
	notes := strings.Join(got.Notes, "\n")
	for _, note := range s.notes {
		if !strings.Contains(notes, note) {
			t.Errorf("notes %q lack %q", got.Notes, note)
		}
	}
	if strings.Contains(notes, "hunter2") {
		t.Errorf("the notes tell a password: %q", notes)
	}
	again, err := edit(got.After, false)
	if err != nil || !again.Already || !bytes.Equal(again.After, got.After) {
		t.Errorf("a second edit: %v, already %v", err, again.Already)
	}
}
