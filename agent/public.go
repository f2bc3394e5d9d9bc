package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/seed-77750964/regain/offline/sshkey"
)

// maxPublicFile is above what sshkey accepts, so that a longer file is refused
// as too long and not cut.
const maxPublicFile = 64<<10 + 1

// ReadPublicKey takes what --public-key was given, a key or the name of a file
// that holds one, and returns the key as one line. The error is a *UsageError;
// it never quotes what may be private.
func ReadPublicKey(arg string) (string, error) {
	public, err := sshkey.ParsePublicInput([]byte(arg))
	if err == nil {
		return public.String(), nil
	}
	if looksLikeText(arg, err) {
		return "", badPublic(err)
	}
	data, err := readFile(arg)
	if err != nil {
		return "", &UsageError{Text: fmt.Sprintf("cannot read the public key: %v", err), Hint: "--public-key takes the name of a .pub file, or the key itself in quotes"}
	}
	defer clear(data)
	if public, err = sshkey.ParsePublicInput(data); err != nil {
		return "", badPublic(err)
	}
	return public.String(), nil
}

// looksLikeText tells a damaged key from the name of a file. Names with blanks
// exist; a file that is there decides, unless the text may be private.
func looksLikeText(arg string, err error) bool {
	var input *sshkey.InputError
	if errors.As(err, &input) && (input.Code == "private-key" || input.Code == "ppk" || input.Code == "empty") {
		return true
	}
	if !strings.ContainsAny(arg, " \t\n") && len(arg) < 4096 {
		return false
	}
	_, err = os.Stat(arg)
	return err != nil
}

// readFile reads a file of any kind: a pipe from a password manager will do.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plainError(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPublicFile))
	if err != nil {
		return nil, plainError(name, err)
	}
	return data, nil
}

func plainError(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%q: %w", name, err)
}
