// Package runs keeps the journals of rescues as files: DIR/runs/RUN.jsonl, an
// entry a line, each synced before its effect is relied upon.
//
// A journal is held by one process at a time. The package reads and writes
// entries and does not know what they mean; where the directory is, is cmd's
// business.
package runs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/controller/flow"
)

// ErrBusy means that another process holds the journal.
var ErrBusy = errors.New("another process is at this run")

// Dir is where the journals are. It implements controller.Runs.
type Dir string

var _ controller.Runs = Dir("")

const ending = ".jsonl"

// id is what the id of a run looks like: it comes from tags and from people, and
// becomes a file's name.
var id = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

func (d Dir) file(run string) (string, error) {
	if !id.MatchString(run) {
		return "", fmt.Errorf("%q is not the id of a run", run)
	}
	return filepath.Join(string(d), "runs", run+ending), nil
}

// Create makes the journal of a new run.
func (d Dir) Create(run string) (controller.Journal, error) {
	name, err := d.file(run)
	if err != nil {
		return nil, fmt.Errorf("cannot create a journal: %w", err)
	}
	j, err := d.create(name)
	if err != nil {
		return nil, fmt.Errorf("cannot create the journal of run %s: %w", run, err)
	}
	return j, nil
}

func (d Dir) create(name string) (*journal, error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	j, err := hold(f)
	if err != nil {
		return nil, errors.Join(err, os.Remove(name))
	}
	for _, changed := range []string{dir, string(d), filepath.Dir(string(d))} {
		if err := syncDir(changed); err != nil {
			return nil, errors.Join(err, j.Close(), os.Remove(name))
		}
	}
	return j, nil
}

// Open takes up the journal of an old run. A last entry that was being written
// when its process died is cut off: nothing has been done on its strength.
func (d Dir) Open(run string) (controller.Journal, error) {
	name, err := d.file(run)
	if err != nil {
		return nil, fmt.Errorf("cannot open a journal: %w", err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open the journal of run %s: %w", run, err)
	}
	j, err := hold(f)
	if err == nil {
		err = j.cutTorn()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the journal of run %s: %w", run, err)
	}
	return j, nil
}

// Peek reads the journal of a run that another process may be at.
func (d Dir) Peek(run string) ([]flow.Entry[controller.Rescue], error) {
	name, err := d.file(run)
	if err != nil {
		return nil, fmt.Errorf("cannot read a journal: %w", err)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal of run %s: %w", run, err)
	}
	defer f.Close()
	entries, _, err := read(f)
	if err != nil {
		return nil, damaged(name, err)
	}
	return entries, nil
}

// List names the runs, newest first.
func (d Dir) List() ([]string, error) {
	files, err := os.ReadDir(filepath.Join(string(d), "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the journals: %w", err)
	}
	var names []string
	for _, f := range files {
		if run, ok := strings.CutSuffix(f.Name(), ending); ok && id.MatchString(run) {
			names = append(names, run)
		}
	}
	slices.Reverse(names) // ids begin with the time
	return names, nil
}

// read reads entries, and how many bytes they are: a torn one at the end is not
// among them.
func read(from io.Reader) (entries []flow.Entry[controller.Rescue], size int64, err error) {
	lines := bufio.NewReader(from)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		if len(line) == 0 || errors.Is(err, io.EOF) {
			return entries, size, nil
		}
		e, err := decode(line)
		if err != nil {
			if _, last := lines.Peek(1); errors.Is(last, io.EOF) && bytes.IndexByte(line, 0) >= 0 {
				return entries, size, nil // its middle never reached the disk
			}
			return nil, 0, fmt.Errorf("line %d: %w", number, err)
		}
		entries, size = append(entries, e), size+int64(len(line))
	}
}

// decode looks at the version before the rest, which it says how to read.
func decode(line []byte) (e flow.Entry[controller.Rescue], err error) {
	var head struct{ Version int }
	if err := json.Unmarshal(line, &head); err != nil {
		return e, err
	}
	switch {
	case head.Version > flow.Version:
		return e, &versionError{head.Version}
	case head.Version < 1:
		return e, errors.New("there is no version")
	}
	return e, json.Unmarshal(line, &e)
}

// A versionError is an entry of a later program.
type versionError struct{ version int }

func (e *versionError) Error() string {
	return fmt.Sprintf("it is of version %d, this program knows %d: use a newer regain", e.version, flow.Version)
}

// damaged says what to do about a journal that cannot be read.
func damaged(name string, err error) error {
	if newer := (*versionError)(nil); errors.As(err, &newer) {
		return fmt.Errorf("cannot read the journal %s: %w", name, err)
	}
	return fmt.Errorf("cannot read the journal %s: %w; move it away, and resume the run by its instance's id: its tags tell what must be put back", name, err)
}
