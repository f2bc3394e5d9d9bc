// Package image makes and copies raw disk images: whole or not at all, durable
// when the call returns, and with their holes.
//
// It never looks into an image, and it knows no volumes or snapshots.
package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Create makes an image of size bytes, all of it a hole. An image that is there
// already is an error.
func Create(path string, size int64) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("cannot create image %s: %w", path, fs.ErrExist)
	}
	return replace(path, func(f *os.File) error { return f.Truncate(size) })
}

// Grow makes an image larger, as a volume may be larger than its snapshot. An
// image that is that large already stays as it is.
func Grow(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot grow image: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = errors.Join(f.Truncate(size), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cannot grow image: %w", err)
	}
	return nil
}

// replace fills a temporary file beside path, syncs it, renames it to path and
// syncs the directory. A temporary file that a kill left is overwritten.
func replace(path string, fill func(*os.File) error) error {
	temp := path + ".new"
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("cannot create image: %w", err)
	}
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("cannot write image %s: %w", path, errors.Join(err, os.Remove(temp)))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot sync directory: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("cannot sync directory: %w", err)
	}
	return nil
}
