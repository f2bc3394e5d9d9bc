package conf

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// HostKey is what sshd would make of one host key file.
type HostKey struct {
	Path     string
	From     Value
	Loadable Tri
	Type     string // "ssh-ed25519"; empty where the format hides it
	Missing  bool   // there is no file: something may make it before sshd starts
	Text     string // why it is not loaded, or why that is open
}

// HostKeys looks at every host key that sshd would try, in order.
func (c *Config) HostKeys(v *offline.Volume, db *account.DB) []HostKey {
	var out []HostKey
	for _, value := range c.globalOf("hostkey") {
		if value.Text == "none" {
			continue
		}
		k := HostKey{Path: value.Text, From: value}
		k.look(v, c, db)
		out = append(out, k)
	}
	return out
}

func (c *Config) globalOf(name string) []Value {
	if v := c.global[name]; len(v) > 0 {
		return v
	}
	return defaultOf(name, c.options.Version)
}

func (k *HostKey) look(v *offline.Volume, c *Config, db *account.DB) {
	info, err := v.Stat(k.Path)
	switch {
	case errors.Is(err, offline.ErrAbsentVolume):
		k.Loadable, k.Text = Maybe, err.Error()
		return
	case err != nil:
		k.Missing, k.Text = errors.Is(err, fs.ErrNotExist), err.Error()
		return
	case info.Kind != offline.Regular:
		k.Text = "not a regular file"
		return
	case info.UID == 0 && info.Mode&0o077 != 0 && !keysGroup(info, c.options.Version, db):
		k.Text = fmt.Sprintf("mode %04o is open to others: sshd ignores it", info.Mode)
		return
	}
	data, err := v.ReadFile(k.Path, offline.MaxConfig)
	if err != nil {
		k.Loadable, k.Text = Maybe, err.Error()
		return
	}
	size, _ := strtonum((&Effective{config: c}).First("requiredrsasize").Text, 0, 1<<31-1)
	k.Type, err = privateKey(data, int(size))
	if err != nil {
		k.Text = err.Error()
		return
	}
	k.Loadable = Yes
}

// keysGroup is Red Hat's patch up to RHEL 9: the group ssh_keys may read.
func keysGroup(info offline.Info, v Version, db *account.DB) bool {
	g, err := db.Group("ssh_keys")
	return err == nil && v.Vendor == RedHat && info.GID == g.GID && info.Mode&0o077&^0o040 == 0
}

var (
	errNotPrivate = errors.New("not a private key")
	errPassphrase = errors.New("the key has a passphrase")
	errDamaged    = errors.New("the key is damaged")
	errShortRSA   = errors.New("the RSA key is shorter than RequiredRSASize")
)

// pemKeys are the PEM types that OpenSSL reads for sshd.
var pemKeys = []string{"RSA PRIVATE KEY", "DSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"}

// privateKey tells whether sshd, without a passphrase, can load a private key,
// and of which type it is. The secret part is only looked at for its frame.
func privateKey(data []byte, minRSA int) (string, error) {
	if rest, ok := bytes.CutPrefix(data, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n")); ok {
		body, _, ok := bytes.Cut(rest, []byte("-----END OPENSSH PRIVATE KEY-----"))
		if !ok {
			return "", errDamaged
		}
		return opensshKey(body, minRSA)
	}
	block, _ := pem.Decode(data)
	switch {
	case block == nil:
		return "", errNotPrivate
	case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return "", errPassphrase
	case !slices.Contains(pemKeys, block.Type):
		return "", errNotPrivate
	case !wholeDER(block.Bytes):
		return "", errDamaged
	}
	return map[string]string{"RSA PRIVATE KEY": "ssh-rsa", "DSA PRIVATE KEY": "ssh-dss"}[block.Type], nil
}

// wholeDER tells whether the bytes are one sequence, complete.
func wholeDER(b []byte) bool {
	if len(b) < 2 || b[0] != 0x30 {
		return false
	}
	length, header := int(b[1]), 2
	if n := int(b[1] &^ 0x80); b[1] >= 0x80 {
		if n == 0 || n > 4 || len(b) < 2+n {
			return false
		}
		length = 0
		for _, c := range b[2 : 2+n] {
			length = length<<8 | int(c)
		}
		header += n
	}
	return len(b) == header+length
}

// opensshKey reads the frame of the openssh-key-v1 format (sshd: PROTOCOL.key).
func opensshKey(body []byte, minRSA int) (string, error) {
	clean := bytes.Join(bytes.Fields(body), nil)
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(clean)))
	n, err := base64.StdEncoding.Decode(raw, clean)
	r := &reader{b: raw[:n]}
	if err != nil || string(r.take(15)) != "openssh-key-v1\x00" {
		return "", errDamaged
	}
	cipher, kdf := string(r.field()), string(r.field())
	r.field() // the kdf's parameters
	count := r.uint32()
	public := &reader{b: r.field()}
	private := &reader{b: r.field()}
	switch {
	case r.bad || count != 1:
		return "", errDamaged
	case cipher != "none" || kdf != "none":
		return "", errPassphrase
	}
	name := string(public.field())
	first, second := private.uint32(), private.uint32()
	if first != second || string(private.field()) != name || public.bad || private.bad || !slices.ContainsFunc(keyNames, func(k named) bool { return k.name == name }) {
		return "", errDamaged
	}
	if name == "ssh-rsa" {
		public.field() // the exponent
		if bits := new(big.Int).SetBytes(public.field()).BitLen(); bits < minRSA {
			return name, errShortRSA
		}
	}
	return name, nil
}

// reader takes SSH wire values; it goes bad at the first that does not fit.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) field() []byte { return r.take(int(r.uint32())) }
