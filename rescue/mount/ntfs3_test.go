package mount_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/block"
	"github.com/seed-77750964/regain/rescue/mount"
)

const ntfs3Size = 16 << 20

// ntfs3Case is one disk of the guest.
type ntfs3Case struct {
	name  string
	agent string                          // the disk is that of a Windows with this launch agent
	spoil func(*testdisk.NTFSImage) error // before, with ntfs-3g
	guest func(device string) error
	wrote []string // whose bytes have changed after
	many  bool     // and of others
	check func(t *testing.T, before, after map[string]shownFile)
}

var ntfs3Cases = []ntfs3Case{
	{name: "hibernated", spoil: func(img *testdisk.NTFSImage) error { return img.Mount(testdisk.Hibernated) }, guest: refused("hibernated")},
	{name: "log open", spoil: func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, guest: refused("unclean")},
	{name: "log kept", spoil: func(img *testdisk.NTFSImage) error { return img.SetLog(2, 0, true) }, guest: refused("hibernated")},
	{name: "marked", spoil: (*testdisk.NTFSImage).MarkDirty, guest: refused("dirty")},
	{name: "damaged", spoil: func(img *testdisk.NTFSImage) error { return overwrite(img.Path, "FILE", "BAAD") }, guest: refused("inconsistent")},
	{name: "no NTFS", spoil: func(img *testdisk.NTFSImage) error { return overwrite(img.Path, "NTFS", "EXT4") }, guest: refused("not-ntfs")},
	{name: "look", spoil: closedLog, guest: guestLook},
	{name: "edit in the record", guest: guestEdit(edit(ntfsSmall, "type: random   \r\n")), wrote: []string{"record of config", "record of small.yml"}, check: showsContent(ntfsSmall, "type: random   \r\n")},
	{name: "edit that grows", guest: guestEdit(edit(ntfsSmall, strings.Repeat("longer\r\n", 1024))), wrote: []string{"$Bitmap", "$MFTMirr", "clusters of small.yml", "record of $Volume", "record of config", "record of small.yml"}, check: showsContent(ntfsSmall, strings.Repeat("longer\r\n", 1024))},
	{name: "patch", spoil: closedLog, guest: guestEdit(patch), wrote: []string{"$LogFile", "clusters of SOFTWARE", "record of SOFTWARE", "record of config"}, check: showsPatch},
	{name: "create", guest: guestEdit(create), wrote: []string{"$MFTMirr", "clusters of $MFT", "clusters of $Secure", "record of $Secure", "record of $Volume", "record of System32", "record of config", "record of the new one"}, check: showsNew("/Windows/System32/config/new", "new")},
	{name: "create directory", guest: guestEdit(createDir), wrote: []string{"$MFTMirr", "clusters of $MFT", "clusters of $Secure", "record of $Secure", "record of $Volume", "record of System32", "record of Windows", "record of the new one"}, check: showsNew("/Windows/System32/GroupPolicy", "")},
	{name: "remove", guest: guestEdit(removeOnce), wrote: []string{"$MFTMirr", "clusters of $MFT", "record of $Volume", "record of .run-once", "record of EC2Launch", "record of state"}, check: showsRemoved},
	{name: "undo", many: true, guest: guestUndo, check: showsUndone},
	{name: "cut off", many: true, guest: guestCutOff, check: showsUndone},
	{name: "power cut", many: true, guest: guestPowerCut},
	{name: "keep", guest: guestKeeps, check: showsSame},
	{name: "rescue", agent: windows.EC2LaunchV2, many: true, guest: guestRescue(false), check: showsArmed},
	{name: "rescue and undo", agent: windows.EC2LaunchV1, many: true, guest: guestRescue(true), check: showsSame},
	{name: "killed", many: true, guest: guestKilled, check: showsKilled},
}

// closedLog is that of a Windows which was shut down.
func closedLog(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, true) }

// The kernel's driver, on the kernel of a Debian that has it: it is refused the
// volumes that ntfs-3g.probe refuses, and where it writes, ntfs-3g finds what was
// to be written and nothing else changed.
func TestNTFS3InAVM(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "qemu-system-x86_64", "mkntfs", "ntfs-3g", "ntfs-3g.probe", "ntfscluster", "hivexregedit")
	dir := t.TempDir()
	program, agent := filepath.Join(dir, "init"), filepath.Join(dir, "regain-agent")
	if err := errors.Join(testdisk.BuildStatic(t.Context(), program, ".", "test", "-c"), testdisk.BuildStatic(t.Context(), agent, "../../cmd/regain-agent", "build")); err != nil {
		t.Fatal(err)
	}
	base, err := testdisk.NewNTFS(t.Context(), filepath.Join(dir, "ntfs.img"), ntfs3Size, ntfsTree, ntfs3Tree)
	if err != nil {
		t.Fatal(err)
	}
	names := inodes(t, base)
	guest := testdisk.Guest{Suite: testdisk.Trixie, Modules: []string{"virtio_blk", "loop", "ntfs3"}, Program: program, Files: map[string]string{"regain-agent": agent}}
	old, before := make([][]byte, len(ntfs3Cases)), make([]map[string]shownFile, len(ntfs3Cases))
	for i, c := range ntfs3Cases {
		img := &testdisk.NTFSImage{Path: clone(t, base.Path)}
		if c.agent != "" {
			img = windowsDisk(t, c.agent)
		}
		if c.check != nil {
			before[i] = showAll(t, img)
		}
		if c.spoil != nil {
			if err := c.spoil(img); err != nil {
				t.Fatal(err)
			}
		}
		old[i], guest.Disks = read(t, img.Path), append(guest.Disks, img.Path)
	}
	begin := time.Now()
	console, err := guest.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v in the guest:\n%s", time.Since(begin).Round(time.Second), console)
	if strings.Contains(console, guestFailed) || !strings.Contains(console, guestKernel) {
		t.Error("it failed in the guest")
	}
	for i, c := range ntfs3Cases {
		t.Run(c.name, func(t *testing.T) {
			img := &testdisk.NTFSImage{Path: guest.Disks[i]}
			if c.agent != "" {
				img.Offset = windowsAt
			}
			if !c.many {
				if diff := cmp.Diff(c.wrote, owners(t, img.Path, old[i], read(t, img.Path), names)); diff != "" {
					t.Error(diff)
				}
			}
			if c.check == nil {
				return
			}
			sound(t, img)
			c.check(t, before[i], showAll(t, img))
		})
	}
}

func TestNTFS3OfOldKernels(t *testing.T) {
	for release, want := range map[string]bool{
		"6.12.117+deb13-cloud-amd64": true, "6.14.0-1011-aws": true, "7.0": true, "10.1.0": true,
		"6.8.0-1021-aws": false, "6.1.0-56-amd64": false, "5.15.0": false, "6": false, "": false, "six.twelve": false,
	} {
		if got := mount.Proven(release); got != want {
			t.Errorf("%q: %v", release, got)
		}
	}
}

// sound holds the image against ntfs-3g.probe, and its flags against ours.
func sound(t *testing.T, img *testdisk.NTFSImage) {
	t.Helper()
	bare := filepath.Join(t.TempDir(), "bare.img")
	data := read(t, img.Path)[img.Offset:]
	if err := os.WriteFile(bare, data, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "ntfs-3g.probe", "--readwrite", bare)
	if log := run(t, "ntfscat", "--inode", "2", bare); len(log) == 0 || strings.Count(log, "\xff") != len(log) { // mkntfs and ntfs3 leave it so, and Windows makes a new one
		t.Errorf("the log of %d bytes is not one that nobody has used", len(log))
	}
	if sb, err := block.Probe(bytes.NewReader(data), int64(len(data))); err != nil || sb.Dirty || sb.NTFS.Log != block.LogClosed {
		t.Errorf("%+v, %v", sb, err)
	}
}

// ntfs3Tree closes what ntfsTree has made to all but the Administrators, as it is
// in a Windows, and adds what is in the way.
func ntfs3Tree(root string) error {
	at := func(name string) string { return filepath.Join(root, name) }
	err := errors.Join(os.MkdirAll(filepath.Dir(at(ntfsOnce)), 0o755), os.WriteFile(at(ntfsOnce), []byte("1"), 0o644),
		os.WriteFile(at(ntfsStreams), []byte("text"), 0o644), os.MkdirAll(at("Twins/A"), 0o755), os.MkdirAll(at("Twins/a"), 0o755),
		os.WriteFile(at(ntfsHive)+".LOG", []byte("linked"), 0o644), os.Link(at(ntfsHive)+".LOG", at(path.Dir(ntfsHive)+"/linked")),
		os.Mkdir(at("Users"), 0o755), os.WriteFile(at("Windows/odd"), nil, 0o644), testdisk.Junction("Documents and Settings", "Users")(root))
	for _, name := range []string{ntfsSmall, ntfsHive, ntfsOnce, ntfsStreams, ntfsHive + ".LOG"} {
		err = errors.Join(err, unix.Setxattr(at(name), testdisk.NTFSDescriptor, offline.NTFSFile(nil).Xattr[offline.XattrNTFSDescriptor], 0))
	}
	odd := "\x23\x01\x00\x00\x08\x00\x00\x00" + strings.Repeat("g", 16) + "whatever" // a tag that nobody knows
	return errors.Join(err, unix.Setxattr(at("Windows/odd"), "system.ntfs_reparse_data", []byte(odd), 0), unix.Setxattr(at(ntfsOnce), "system.ntfs_dos_name", []byte("RUN-ON~1"), 0),
		unix.Setxattr(at(ntfsOnce), testdisk.NTFSAttributes, []byte{0x02, 0x20, 0, 0}, 0),
		unix.Setxattr(at(ntfsStreams), "user.stream", []byte("kept"), 0))
}

const windowsAt = 1 << 20 // where NewNTFSDisk has the partition

// windowsDisk is that of a Windows whose files are closed to all but the Administrators.
func windowsDisk(t *testing.T, agent string) *testdisk.NTFSImage {
	t.Helper()
	release := map[string]string{windows.EC2LaunchV2: "2022", windows.EC2LaunchV1: "2019"}[agent]
	img, err := testdisk.NewNTFSDisk(t.Context(), filepath.Join(t.TempDir(), "windows.img"), 64<<20, func(root string) error {
		windows.Write(t, root, windows.Machine{Release: release, Agents: []windows.Agent{{Kind: agent}}})
		return filepath.WalkDir(root, func(p string, _ os.DirEntry, err error) error {
			if p == root || err != nil {
				return err
			}
			return unix.Setxattr(p, testdisk.NTFSDescriptor, offline.NTFSDir().Xattr[offline.XattrNTFSDescriptor], 0)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// shownFile is a file as ntfs-3g shows it.
type shownFile struct {
	Inode   uint64
	Content string
	Xattrs  map[string]string
}

// kernelDirectory is a bit that ntfs3 leaves in the attributes of a directory in
// which it has made or removed a name; it says that it is one, and nobody asks there.
const kernelDirectory = 0x10

func showAll(t *testing.T, img *testdisk.NTFSImage) map[string]shownFile {
	t.Helper()
	all := map[string]shownFile{}
	err := img.View(func(root string) error {
		return filepath.WalkDir(root, func(p string, entry os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var st unix.Stat_t
			if err := unix.Lstat(p, &st); err != nil {
				return err
			}
			f := shownFile{Inode: st.Ino, Xattrs: map[string]string{}}
			for _, name := range []string{testdisk.NTFSDescriptor, testdisk.NTFSAttributes, "system.ntfs_dos_name", "system.ntfs_ea", "system.ntfs_reparse_data", "user.stream"} {
				value := make([]byte, 1<<16)
				if n, err := unix.Lgetxattr(p, name, value); err == nil {
					if name == testdisk.NTFSAttributes && n == 4 {
						value[3] &^= kernelDirectory
					}
					f.Xattrs[name] = string(value[:n])
				}
			}
			if entry.Type().IsRegular() {
				data, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				f.Content = string(data)
			}
			all["/"+strings.TrimPrefix(strings.TrimPrefix(p, root), "/")] = f
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// inodes are the names that owners gives.
func inodes(t *testing.T, img *testdisk.NTFSImage) map[uint64]string {
	names := map[uint64]string{0: "$MFT", 3: "$Volume", 5: "/", 9: "$Secure", 27: "the new one"}
	for p, f := range showAll(t, img) {
		if p != "/" {
			names[f.Inode] = path.Base(p)
		}
	}
	return names
}

// except compares all files but one.
func except(t *testing.T, before, after map[string]shownFile, changed string) {
	t.Helper()
	before, after = maps.Clone(before), maps.Clone(after)
	delete(before, changed)
	delete(after, changed)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func showsContent(name, content string) func(*testing.T, map[string]shownFile, map[string]shownFile) {
	return func(t *testing.T, before, after map[string]shownFile) {
		want := before[name]
		want.Content = content
		if diff := cmp.Diff(want, after[name]); diff != "" {
			t.Error(diff)
		}
		except(t, before, after, name)
	}
}

func showsPatch(t *testing.T, before, after map[string]shownFile) {
	hive := before[ntfsHive].Content
	showsContent(ntfsHive, hive[:patchAt]+"1234"+hive[patchAt+4:])(t, before, after)
}

// showsNew finds a file that only SYSTEM and the Administrators have access to, and
// that has nothing besides.
func showsNew(name, content string) func(*testing.T, map[string]shownFile, map[string]shownFile) {
	return func(t *testing.T, before, after map[string]shownFile) {
		like, bits := offline.NTFSFile(nil), "\x20\x00\x00\x00"
		if content == "" {
			like, bits = offline.NTFSDir(), "\x10\x00\x00\x00"
		}
		want := shownFile{Inode: after[name].Inode, Content: content, Xattrs: map[string]string{
			testdisk.NTFSDescriptor: string(like.Xattr[offline.XattrNTFSDescriptor]), testdisk.NTFSAttributes: bits}}
		if diff := cmp.Diff(want, after[name]); diff != "" {
			t.Error(diff)
		}
		except(t, before, after, name)
	}
}

func showsRemoved(t *testing.T, before, after map[string]shownFile) {
	if f, is := after[ntfsOnce]; is {
		t.Errorf("it is there: %+v", f)
	}
	except(t, before, after, ntfsOnce)
}

func showsSame(t *testing.T, before, after map[string]shownFile) { except(t, before, after, "") }

// showsUndone finds all as it was but for what the driver cannot do: a file that
// was removed comes back without its short name.
func showsUndone(t *testing.T, before, after map[string]shownFile) {
	want := before[ntfsOnce]
	want.Inode, want.Xattrs = after[ntfsOnce].Inode, maps.Clone(want.Xattrs)
	delete(want.Xattrs, "system.ntfs_dos_name")
	if diff := cmp.Diff(want, after[ntfsOnce]); diff != "" {
		t.Error(diff)
	}
	except(t, before, after, ntfsOnce)
}

// showsArmed finds that the agent has never run, and all else as it was.
func showsArmed(t *testing.T, before, after map[string]shownFile) {
	if _, is := before[ntfsOnce]; !is {
		t.Error("it was armed before")
	}
	showsRemoved(t, before, after)
}

func showsKilled(t *testing.T, before, after map[string]shownFile) {
	if got := after["/open"].Content; got != "written" {
		t.Errorf("it has %q", got)
	}
	except(t, before, after, "/open")
}
