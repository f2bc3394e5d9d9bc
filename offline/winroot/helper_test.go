package winroot_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/winroot"
)

// onNTFS gives f a directory of a new NTFS. f runs in a mount namespace of its own:
// it may start programs, but no goroutines that see the tree.
func onNTFS(t testing.TB, f func(dir string)) {
	t.Helper()
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit", "hivexget")
	img, err := testdisk.NewNTFS(context.Background(), filepath.Join(t.TempDir(), "windows.img"), 128<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Mount(func(dir string) error { f(dir); return nil }); err != nil {
		t.Fatal(err)
	}
}

// a case of a test: a machine, and what is done to its tree.
type machine struct {
	windows.Machine
	damage func(dir string) error
}

// on lays the machine out below dir, whose root it then is, and opens it.
func (m machine) on(t testing.TB, dir string) *volume {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	windows.Write(t, dir, m.Machine)
	if m.damage != nil {
		if err := m.damage(dir); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, dir)
}

// A volume closes with the systems that were detected on it.
type volume struct {
	*offline.Volume
	systems []*winroot.System
}

func (v *volume) Close() {
	for _, s := range v.systems {
		s.Close()
	}
	v.Volume.Close()
}

func open(t testing.TB, dir string) *volume {
	t.Helper()
	fd, err := syscall.Open(dir, syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := offline.OpenNTFS(fd)
	if err != nil {
		t.Fatal(err)
	}
	return &volume{Volume: v}
}

// mounted is a machine on an NTFS, for tests that need one.
func (m machine) mounted(t testing.TB, f func(v *volume, dir string)) {
	t.Helper()
	onNTFS(t, func(dir string) {
		v := m.on(t, filepath.Join(dir, "root"))
		defer v.Close()
		f(v, filepath.Join(dir, "root"))
	})
}

func detect(t testing.TB, v *volume) *winroot.System {
	t.Helper()
	s, err := winroot.Detect(v.Volume)
	if err != nil {
		t.Fatal(err)
	}
	v.systems = append(v.systems, s)
	return s
}

// apply makes the changes.
func apply(t testing.TB, v *volume, changes []offline.Change) {
	t.Helper()
	for _, c := range changes {
		if err := v.Apply(c); err != nil {
			t.Fatalf("%s %s: %v", c.Action(), c.Path, err)
		}
	}
}

// revert takes the changes back, last first.
func revert(t testing.TB, v *volume, changes []offline.Change) {
	t.Helper()
	for _, c := range slices.Backward(changes) {
		apply(t, v, []offline.Change{c.Invert()})
	}
}

// hivexget reads a value with a program that nobody here wrote: binary data as they
// are, numbers in decimal.
func hivexget(t testing.TB, hive, key, value string) []byte {
	t.Helper()
	data, err := os.ReadFile(hive) // of the volume, which a program elsewhere may not see
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hive")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("hivexget", path, key, value).Output()
	if err != nil {
		t.Fatalf("hivexget %s %s: %v", key, value, err)
	}
	return out
}

// ids of the findings that are as severe.
func ids(findings []offline.Finding, severity offline.Severity) []string {
	var list []string
	for _, f := range findings {
		if f.Severity == severity && !slices.Contains(list, f.ID) {
			list = append(list, f.ID)
		}
	}
	slices.Sort(list)
	return list
}

func read(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func agents(kinds ...string) []windows.Agent {
	var list []windows.Agent
	for _, k := range kinds {
		list = append(list, windows.Agent{Kind: k})
	}
	return list
}
