package regf

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

func openBytes(t testing.TB, b []byte) *Hive {
	t.Helper()
	h, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func openFile(t testing.TB, path string) *Hive {
	t.Helper()
	return openBytes(t, readFile(t, path))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// created is a hive made by hivexregedit from a description.
func created(t testing.TB, description string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "HIVE")
	hive.Create(t, path, description)
	return path
}

// sub is the key of that path, the root for "".
func sub(t testing.TB, h *Hive, path string) *Key {
	t.Helper()
	k, err := h.Root()
	if err == nil && path != "" {
		k, err = k.Sub(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func value(t testing.TB, h *Hive, key, name string) Value {
	t.Helper()
	v, err := sub(t, h, key).Value(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// An entry is a value as both this package and the oracle can say it. A key is one
// too, without a type.
type entry struct {
	key, name string
	typ       int64 // -1: a key
	data      string
}

// dump lists what is in a hive, in the order of sortEntries.
func dump(t testing.TB, h *Hive) []entry {
	t.Helper()
	root, err := h.Root()
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	var walk func(k *Key, path string)
	walk = func(k *Key, path string) {
		entries = append(entries, entry{key: path, typ: -1})
		values, err := k.Values()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			data, err := v.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, entry{path, v.Name, int64(v.Type), string(data)})
		}
		keys, err := k.Subkeys()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range keys {
			walk(s, path+`\`+s.Name)
		}
	}
	walk(root, "")
	sortEntries(entries)
	return entries
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int {
		if n := strings.Compare(a.key, b.key); n != 0 {
			return n
		}
		if a.typ < 0 || b.typ < 0 {
			return int(a.typ - b.typ)
		}
		return strings.Compare(a.name, b.name)
	})
}
