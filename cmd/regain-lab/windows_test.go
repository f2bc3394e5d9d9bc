package main

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// windowsImage is the least that the lab takes for a Windows. Its administrator has the
// password "let me in", as if an agent of the lab had set it.
func windowsImage(t *testing.T) string {
	t.Helper()
	testdisk.Need(t, "mkntfs", "ntfs-3g", "lowntfs-3g", "hivexregedit")
	dir := t.TempDir()
	hive.Create(t, filepath.Join(dir, "SYSTEM"), "[Select]\nCurrent = dword:1\n[ControlSet001\\Control]\n")
	hive.Create(t, filepath.Join(dir, "SOFTWARE"), "[Microsoft\\Windows NT\\CurrentVersion]\nProductName = sz:Windows\n")
	salt := []byte("salt")
	hash, err := pbkdf2.Key(sha256.New, "let me in", salt, 20000, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	login, err := json.Marshal(map[string][]byte{"Salt": salt, "Hash": hash})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sam.lab"), login, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "windows.raw")
	_, err = testdisk.NewNTFS(t.Context(), path, 64<<20, func(root string) error {
		config := filepath.Join(root, "Windows/System32/config")
		if err := os.MkdirAll(config, 0o755); err != nil {
			return err
		}
		for _, name := range []string{"SYSTEM", "SOFTWARE", "sam.lab"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(config, name), data, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}
