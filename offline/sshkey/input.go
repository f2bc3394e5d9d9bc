package sshkey

import (
	"bytes"
	"errors"
	"strings"
)

// InputError says why text given as a public key is not one. Code is stable: "empty", "too-long", "private-key", "ppk",
// "pem-public", "x509", "ssh2", "utf-16", "control", "several", "wrapped", "options", "certificate", "dsa", "short-rsa",
// "type-mismatch", "base64", "malformed", "unknown-type". Neither text quotes input that may be private.
type InputError struct {
	Code    string
	Message string
	Hint    string // what to do instead; may be empty
}

func (e *InputError) Error() string { return "cannot use public key: " + e.Message }

// maxInput bounds what is looked at as a public key: the largest real one has about 12 KiB.
const maxInput = 64 << 10

const hintPub = "give the file that ends in .pub, or run: ssh-keygen -y -f PRIVATE_KEY"

// ParsePublicInput parses what an operator gives as a public key: exactly one OpenSSH public key line without options.
// Blank lines and # comments around it are ignored. The error is always an *InputError.
func ParsePublicInput(text []byte) (Public, error) {
	if len(text) > maxInput {
		return Public{}, &InputError{"too-long", "the text is far longer than any public key", ""}
	}
	if e := refuseFormat(text); e != nil {
		return Public{}, e
	}
	lines := inputLines(text)
	switch {
	case len(lines) == 0:
		return Public{}, &InputError{"empty", "there is no key in the text", ""}
	case len(lines) > 1:
		return Public{}, refuseLines(lines)
	}
	key, err := readKey(lines[0])
	if err != nil {
		return Public{}, refuseLine(lines[0], err)
	}
	return acceptable(key)
}

func inputLines(text []byte) [][]byte {
	var lines [][]byte
	for l := range bytes.SplitSeq(text, []byte("\n")) {
		if l = bytes.Trim(l, " \t\r"); len(l) > 0 && l[0] != '#' {
			lines = append(lines, l)
		}
	}
	return lines
}

// looksPrivate errs on the side of yes. b3BlbnNzaC1rZXktdjE is the base64 of the magic "openssh-key-v1".
func looksPrivate(s []byte) bool {
	narrow := bytes.ReplaceAll(s, []byte{0}, nil)
	for _, mark := range []string{"PRIVATE KEY", "PuTTY-User-Key-File", "Private-Lines:", "b3BlbnNzaC1rZXktdjE", "SSH PRIVATE KEY FILE FORMAT"} {
		if bytes.Contains(narrow, []byte(mark)) {
			return true
		}
	}
	return false
}

func refuseFormat(text []byte) *InputError {
	has := func(mark string) bool { return bytes.Contains(text, []byte(mark)) }
	switch {
	case looksPrivate(text) && bytes.Contains(bytes.ReplaceAll(text, []byte{0}, nil), []byte("PuTTY")):
		return &InputError{"ppk", "this is a PuTTY private key file", "copy the public key from PuTTYgen's upper box, and keep the .ppk file secret"}
	case looksPrivate(text):
		return &InputError{"private-key", "this is a private key, which must never leave its owner", hintPub}
	case encoding(text) != "":
		return &InputError{"utf-16", "the text is UTF-16, as some Windows tools write it", "save it as UTF-8 or ASCII"}
	case has("---- BEGIN SSH2"):
		return &InputError{"ssh2", "this is the SSH2 (RFC 4716) format", "convert it with: ssh-keygen -i -f FILE"}
	case has("-----BEGIN CERTIFICATE"), has("-----BEGIN TRUSTED CERTIFICATE"):
		return &InputError{"x509", "this is an X.509 certificate, not an SSH key", ""}
	case has("-----BEGIN RSA PUBLIC KEY"):
		return &InputError{"pem-public", "this is a public key in PEM format", "convert it with: ssh-keygen -i -m PEM -f FILE"}
	case has("-----BEGIN"):
		return &InputError{"pem-public", "this is a public key in PEM format", "convert it with: ssh-keygen -i -m PKCS8 -f FILE"}
	case has(utf8BOM):
		return &InputError{"control", "the text holds a byte order mark", "save it without one"}
	}
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return &InputError{"control", "the text holds a NUL or another control byte", "copy the key again as plain text"}
		}
	}
	return nil
}

func refuseLines(lines [][]byte) *InputError {
	for _, l := range lines[1:] {
		if _, err := readKey(l); err == nil {
			return &InputError{"several", "there is more than one key in the text", "give one key"}
		}
	}
	if joined := append([]byte(nil), bytes.Join(lines, nil)...); nextType(joined) == 0 {
		return &InputError{"wrapped", "the key is wrapped over several lines", "join them into one line"}
	}
	return &InputError{"malformed", "the text has several lines and is not one public key", "give one line as in a .pub file"}
}

func refuseLine(line []byte, err error) *InputError {
	if end, ok := pastOptions(line); errors.Is(err, errNoKey) && ok {
		if _, inner := readKey(trimBlank(line[end:])); inner == nil {
			return &InputError{"options", "there are options in front of the key", "give the key alone, from its type on"}
		}
	}
	text := err.Error()
	switch {
	case errors.Is(err, errNoKey) && bytes.ContainsAny(line[:1], `"'`):
		return &InputError{"malformed", "the key stands in quotes", "remove them"}
	case errors.Is(err, errNoKey):
		return &InputError{"unknown-type", "the text does not begin with a type that OpenSSH knows, such as ssh-ed25519", hintPub}
	case errors.Is(err, errBase64):
		return &InputError{"base64", "the base64 text of the key is damaged", "copy the key again"}
	case strings.HasPrefix(text, "the line says"):
		return &InputError{"type-mismatch", text, "copy the key again"}
	case strings.HasPrefix(text, "the RSA modulus has"):
		return &InputError{"short-rsa", text, "make a new key with: ssh-keygen -t ed25519"}
	}
	return &InputError{"malformed", text, "copy the whole key again; it may be cut or wrapped"}
}

func acceptable(key Public) (Public, error) {
	switch {
	case key.IsCertificate():
		return Public{}, &InputError{"certificate", "this is a certificate, which authorized_keys does not take", "give the public key it was made from"}
	case key.Algorithm == "ssh-dss":
		return Public{}, &InputError{"dsa", "this is a DSA key, which current OpenSSH no longer accepts", "make a new key with: ssh-keygen -t ed25519"}
	}
	return key, nil
}
