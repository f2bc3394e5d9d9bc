package offline_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

const (
	agentConfig = "/ProgramData/Amazon/EC2Launch/config/agent-config.yml"
	runOnce     = "/ProgramData/Amazon/EC2Launch/state/.run-once"
	software    = "/Windows/System32/config/SOFTWARE"
	hiveSize    = 1 << 20
)

// windows is a small tree with the names of a Windows volume. All files are
// closed to everybody but SYSTEM and the Administrators, and one has a short name.
func windows(root string) error {
	hive := bytes.Repeat([]byte("hive"), hiveSize/4)
	for name, data := range map[string][]byte{agentConfig: []byte("password:\r\n  type: doNothing\r\n"), runOnce: []byte("1"), software: hive} {
		at := filepath.Join(root, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, data, 0o644),
			syscall.Setxattr(at, testdisk.NTFSDescriptor, offline.NTFSFile(nil).Xattr[offline.XattrNTFSDescriptor], 0))
		if err != nil {
			return err
		}
	}
	return errors.Join(
		syscall.Setxattr(filepath.Join(root, agentConfig), "system.ntfs_dos_name", []byte("AGENT-~1.YML"), 0),
		syscall.Setxattr(filepath.Join(root, runOnce), "system.ntfs_dos_name", []byte("RUN-ON~1"), 0),
		syscall.Setxattr(filepath.Join(root, runOnce), testdisk.NTFSAttributes, []byte{0x02, 0x20, 0, 0}, 0), // hidden, not indexed, no archive bit
		syscall.Setxattr(filepath.Join(root, runOnce), "user.note", []byte("kept"), 0))
}

func windowsImage(t testing.TB, mutations ...testdisk.Mutation) *testdisk.NTFSImage {
	t.Helper()
	testdisk.Need(t, "mkntfs", "ntfs-3g")
	path := filepath.Join(t.TempDir(), "windows.img")
	img, err := testdisk.NewNTFS(context.Background(), path, 64<<20, append([]testdisk.Mutation{windows}, mutations...)...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// onNTFS mounts the image and gives f its Volume and where it is mounted.
func onNTFS(t testing.TB, img *testdisk.NTFSImage, f func(v *offline.Volume, root string)) {
	t.Helper()
	err := img.Mount(func(root string) error {
		v, err := openNTFS(root)
		if err != nil {
			return err
		}
		defer v.Close()
		f(v, root)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func openNTFS(root string) (*offline.Volume, error) {
	fd, err := syscall.Open(root, syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return offline.OpenNTFS(fd)
}

func TestNTFSPaths(t *testing.T) {
	img := windowsImage(t, testdisk.Junction("Documents and Settings", "Users"), testdisk.Junction("ProgramData/Hostile", "Windows"),
		func(root string) error {
			return errors.Join(os.Mkdir(filepath.Join(root, "windows "), 0o755), os.MkdirAll(filepath.Join(root, "Twins", "Ärger"), 0o755),
				os.MkdirAll(filepath.Join(root, "Twins", "ärger"), 0o755), os.MkdirAll(filepath.Join(root, "Twins", "Ångström"), 0o755),
				os.Symlink("agent-config.yml", filepath.Join(root, filepath.Dir(agentConfig), "link.yml")))
		})
	onNTFS(t, img, func(v *offline.Volume, _ string) {
		for _, c := range []struct {
			path, canonical string
			err             error
		}{
			{"/programdata/AMAZON/ec2launch/Config/AGENT-config.YML", agentConfig, nil},
			{agentConfig, agentConfig, nil},
			{"/windows//./SYSTEM32/../system32/config", "/Windows/System32/config", nil},
			{"/twins/ÅNGSTRÖM", "/Twins/Ångström", nil},
			{"/programdata/amazon/missing", "", fs.ErrNotExist},
			{"/programdata/amazon/missing/file", "", fs.ErrNotExist},
			{"/PROGRA~1", "", fs.ErrNotExist},
			{"/Windows\\System32", "", fs.ErrNotExist},
			{"/twins/Ärger", "", offline.ErrAmbiguous},
			{"/twins/ärger/x", "", offline.ErrAmbiguous},
			{"/documents and settings", "", offline.ErrReparse},
			{"/documents and settings/x", "", offline.ErrReparse},
			{"/ProgramData/Hostile/System32/config/SOFTWARE", "", offline.ErrReparse},
			{"/ProgramData/Amazon/EC2Launch/config/link.yml", "", offline.ErrReparse},
			{agentConfig + "/x", "", offline.ErrNotDir},
		} {
			got, err := v.Realpath(c.path)
			if got != c.canonical || !errors.Is(err, c.err) {
				t.Errorf("%s: %q, %v, want %q, %v", c.path, got, err, c.canonical, c.err)
			}
			if _, err := v.ReadFile(c.path, 100); c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("reading %s gives %v, want %v", c.path, err, c.err)
			}
		}
		if _, err := v.Realpath("/twins/ärger"); err == nil || !strings.Contains(err.Error(), "Ärger") || !strings.Contains(err.Error(), "ärger") {
			t.Errorf("the error does not name both: %v", err)
		}
		if got, err := v.ResolveMissing("/windows/system32/GroupPolicy/gpt.ini"); got != "/Windows/System32/GroupPolicy/gpt.ini" {
			t.Errorf("what is missing lies at %q, %v", got, err)
		}
		preview := v.Preview([]offline.Change{{Path: "/Twins/New", After: offline.NTFSDir()}, {Path: "/Twins/New/a", After: offline.NTFSFile([]byte("alpha"))}})
		if got, err := preview.ReadFile("/twins/new/A", 10); err != nil || string(got) != "alpha" {
			t.Errorf("the preview reads %q, %v", got, err)
		}
	})
}

// What Windows takes for one letter is one for us: its table is the volume's.
func TestNTFSCaseIsThatOfTheVolume(t *testing.T) {
	img := windowsImage(t)
	onNTFS(t, img, func(_ *offline.Volume, root string) {
		table, err := os.ReadFile(filepath.Join(root, "$UpCase"))
		if err != nil || len(table) != 2<<16 {
			t.Fatalf("%d bytes, %v", len(table), err)
		}
		for r := rune(0); r < 1<<16; r++ {
			upper := rune(binary.LittleEndian.Uint16(table[2*r:]))
			if surrogate := r >= 0xd800 && r < 0xe000; !surrogate && !offline.SameName("x"+string(r), "x"+string(upper)) {
				t.Errorf("%q and %q are two", r, upper)
			}
		}
	})
}

func TestNTFSHibernated(t *testing.T) {
	img := windowsImage(t)
	for content, want := range map[string]bool{"": false, "wake": false, "hibr": true, "HIBR": true, "RSTR": true, "\x00\x00\x00\x00": false} {
		onNTFS(t, img, func(v *offline.Volume, root string) {
			if got, err := v.Hibernated(); err != nil || got {
				t.Errorf("without the file: %v, %v", got, err)
			}
			file := filepath.Join(root, "HiberFil.sys")
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Error(err)
			}
			v, err := openNTFS(root)
			if err != nil {
				t.Error(err)
				return
			}
			defer v.Close()
			if got, err := v.Hibernated(); err != nil || got != want {
				t.Errorf("%q: %v, %v", content, got, err)
			}
			if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		})
	}
}

// The descriptor that we make is what ntfssecaudit reads as it is meant.
func TestNTFSDescriptor(t *testing.T) {
	testdisk.Need(t, "ntfssecaudit")
	img := windowsImage(t)
	out, err := exec.Command("ntfssecaudit", "-vv", img.Path, strings.TrimPrefix(runOnce, "/")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{
		"O:dec S-1-5-32-544", "G:dec S-1-5-32-544", "DACL cannot be modified by inheritable ACEs", "ACE cnt  2", "Local System SID",
		"Acc rgts 0x1f01ff",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("ntfssecaudit does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "S-1-1-0") {
		t.Errorf("everybody has access:\n%s", text)
	}
}

// A preview shows a patched file as it will be, and leaves it as it is.
func TestNTFSPreviewOfPatches(t *testing.T) {
	img := windowsImage(t)
	onNTFS(t, img, func(v *offline.Volume, _ string) {
		hive, err := v.SnapshotAttributes(software)
		if err != nil || hive.Size != hiveSize || hive.Data != nil {
			t.Fatalf("%+v, %v", hive, err)
		}
		preview := v.Preview([]offline.Change{{Path: software, Before: hive, After: hive, Patches: []offline.Patch{
			{Offset: 2, Before: []byte("vehi"), After: []byte("1234")}, {Offset: 4096, Before: []byte("hive"), After: []byte("HIVE")},
		}}})
		for name, c := range map[*offline.Volume][2]string{preview: {"hi1234ve", "34v"}, v: {"hivehive", "hiv"}} {
			data, err := name.ReadFile(software, hiveSize)
			if err != nil || !strings.HasPrefix(string(data), c[0]) {
				t.Errorf("read %.8q, %v", data, err)
			}
			at := make([]byte, 3)
			if _, err := name.ReadAt("/windows/system32/CONFIG/software", at, 4); err != nil || string(at) != c[1] {
				t.Errorf("read %q at 4, %v", at, err)
			}
		}
	})
}
