package testdisk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// CacheDir is where roots and images are kept between runs: $REGAIN_CACHE, else
// regain below the user's cache directory. It is made when missing.
func CacheDir() (string, error) {
	dir := os.Getenv("REGAIN_CACHE")
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("cannot find the cache directory: %w", err)
		}
		dir = filepath.Join(base, "regain")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cannot make the cache directory: %w", err)
	}
	return dir, nil
}

// key names what was made from exactly these inputs.
func key(inputs ...string) string {
	sum := sha256.New()
	for _, in := range inputs {
		fmt.Fprintf(sum, "%d:%s", len(in), in)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// cached returns the path of name in the cache and has build make it at a
// temporary path first when it is not there. Processes that want the same thing
// at the same time wait for the one that builds it; what is half built never
// gets the name.
func cached(name string, build func(tmp string) error) (string, error) {
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if exists(path) {
		return path, nil
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(path) {
		return path, nil
	}
	tmp := path + ".tmp"
	if err := os.RemoveAll(tmp); err != nil {
		return "", fmt.Errorf("cannot clear an earlier attempt: %w", err)
	}
	if err := build(tmp); err != nil {
		return "", errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return "", fmt.Errorf("cannot name what was built: %w", err)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// lock takes an exclusive lock that the kernel drops if the process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), f.Close())
	}
	return func() { f.Close() }, nil
}
