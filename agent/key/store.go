package key

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Place is where a private key was put.
type Place struct {
	Parameter string // name in Parameter Store
	Version   int64  // of the parameter
	File      string
	Warnings  []string
}

// Label is what a store notes beside the key.
type Label struct {
	Instance string // i-…
	Run      string
}

// Store keeps private keys.
type Store interface {
	// Put stores the private half of the pair, durably, and says where.
	Put(ctx context.Context, pair *Pair, label Label) (Place, error)
	// Forget takes back a Put whose key never came to open anything, where that
	// is possible; what remains is told as a warning.
	Forget(ctx context.Context, place Place) (warning string, err error)
}

// FileStore keeps the key in a new file, mode 0600.
type FileStore struct{ Path string }

// Put writes the file. A file that exists already is never overwritten.
func (s FileStore) Put(_ context.Context, pair *Pair, _ Label) (Place, error) {
	f, err := os.OpenFile(s.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return Place{}, &StoreError{Code: "key-file-exists", Err: fmt.Errorf("cannot store the key: %s exists", s.Path), Hint: "name a file that does not exist yet"}
	}
	if err != nil {
		return Place{}, &StoreError{Code: "key-file", Err: fmt.Errorf("cannot store the key: %w", err)}
	}
	_, err = f.Write(pair.pem)
	if err = errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(s.Path))); err != nil {
		return Place{}, &StoreError{Code: "key-file", Err: errors.Join(fmt.Errorf("cannot store the key: %w", err), os.Remove(s.Path))}
	}
	return Place{File: s.Path}, nil
}

// Forget removes the file again.
func (s FileStore) Forget(context.Context, Place) (string, error) {
	if err := os.Remove(s.Path); err != nil {
		return "", fmt.Errorf("cannot remove the key file: %w", err)
	}
	return "", syncDir(filepath.Dir(s.Path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// StoreError is a failure to store, with what to do about it. Nothing has been
// written to the volume when it is returned.
type StoreError struct {
	Code string // stable
	Err  error
	Hint string
}

func (e *StoreError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StoreError) Unwrap() error { return e.Err }

// Details gives the code and the hint for the report.
func (e *StoreError) Details() (code, hint string) { return e.Code, e.Hint }

// ParameterName is where the private key of an instance is looked for: the name
// that EC2Rescue and AWSSupport-ResetAccess use.
func ParameterName(instance string) string { return "/ec2rl/openssh/" + instance + "/key" }

// Choice is a parsed --store.
type Choice struct {
	Parameter string // set: Parameter Store, under this name
	File      string // set: a file
}

// ParseChoice reads --store: ssm, ssm:NAME or file:PATH. The default name needs
// the instance's id.
func ParseChoice(text, instance string) (Choice, error) {
	kind, rest, named := strings.Cut(text, ":")
	switch {
	case kind == "file" && rest != "":
		return Choice{File: rest}, nil
	case kind == "file":
		return Choice{}, errors.New("--store file: needs a path, as in --store file:/root/key")
	case kind == "ssm" && named:
		return Choice{Parameter: rest}, checkParameter(rest)
	case kind == "ssm" && instance == "":
		return Choice{}, errors.New("cannot name the parameter: give --instance i-…, or --store ssm:NAME, or --store file:PATH")
	case kind == "ssm":
		return Choice{Parameter: ParameterName(instance)}, nil
	}
	return Choice{}, fmt.Errorf("--store %q is neither ssm, ssm:NAME nor file:PATH", text)
}

// checkParameter applies the rules of PutParameter's Name: letters, digits and
// ".-_/", at most 2048 characters and 15 levels.
func checkParameter(name string) error {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_/", r))
	})
	if name == "" || bad || len(name) > 2048 || strings.Count(name, "/") > 15 {
		return fmt.Errorf("%q is not the name of a parameter: letters, digits and . - _ / only", name)
	}
	return nil
}
