package key_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/seed-77750964/regain/agent/key"
)

// What is stored must be the private half of what is shown: checked with
// x/crypto and with ssh-keygen.
func TestStoredKeyBelongsToThePublicOne(t *testing.T) {
	for _, kind := range key.Types() {
		t.Run(string(kind), func(t *testing.T) {
			pair, err := key.Generate(kind, "regain:run-1")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "key")
			if _, err := (key.FileStore{Path: path}).Put(context.Background(), pair, key.Label{}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := ssh.ParsePrivateKey(data)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(signer.PublicKey().Marshal(), pair.Public.Blob) || pair.Public.Algorithm != kind.Algorithm() {
				t.Error("the halves do not fit")
			}
			out, err := exec.Command("ssh-keygen", "-y", "-f", path).Output()
			if err != nil || strings.TrimSpace(string(out)) != pair.Public.String() {
				t.Errorf("ssh-keygen -y = %s, %v; want %s", out, err, pair.Public.String())
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestFileStoreNeverOverwrites(t *testing.T) {
	pair, err := key.Generate(key.Ed25519, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	store := key.FileStore{Path: path}
	var refusal *key.StoreError
	if _, err := store.Put(context.Background(), pair, key.Label{}); !errors.As(err, &refusal) || refusal.Code != "key-file-exists" {
		t.Errorf("Put = %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("the file now holds %q", data)
	}
}

func TestForgottenFileIsGone(t *testing.T) {
	pair, err := key.Generate(key.Ed25519, "")
	if err != nil {
		t.Fatal(err)
	}
	store := key.FileStore{Path: filepath.Join(t.TempDir(), "key")}
	place, err := store.Put(context.Background(), pair, key.Label{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Forget(context.Background(), place); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(store.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key file is still there: %v", err)
	}
}

func TestParseChoice(t *testing.T) {
	for text, want := range map[string]key.Choice{
		"ssm": {Parameter: "/ec2rl/openssh/i-1/key"}, "ssm:/my/key": {Parameter: "/my/key"}, "file:/k": {File: "/k"}, "file:a:b": {File: "a:b"},
	} {
		if got, err := key.ParseChoice(text, "i-1"); err != nil || got != want {
			t.Errorf("%q = %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "s3", "file:", "file", "ssm:", "ssm:a b", "ssm:" + strings.Repeat("/a", 16), "ssmx:/a"} {
		if got, err := key.ParseChoice(text, "i-1"); err == nil {
			t.Errorf("%q = %+v", text, got)
		}
	}
	if _, err := key.ParseChoice("ssm", ""); err == nil {
		t.Error("a parameter was named without an instance")
	}
}

func TestUnknownTypeIsRefused(t *testing.T) {
	if _, err := key.Generate("dsa", ""); err == nil {
		t.Error("a DSA key was made")
	}
}
