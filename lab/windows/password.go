package windows

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"
)

// loginFile stands for the SAM hive, which Windows keeps passwords in: the lab's Windows
// keeps its own beside it, so that it goes where the volume goes.
const loginFile = "windows/system32/config/sam.lab"

// A login is the administrator's password, as far as one must know it to check one.
type login struct{ Salt, Hash []byte }

const rounds = 20000

func (l login) derive(password string) ([]byte, error) {
	return pbkdf2.Key(sha256.New, password, l.Salt, rounds, sha256.Size)
}

func (l login) opens(password string) bool {
	hash, err := l.derive(password)
	return err == nil && subtle.ConstantTimeCompare(hash, l.Hash) == 1
}

func (s *system) readLogin() error {
	data, err := s.read(loginFile)
	if err != nil || data == nil {
		return err
	}
	var l login
	if err := json.Unmarshal(data, &l); err != nil {
		return fmt.Errorf("cannot read %s: %w", loginFile, err)
	}
	s.learn(l)
	return nil
}

// setPassword is what the agents do to the local administrator.
func (s *system) setPassword(password string) error {
	l := login{Salt: make([]byte, 16)}
	if _, err := io.ReadFull(s.random, l.Salt); err != nil {
		return fmt.Errorf("cannot set the password: %w", err)
	}
	var err error
	if l.Hash, err = l.derive(password); err != nil {
		return fmt.Errorf("cannot set the password: %w", err)
	}
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := s.write(loginFile, data); err != nil {
		return err
	}
	s.learn(l)
	return nil
}

// letters are those of a password, by their class.
var letters = []string{"ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz", "23456789", "!@#$%&*?."}

// newPassword makes a password of three classes at least.
func (s *system) newPassword() (string, error) {
	alphabet := strings.Join(letters, "")
	limit := 256 - 256%len(alphabet)
	for {
		var password []byte
		for one := make([]byte, 1); len(password) < 32; {
			if _, err := io.ReadFull(s.random, one); err != nil {
				return "", fmt.Errorf("cannot make a password: %w", err)
			}
			if int(one[0]) < limit {
				password = append(password, alphabet[int(one[0])%len(alphabet)])
			}
		}
		if classes(string(password)) >= 3 {
			return string(password), nil
		}
	}
}

// classes are how many kinds of letters a password has, as Windows counts them.
func classes(password string) int {
	kinds := map[string]bool{}
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			kinds["upper"] = true
		case unicode.IsLower(r):
			kinds["lower"] = true
		case unicode.IsDigit(r):
			kinds["digit"] = true
		default:
			kinds["other"] = true
		}
	}
	return len(kinds)
}

// reset gives the administrator a new password, and only then asks for the key to
// encrypt it with, as the agents do: where there is none, it is lost.
func (s *system) reset(token bool) error {
	password, err := s.newPassword()
	if err != nil {
		return err
	}
	if err := s.setPassword(password); err != nil {
		return err
	}
	key, err := s.publicKey(token)
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	if err != nil {
		return s.console.say("Failed to get metadata: public-keys; unable to send the password: %v", err)
	}
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, key, []byte(password)) //nolint:staticcheck // it is what EC2 documents
	if err != nil {
		return s.console.say("Unable to encrypt the password: %v", err)
	}
	if err := s.console.say("Username: Administrator"); err != nil {
		return err
	}
	return s.console.write("<Password>\n" + base64.StdEncoding.EncodeToString(sealed) + "\n</Password>\n")
}

// publicKey asks the metadata service for the key pair that the instance was launched with.
func (s *system) publicKey(token bool) (*rsa.PublicKey, error) {
	line, err := s.ask("/latest/meta-data/public-keys/0/openssh-key", token)
	if err != nil {
		return nil, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, fmt.Errorf("the key cannot be read: %w", err)
	}
	if key, ok := public.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey); ok {
		return key, nil
	}
	return nil, fmt.Errorf("the key is of the unsupported type %s", public.Type())
}

// ask is a question to the metadata service, in its second version if with a token.
func (s *system) ask(path string, token bool) (string, error) {
	header := http.Header{}
	if token {
		text, err := s.request(http.MethodPut, "/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"60"}})
		if err != nil {
			return "", err
		}
		header.Set("X-Aws-Ec2-Metadata-Token", text)
	}
	return s.request(http.MethodGet, path, header)
}

func (s *system) request(method, path string, header http.Header) (string, error) {
	if s.metadata == nil {
		return "", errors.New("there is no metadata service")
	}
	r, err := http.NewRequestWithContext(s.ctx, method, "http://169.254.169.254"+path, nil)
	if err != nil {
		return "", err
	}
	r.Header = header
	w := &answer{header: http.Header{}, code: http.StatusOK}
	s.metadata.ServeHTTP(w, r)
	if w.code != http.StatusOK {
		return "", fmt.Errorf("the metadata service answers %d", w.code)
	}
	return w.body.String(), nil
}

// An answer takes in what a handler writes.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header                { return a.header }
func (a *answer) WriteHeader(code int)               { a.code = code }
func (a *answer) Write(text []byte) (n int, _ error) { return a.body.Write(text) }
