// Package store keeps a JSON document in a file so that a kill at any moment
// leaves it whole: as it was before a change or as it is after.
//
// It knows nothing of what it keeps, and it does not guard a file against a
// second process: whoever opens a state directory locks it first.
package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A File is one document of type T. Its methods may be called from several
// goroutines. What View and Update show belongs to the file: a caller copies what
// it wants to keep.
type File[T any] struct {
	path string

	mu    sync.RWMutex
	value *T
	saved []byte // what the file holds
}

// Open reads the document at path. A file that does not exist is the zero T, and
// is made by the first Update.
func Open[T any](path string) (*File[T], error) {
	f := &File[T]{path: path, value: new(T)}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read state: %w", err)
	}
	f.saved = data
	if err := json.Unmarshal(data, f.value); err != nil {
		return nil, fmt.Errorf("cannot read state in %s: %w", path, err)
	}
	return f, nil
}

// View shows the document. The function must not change it.
func (f *File[T]) View(look func(*T)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	look(f.value)
}

// Update changes the document and returns once the change is durable. After an
// error, be it the function's or the disk's, the document is as it was before.
func (f *File[T]) Update(change func(*T) error) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := false
	defer func() { // also when change panics
		if !kept {
			err = errors.Join(err, f.restore())
		}
	}()
	if err := change(f.value); err != nil {
		return err
	}
	data, err := json.Marshal(f.value)
	if err != nil {
		return fmt.Errorf("cannot encode state: %w", err)
	}
	if !bytes.Equal(data, f.saved) {
		if err := write(f.path, data); err != nil {
			return fmt.Errorf("cannot write state: %w", err)
		}
	}
	f.saved, kept = data, true
	return nil
}

func (f *File[T]) restore() error {
	f.value = new(T)
	if f.saved == nil {
		return nil
	}
	if err := json.Unmarshal(f.saved, f.value); err != nil {
		return fmt.Errorf("cannot restore state: %w", err)
	}
	return nil
}

// write replaces the file: a temporary one beside it, synced, renamed over it,
// and the directory synced. A temporary file that a kill left is overwritten.
func write(path string, data []byte) error {
	temp := path + ".new"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
