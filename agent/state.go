package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
)

// openState opens the journals for the commands that need them. Only a real
// rescue makes the directory: to look, or to undo, there is nothing to make.
func (w *work) openState() (err error) {
	if w.task.Command != Rescue && w.task.Command != Undo {
		return nil
	}
	dir := w.task.StateDir
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && (w.task.DryRun || w.task.Command == Undo) {
		if w.task.DryRun {
			return nil
		}
		return &rescue.Refusal{Code: "unknown-run", Text: fmt.Sprintf("there is no state directory %q", dir), Hint: "name the --state-dir of the rescue"}
	}
	if w.state, err = journal.Open(dir); err != nil || w.task.Command != Rescue {
		return err
	}
	return w.refuseKnownRun()
}

// refuseKnownRun keeps a run whose name was given from beginning twice.
func (w *work) refuseKnownRun() error {
	if _, err := w.state.Load(w.task.Run); err != nil {
		return nil // there is none: anything worse shows when it begins
	}
	return errors.Join(&rescue.Refusal{Code: "run-exists", Text: fmt.Sprintf("run %s has begun before", w.task.Run),
		Hint: "name another --run, or leave it out"}, w.closeState())
}

func (w *work) closeState() error {
	if w.state == nil {
		return nil
	}
	return w.state.Close()
}

// inside tells whether a path, which need not exist, lies in a directory, once
// links are followed.
func inside(path, dir string) bool {
	p, err := real(path)
	if err != nil {
		return false
	}
	d, err := real(dir)
	return err == nil && (p == d || strings.HasPrefix(p, strings.TrimSuffix(d, "/")+"/"))
}

// real follows links as far as the path exists.
func real(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		found, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(found, rest), nil
		}
		if path == "/" {
			return "", err
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
}
