package ssm

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/seed-77750964/regain/lab/wire"
)

const defaultKey = "alias/aws/ssm"

// encryptionContext binds a ciphertext to its parameter.
func (s *SSM) encryptionContext(name string) map[string]string {
	return map[string]string{"PARAMETER_ARN": s.parameterARN(name)}
}

// encrypt makes the value of a SecureString: a standard one is encrypted by KMS, an
// advanced one under a data key, which goes with it.
func (s *SSM) encrypt(name, tier, key, value string) (string, error) {
	ec := s.encryptionContext(name)
	if tier != advanced {
		blob, err := s.cfg.Keys.Encrypt(key, []byte(value), ec)
		return base64.StdEncoding.EncodeToString(blob), keyFault(err)
	}
	data, wrapped, err := s.cfg.Keys.DataKey(key, ec)
	if err != nil {
		return "", keyFault(err)
	}
	gcm, err := newGCM(data)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := io.ReadFull(s.cfg.Rand, nonce); err != nil {
		return "", fmt.Errorf("cannot make a nonce: %w", err)
	}
	blob := binary.BigEndian.AppendUint16(nil, uint16(len(wrapped)))
	blob = append(append(blob, wrapped...), nonce...)
	blob = gcm.Seal(blob, nonce, []byte(value), []byte(ec["PARAMETER_ARN"]))
	return base64.StdEncoding.EncodeToString(blob), nil
}

// decrypt reads what encrypt made.
func (s *SSM) decrypt(name string, v version) (string, error) {
	blob, err := base64.StdEncoding.DecodeString(v.Value)
	if err != nil {
		return "", fmt.Errorf("cannot decrypt a parameter: %w", err)
	}
	ec := s.encryptionContext(name)
	if v.Tier != advanced {
		text, err := s.cfg.Keys.Decrypt(blob, ec)
		return string(text), keyFault(err)
	}
	if len(blob) < 2 {
		return "", errors.New("cannot decrypt a parameter: it is cut off")
	}
	n := 2 + int(binary.BigEndian.Uint16(blob))
	if len(blob) < n {
		return "", errors.New("cannot decrypt a parameter: its data key is cut off")
	}
	data, err := s.cfg.Keys.Decrypt(blob[2:n], ec)
	if err != nil {
		return "", keyFault(err)
	}
	gcm, err := newGCM(data)
	if err != nil {
		return "", err
	}
	if len(blob) < n+gcm.NonceSize() {
		return "", errors.New("cannot decrypt a parameter: its value is cut off")
	}
	text, err := gcm.Open(nil, blob[n:n+gcm.NonceSize()], blob[n+gcm.NonceSize():], []byte(ec["PARAMETER_ARN"]))
	if err != nil {
		return "", fmt.Errorf("cannot decrypt a parameter: %w", err)
	}
	return string(text), nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("cannot use a data key: %w", err)
	}
	return cipher.NewGCM(block)
}

// keyFault tells of a key that cannot be used as Parameter Store does.
func keyFault(err error) error {
	if wire.IsFault(err, "NotFoundException", "InvalidArnException", "DisabledException", "KMSInvalidStateException") {
		return fault("InvalidKeyId", "%v", err)
	}
	return err
}
