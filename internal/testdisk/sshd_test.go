package testdisk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTreeSshd(t *testing.T) {
	Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	for _, suite := range []Suite{Bookworm, Trixie} {
		t.Run(string(suite), func(t *testing.T) {
			if _, err := Directory(t.Context(), suite, Small); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			tree, err := NewTree(t.Context(), filepath.Join(t.TempDir(), "a,b:c"), suite)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("tree after %v", time.Since(start).Round(time.Millisecond))
			right, wrong := newKeys(t)
			authorize(t, tree.Dir, right)
			sshd, err := tree.Sshd(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("listens after %v", time.Since(start).Round(time.Millisecond))
			wantLogins(t, sshd, sshd.Log, right, wrong)
			t.Logf("done after %v", time.Since(start).Round(time.Millisecond))
			if err := sshd.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTreeSshdHasPAM shows that the account stack decides: pam_nologin refuses,
// and an expired account is refused.
func TestTreeSshdHasPAM(t *testing.T) {
	Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	right, _ := newKeys(t)
	for name, change := range map[string]Mutation{
		"nologin": writeFile("etc/nologin", "closed for repairs"),
		"expired": replace("etc/shadow", "admin:!:", "admin:!:1:0:99999:7::2:\n#"),
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := NewTree(t.Context(), t.TempDir(), Bookworm)
			if err != nil {
				t.Fatal(err)
			}
			authorize(t, tree.Dir, right)
			if err := change(tree.Dir); err != nil {
				t.Fatal(err)
			}
			sshd, err := tree.Sshd(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer closeOrFail(t, sshd)
			if got := login(t, sshd, right); got.OK {
				t.Errorf("login went through; sshd said:\n%s", sshd.Log())
			}
		})
	}
}

func TestSshdThatCannotStart(t *testing.T) {
	Need(t, "mmdebstrap")
	tree, err := NewTree(t.Context(), t.TempDir(), Bookworm)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile("etc/ssh/sshd_config.d/bad.conf", "NoSuchKeyword yes\n")(tree.Dir); err != nil {
		t.Fatal(err)
	}
	_, err = tree.Sshd(t.Context())
	if !errors.Is(err, ErrNotListening) || !strings.Contains(err.Error(), "NoSuchKeyword") {
		t.Errorf("got error %v, want ErrNotListening with sshd's words", err)
	}
}

func TestImageSshd(t *testing.T) {
	Need(t, "mmdebstrap", "ssh", "ssh-keygen")
	right, wrong := newKeys(t)
	img, err := NewImage(t.Context(), filepath.Join(t.TempDir(), "disk"), Bookworm, Small, GPTBtrfs, func(root string) error {
		return addKey(root, right)
	})
	if err != nil {
		t.Fatal(err)
	}
	sshd, err := img.Sshd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantLogins(t, sshd, sshd.Log, right, wrong)
	if err := sshd.Close(); err != nil {
		t.Error(err)
	}
	wantUnmounted(t, img.Path)
}

func TestHostSshd(t *testing.T) {
	Need(t, "sshd", "ssh", "ssh-keygen")
	dir := t.TempDir()
	right, wrong := newKeys(t)
	hostKey, err := NewKey(t.Context(), dir, "host", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadFile(right + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"config": "HostKey " + hostKey + "\nUsePAM no\nStrictModes no\nAuthorizedKeysFile /etc/issue.net\n",
		"keys":   string(keys),
		"passwd": "root:x:0:0::/root:/bin/sh\nsshd:x:99:99::/run/sshd:/bin/false\nadmin::1234:1234::/:/bin/sh\n",
	}
	for name, text := range files {
		if err := writeFile(name, text)(dir); err != nil {
			t.Fatal(err)
		}
	}
	binds := map[string]string{"/etc/passwd": filepath.Join(dir, "passwd"), "/etc/issue.net": filepath.Join(dir, "keys")}
	sshd, err := HostSshd(t.Context(), filepath.Join(dir, "config"), binds)
	if err != nil {
		t.Fatal(err)
	}
	defer closeOrFail(t, sshd)
	wantLogins(t, sshd, sshd.Log, right, wrong)
}

type loginer interface {
	Login(ctx context.Context, user, keyFile string, command ...string) (Login, error)
}

func wantLogins(t *testing.T, s loginer, log func() string, right, wrong string) {
	t.Helper()
	if got := login(t, s, right); !got.OK || strings.TrimSpace(got.Stdout) != "admin" {
		t.Errorf("right key: %+v\nsshd said:\n%s", got, log())
	}
	if got := login(t, s, wrong); got.OK || got.Exit != 255 || !strings.Contains(got.Stderr, "Permission denied (publickey") {
		t.Errorf("wrong key: %+v\nsshd said:\n%s", got, log())
	}
}

func login(t *testing.T, s loginer, key string) Login {
	t.Helper()
	got, err := s.Login(t.Context(), "admin", key)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func newKeys(t *testing.T) (right, wrong string) {
	t.Helper()
	dir := t.TempDir()
	for name, path := range map[string]*string{"right": &right, "wrong": &wrong} {
		made, err := NewKey(t.Context(), dir, name, "ed25519")
		if err != nil {
			t.Fatal(err)
		}
		*path = made
	}
	return right, wrong
}

func authorize(t *testing.T, root, key string) {
	t.Helper()
	if err := addKey(root, key); err != nil {
		t.Fatal(err)
	}
}

func addKey(root, key string) error {
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "home/admin/.ssh/authorized_keys"), public, 0o600)
}

func replace(name, old, with string) Mutation {
	return func(root string) error {
		path := filepath.Join(root, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(strings.Replace(string(text), old, with, 1)), 0o640)
	}
}

func closeOrFail(t *testing.T, s *Sshd) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
