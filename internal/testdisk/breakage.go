package testdisk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Breakage is a way in which people lock themselves out.
type Breakage struct {
	Name  string
	About string
	Break Mutation
}

// Breakages lists those that a demo disk can be made with. All concern the user
// admin.
func Breakages() []Breakage {
	const home = "home/admin"
	return []Breakage{
		{"lost-key", "the one key in authorized_keys is lost", loseKey},
		{"ssh-dir", "~/.ssh is writable by everyone", chmod(home+"/.ssh", 0o777)},
		{"key-owner", "authorized_keys belongs to another user", chown(home+"/.ssh/authorized_keys", 1001)},
		{"home-mode", "the home directory is writable by everyone", chmod(home, 0o777)},
		{"no-ssh-dir", "~/.ssh is gone", func(root string) error { return os.RemoveAll(filepath.Join(root, home, ".ssh")) }},
		{"pubkey-off", "sshd_config forbids public keys", pubkeyOff},
	}
}

// BreakagesNamed are the breakages of a comma-separated list; the empty list has
// none.
func BreakagesNamed(list string) ([]Mutation, error) {
	if list == "" {
		return nil, nil
	}
	byName := map[string]Mutation{}
	var known []string
	for _, b := range Breakages() {
		byName[b.Name] = b.Break
		known = append(known, b.Name)
	}
	var mutations []Mutation
	for name := range strings.SplitSeq(list, ",") {
		if byName[name] == nil {
			return nil, fmt.Errorf("cannot break %q: known are %s", name, strings.Join(known, ", "))
		}
		mutations = append(mutations, byName[name])
	}
	return mutations, nil
}

// loseKey leaves one line: a fresh key whose private half is thrown away here.
func loseKey(root string) error {
	dir, err := os.MkdirTemp("", "testdisk-key-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for the key: %w", err)
	}
	defer os.RemoveAll(dir)
	private, err := NewKey(context.Background(), dir, "lost-key", "ed25519")
	if err != nil {
		return err
	}
	public, err := os.ReadFile(private + ".pub")
	if err != nil {
		return fmt.Errorf("cannot read the public key: %w", err)
	}
	return os.WriteFile(filepath.Join(root, "home/admin/.ssh/authorized_keys"), public, 0o600)
}

func pubkeyOff(root string) error {
	path := filepath.Join(root, "etc/ssh/sshd_config.d/hardening.conf")
	return os.WriteFile(path, []byte("PubkeyAuthentication no\n"), 0o644)
}

func chmod(name string, mode os.FileMode) Mutation {
	return func(root string) error { return os.Chmod(filepath.Join(root, name), mode) }
}

func chown(name string, uid int) Mutation {
	return func(root string) error { return os.Chown(filepath.Join(root, name), uid, uid) }
}
