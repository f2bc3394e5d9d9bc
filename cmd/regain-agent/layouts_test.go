package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
)

// A part is a partition: a size in MiB, its type as sfdisk has it, and a file with
// its content, which may be none.
type part struct {
	size int
	kind string
	file string
}

const mebi = 1 << 20

// disk lays parts out behind one another.
func disk(t *testing.T, label string, parts ...part) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	table, at := "label: "+label+"\nunit: sectors\n", 1
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range parts {
		table += fmt.Sprintf("start=%d, size=%d, type=%s\n", at*mebi/512, p.size*mebi/512, p.kind)
		if p.file != "" {
			data, err := os.ReadFile(p.file)
			if err == nil {
				_, err = f.WriteAt(data, int64(at)*mebi)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		at += p.size
	}
	if err := f.Truncate(int64(at+2) * mebi); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sfdisk", "--quiet", "--no-reread", path)
	cmd.Stdin = strings.NewReader(table)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	return path
}

const ntfsSize = 48

func ntfs(t *testing.T, change testdisk.Mutation) string {
	t.Helper()
	img, err := testdisk.NewNTFS(t.Context(), filepath.Join(t.TempDir(), "ntfs.img"), ntfsSize*mebi, change)
	if err != nil {
		t.Fatal(err)
	}
	return img.Path
}

func systemDrive(t *testing.T) string {
	return ntfs(t, func(root string) error {
		return windows.Machine{Release: "2022", Agents: []windows.Agent{{Kind: windows.EC2LaunchV2}}}.Write(t.Context(), root)
	})
}

// locked is a partition that BitLocker has encrypted, as far as can be seen of it.
func locked(t *testing.T) string {
	data := make([]byte, 4*mebi)
	copy(data, "\xeb\x58\x90-FVE-FS-")
	binary.LittleEndian.PutUint64(data[176:], mebi) // where its metadata lies
	copy(data[mebi:], "-FVE-FS-\x2e\x00\x02\x00")
	return written(t, data)
}

func refs(t *testing.T) string {
	data := make([]byte, 4*mebi)
	copy(data[3:], "ReFS")
	return written(t, data)
}

func written(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part.img")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func efi(t *testing.T) string { return formatted(t, 40, "mkfs.vfat", "-F", "32") }

func ext4(t *testing.T) string { return formatted(t, 8, "mkfs.ext4", "-q") }

func formatted(t *testing.T, size int, command ...string) string {
	t.Helper()
	path := written(t, make([]byte, size*mebi))
	if out, err := exec.Command(command[0], append(command[1:], path)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[0], err, out)
	}
	return path
}

const (
	typeESP  = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
	typeMSR  = "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"
	typeData = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
)

// TestWindowsLayouts: the disks that EC2's Windows come on, and those that are
// refused. What is refused stays as it is, byte by byte.
func TestWindowsLayouts(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit", "sfdisk", "mkfs.vfat", "mkfs.ext4")
	reserved := func() part {
		return part{ntfsSize, "7", ntfs(t, func(root string) error { return os.Mkdir(filepath.Join(root, "Boot"), 0o755) })}
	}
	system := func(kind string) part { return part{ntfsSize, kind, systemDrive(t)} }
	for name, tt := range map[string]struct {
		disk func() string
		part int    // of Windows
		code string // of what is refused
		says []string
	}{
		"bare":            {func() string { return systemDrive(t) }, 0, "", nil},
		"MBR":             {func() string { return disk(t, "dos", system("7")) }, 1, "", nil},
		"system reserved": {func() string { return disk(t, "dos", reserved(), system("7")) }, 2, "", nil},
		"GPT": {func() string {
			return disk(t, "gpt", part{40, typeESP, efi(t)}, part{16, typeMSR, ""}, system(typeData))
		}, 3, "", nil},
		"recovery": {func() string {
			return disk(t, "gpt", reservedAs(reserved(), typeData), part{40, typeESP, efi(t)}, part{16, typeMSR, ""}, system(typeData))
		}, 4, "", nil},
		"data of a Linux": {func() string { return disk(t, "dos", system("7"), part{8, "83", ext4(t)}) }, 1, "", nil},
		"two": {func() string { return disk(t, "dos", system("7"), system("7")) }, 0, "several-roots",
			[]string{"2 filesystems hold a Windows", "partition 1", "partition 2", "--device"}},
		"BitLocker":               {func() string { return disk(t, "dos", part{8, "7", locked(t)}) }, 0, "bitlocker", []string{"BitLocker", "key"}},
		"BitLocker beside":        {func() string { return disk(t, "dos", reserved(), part{8, "7", locked(t)}) }, 0, "bitlocker", []string{"partition 2", "BitLocker"}},
		"BitLocker on data only":  {func() string { return disk(t, "dos", system("7"), part{8, "7", locked(t)}) }, 1, "", nil},
		"BitLocker beside an ESP": {func() string { return disk(t, "gpt", part{40, typeESP, efi(t)}, part{8, typeData, locked(t)}) }, 0, "bitlocker", []string{"partition 2"}},
		"ReFS":                    {func() string { return disk(t, "dos", part{8, "7", refs(t)}) }, 0, "refs", []string{"ReFS"}},
		"ReFS beside":             {func() string { return disk(t, "dos", reserved(), part{8, "7", refs(t)}) }, 0, "refs", []string{"partition 2", "ReFS"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := tt.disk()
			t.Chdir(t.TempDir())
			rescue := []string{"rescue", "--image", path, "--state-dir", "state"}
			if tt.code != "" {
				wantLayoutRefused(t, path, rescue, tt.code, tt.says)
				return
			}
			seen := wantCode(t, exitDone, "inspect", "--image", path)
			wantRoot(t, seen, tt.part)
			armed := wantCode(t, exitDone, rescue...)
			wantRoot(t, armed, tt.part)
			if armed.Outcome != offline.Rescued || armed.Windows.Agent != "ec2launch-v2" {
				t.Errorf("%s, %+v", armed.Outcome, armed.Windows)
			}
			wantCode(t, exitDone, "undo", "--image", path, "--state-dir", "state", "--run", armed.Run)
			wantCode(t, exitFindings, "diagnose", "--image", path)
		})
	}
}

func reservedAs(p part, kind string) part {
	p.kind = kind
	return p
}

// wantRoot fails unless the one NTFS that is used is in this partition.
func wantRoot(t *testing.T, r offline.Report, number int) {
	t.Helper()
	var roots []int
	for _, f := range r.Filesystems {
		if f.Role == "root" && f.Type == "ntfs" {
			roots = append(roots, f.Partition)
		}
	}
	if len(roots) != 1 || roots[0] != number {
		t.Errorf("Windows is on %v, want %d: %+v", roots, number, r.Filesystems)
	}
}

func wantLayoutRefused(t *testing.T, path string, rescue []string, code string, says []string) {
	t.Helper()
	was := digest(t, path)
	for _, args := range [][]string{rescue, append(rescue, "--dry-run"), {"diagnose", "--image", path}, {"inspect", "--image", path}} {
		r := wantCode(t, exitFailed, args...)
		text := r.Error.Message + " " + r.Error.Hint
		if r.Outcome != offline.Refused || r.Error.Code != code || r.Error.Hint == "" {
			t.Errorf("%q: %s, %+v", args, r.Outcome, r.Error)
		}
		for _, want := range says {
			if !strings.Contains(text, want) {
				t.Errorf("%q: no %q in %s", args, want, text)
			}
		}
	}
	if digest(t, path) != was {
		t.Error("the disk has changed")
	}
}

// attached is the disk as a block device with its partitions.
func attached(t *testing.T, path string) string {
	t.Helper()
	testdisk.Need(t, "losetup", "partx")
	run := func(args ...string) string {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	device := run("losetup", "--find", "--show", path)
	t.Cleanup(func() { run("losetup", "--detach", device) })
	run("partx", "--add", device)
	t.Cleanup(func() { run("partx", "--delete", device) })
	return device
}

// TestWindowsDevices: of two, the one whose partition is named is armed, and the
// other stays as it is, byte by byte.
func TestWindowsDevices(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit", "sfdisk")
	device := attached(t, disk(t, "dos", part{ntfsSize, "7", systemDrive(t)}, part{ntfsSize, "7", systemDrive(t)}))
	t.Chdir(t.TempDir())
	if r := wantCode(t, exitFailed, "rescue", "--device", device, "--state-dir", "state"); r.Error.Code != "several-roots" {
		t.Errorf("%+v", r.Error)
	}
	first, second := device+"p1", device+"p2"
	was, own := digest(t, first), digest(t, second)
	armed := wantCode(t, exitDone, "rescue", "--device", second, "--state-dir", "state")
	wantRoot(t, armed, 0)
	if digest(t, first) != was || digest(t, second) == own {
		t.Error("not the one that was named has changed")
	}
	wantCode(t, exitFindings, "diagnose", "--device", first)
	wantCode(t, exitDone, "diagnose", "--device", second)
	wantCode(t, exitDone, "undo", "--device", second, "--state-dir", "state", "--run", armed.Run)
	wantCode(t, exitFindings, "diagnose", "--device", second)
	if digest(t, first) != was {
		t.Error("the other has changed")
	}
}

// TestNothingOnIt: of a disk without any system it is said what it is, and not that
// a place for a key is wanted. On one that may be a Linux's root it is.
func TestNothingOnIt(t *testing.T) {
	testdisk.Need(t, "mkfs.ext4")
	path := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(path, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	wantLayoutRefused(t, path, []string{"rescue", "--image", path, "--state-dir", state}, "no-root", []string{"no filesystem that regain knows"})
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", path).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if r := wantCode(t, exitUsage, "rescue", "--image", path, "--state-dir", state); !strings.Contains(r.Error.Hint+r.Error.Message, "--store") {
		t.Errorf("%+v", r.Error)
	}
}
