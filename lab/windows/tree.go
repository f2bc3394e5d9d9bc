package windows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile is the largest file that Windows is expected to have among those that are
// looked at: a hive.
const maxFile = 256 << 20

// A tree is a mounted volume. Paths are relative to its root and in lower case.
type tree struct {
	ctx  context.Context // of the programs that look at it
	root string
}

func (t tree) path(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

func (t tree) has(name string) bool {
	_, err := os.Stat(t.path(name))
	return err == nil
}

// read is a file; nil where there is none.
func (t tree) read(name string) ([]byte, error) {
	f, err := os.Open(t.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil || len(data) > maxFile {
		return nil, fmt.Errorf("cannot read %s: it is too large, or: %w", name, err)
	}
	return data, nil
}

// write puts content into a file, in place where there is one.
func (t tree) write(name string, data []byte) error {
	f, err := os.OpenFile(t.path(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}

// patch overwrites a few bytes of a file.
func (t tree) patch(name string, at int64, data []byte) error {
	f, err := os.OpenFile(t.path(name), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot patch %s: %w", name, err)
	}
	_, err = f.WriteAt(data, at)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot patch %s: %w", name, err)
	}
	return nil
}

func (t tree) remove(name string) error {
	if err := os.Remove(t.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: %w", name, err)
	}
	return nil
}
