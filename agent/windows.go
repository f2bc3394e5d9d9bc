package agent

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/userdata"
	"github.com/seed-77750964/regain/offline/winroot/agentconf"
)

// The sizes of RSA keys that .NET imports, and that are still held safe.
const (
	minRSA = 2048
	maxRSA = 4096
)

// ReadRSAKey takes what --windows-fallback was given, an RSA public key or the
// name of a file that holds one, in PEM or as OpenSSH writes it, and returns the
// key as one line of OpenSSH's. The error is a *UsageError; it never quotes what
// may be private.
func ReadRSAKey(arg string) (string, error) {
	data := []byte(arg)
	if !isPEM(data) && !strings.HasPrefix(strings.TrimSpace(arg), "ssh-") {
		var err error
		if data, err = readFile(arg); err != nil {
			return "", &UsageError{Text: fmt.Sprintf("cannot read the RSA public key: %v", err), Hint: rsaHint}
		}
		defer clear(data)
	}
	if isPEM(data) {
		key, err := fromPEM(data)
		if err != nil {
			return "", err
		}
		data = ssh.MarshalAuthorizedKey(key)
	}
	line := strings.TrimSpace(string(data))
	if _, err := parseRSA(line); err != nil {
		return "", err
	}
	return line, nil
}

const rsaHint = "--windows-fallback takes the name of a file with an RSA public key, in PEM or as ssh-keygen writes it: ssh-keygen -t rsa -b 3072 -m PEM makes a pair"

func isPEM(data []byte) bool { return bytes.Contains(data, []byte("-----BEGIN ")) }

func fromPEM(data []byte) (ssh.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, &UsageError{Text: "cannot use the RSA public key: it is no whole PEM", Hint: rsaHint}
	}
	var key any
	var err error
	switch {
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, &UsageError{Code: "private-key", Text: "that is a private key: keep it, and give its public half", Hint: "openssl pkey -in KEY -pubout writes it"}
	case block.Type == "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return nil, &UsageError{Text: fmt.Sprintf("cannot use the RSA public key: %v", err), Hint: rsaHint}
	}
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		return nil, &UsageError{Text: fmt.Sprintf("cannot use the RSA public key: %v", err), Hint: rsaHint}
	}
	return public, nil
}

// parseRSA reads a line of OpenSSH's.
func parseRSA(line string) (*rsa.PublicKey, error) {
	public, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, &UsageError{Text: "cannot use the RSA public key: it is no key, or more than one", Hint: rsaHint}
	}
	key, ok := rsaOf(public)
	switch {
	case !ok:
		return nil, &UsageError{Code: "key-type", Text: fmt.Sprintf("a key of type %q cannot encrypt a password: it must be RSA", public.Type()), Hint: rsaHint}
	case key.N.BitLen() < minRSA || key.N.BitLen() > maxRSA || key.N.BitLen()%8 != 0:
		return nil, &UsageError{Code: "key-size", Text: fmt.Sprintf("an RSA key of %d bits is not within %d and %d", key.N.BitLen(), minRSA, maxRSA), Hint: rsaHint}
	}
	return key, nil
}

func rsaOf(public ssh.PublicKey) (*rsa.PublicKey, bool) {
	holder, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return nil, false
	}
	key, ok := holder.CryptoPublicKey().(*rsa.PublicKey)
	return key, ok
}

// WindowsAgents lists what --windows-agent knows.
func WindowsAgents() []string {
	return []string{string(agentconf.EC2LaunchV2), string(agentconf.EC2LaunchV1), string(agentconf.EC2Config)}
}

// checkWindows reads what is said of a Windows. An RSA key that was given without
// saying for which system is used as that system can.
func checkWindows(j *job) (err error) {
	t := j.task
	if j.userData, err = userdata.StandIn(t.WindowsUserData); err != nil {
		return &UsageError{Text: "cannot use --windows-user-data: " + err.Error(),
			Hint: "it takes words, with commas between: " + strings.Join(userdata.Words(), ", ") + "; never user data itself, which may hold secrets"}
	}
	if t.WindowsAgent != "" && !slices.Contains(WindowsAgents(), t.WindowsAgent) {
		return &UsageError{Text: fmt.Sprintf("there is no launch agent %q", t.WindowsAgent), Hint: "--windows-agent is one of " + strings.Join(WindowsAgents(), ", ")}
	}
	switch {
	case t.WindowsFallback == "" && j.public != nil && j.public.Algorithm == ssh.KeyAlgoRSA && t.Command == Rescue:
		if j.fallback, err = parseRSA(t.PublicKey); err != nil {
			j.fallback = nil // it may still serve a Linux
		}
		return nil
	case t.WindowsFallback == "":
		return nil
	case t.WindowsAgent != "":
		return &UsageError{Text: "--windows-fallback and --windows-agent exclude each other", Hint: "the one is used in place of the other"}
	case t.PublicKey != "":
		return &UsageError{Text: "--windows-fallback and --public-key exclude each other", Hint: "on Windows both mean the key that the password is encrypted to"}
	}
	j.fallback, err = parseRSA(t.WindowsFallback)
	return err
}

// forWindows tells whether the task can only mean a Windows.
func forWindows(t offline.Task) bool {
	return t.WindowsFallback != "" || t.WindowsAgent != "" || t.WindowsUserData != ""
}
