package rescue_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
)

// newWindowsBench has no key pair: a Windows takes none.
func newWindowsBench(t *testing.T) *bench {
	t.Helper()
	testdisk.Need(t, "mkntfs", "ntfs-3g", "ntfs-3g.probe", "hivexregedit", "hivexget")
	state, err := journal.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	return &bench{t: t, state: state}
}

const ntfsSize = 64 << 20

// windowsDisk is a disk of one partition with that machine on it.
func windowsDisk(t *testing.T, m windows.Machine, more ...testdisk.Mutation) *testdisk.NTFSImage {
	t.Helper()
	write := func(root string) error { windows.Write(t, root, m); return nil }
	img, err := testdisk.NewNTFSDisk(t.Context(), filepath.Join(t.TempDir(), "disk.raw"), ntfsSize, append([]testdisk.Mutation{write}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func server(release string, agents ...windows.Agent) windows.Machine {
	return windows.Machine{Release: release, Agents: agents}
}

// wantSound fails unless ntfs-3g.probe, and Windows with it, finds nothing amiss.
func wantSound(t *testing.T, img *testdisk.NTFSImage) {
	t.Helper()
	loop, err := exec.Command("losetup", "--find", "--show", "--read-only", "--offset", fmt.Sprint(img.Offset), img.Path).Output()
	if err != nil {
		t.Fatal(err)
	}
	device := strings.TrimSpace(string(loop))
	out, err := exec.Command("ntfs-3g.probe", "--readwrite", device).CombinedOutput()
	if err != nil {
		t.Errorf("probe: %v\n%s", err, out)
	}
	if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
		t.Errorf("losetup: %v\n%s", err, out)
	}
}

// contents are all files of a volume: what they hold, descriptor and attributes.
func contents(t *testing.T, img *testdisk.NTFSImage) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := img.View(func(root string) error {
		return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			var data []byte
			if d.Type().IsRegular() {
				if data, err = os.ReadFile(path); err != nil {
					return err
				}
			}
			text := string(data)
			for _, name := range []string{testdisk.NTFSDescriptor, testdisk.NTFSAttributes} {
				text += "\x00" + ntfsXattr(t, path, name)
			}
			all[strings.TrimPrefix(path, root)] = text
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func ntfsXattr(t *testing.T, path, name string) string {
	t.Helper()
	value := make([]byte, 64<<10)
	n, err := unix.Lgetxattr(path, name, value)
	if err != nil {
		t.Fatalf("%s of %s: %v", name, path, err)
	}
	return string(value[:n])
}

func differ(was, is map[string]string) []string {
	var names []string
	for name, text := range was {
		if other, ok := is[name]; !ok || other != text {
			names = append(names, name)
		}
	}
	for name := range is {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestArmAndUndo arms each launch agent on a real NTFS, and takes it back.
func TestArmAndUndo(t *testing.T) {
	for name, tt := range map[string]struct {
		machine windows.Machine
		changes []string
		says    string // of the volume afterwards
	}{
		"EC2Config":    {server("2012 R2", windows.Agent{Kind: windows.EC2Config}), []string{"/" + windows.ConfigXML}, "<State>Enabled</State>"},
		"EC2Launch v1": {server("2019", windows.Agent{Kind: windows.EC2LaunchV1}), []string{"/" + windows.TaskFile, "/" + windows.SoftwareHive}, ""},
		"EC2Launch v2": {server("2022", windows.Agent{Kind: windows.EC2LaunchV2}), []string{"/" + windows.RunOnce}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWindowsBench(t)
			img := windowsDisk(t, tt.machine)
			was := contents(t, img)
			report, err := b.rescue(img.Path)
			if err != nil || report.Outcome != offline.Rescued || report.Windows == nil || len(report.Windows.Armed) != 1 || report.Key != nil {
				t.Fatalf("%s, %v (%+v), %+v, findings %+v", report.Outcome, err, report.Error, report.Windows, report.Findings)
			}
			wantSound(t, img)
			is := contents(t, img)
			if got := differ(was, is); !slices.Equal(got, tt.changes) {
				t.Errorf("changed: %q, want %q", got, tt.changes)
			}
			if !strings.Contains(is[tt.changes[0]], tt.says) {
				t.Errorf("%s does not say %q", tt.changes[0], tt.says)
			}
			again, err := b.rescue(img.Path)
			if err != nil || again.Outcome != offline.Unchanged || !again.Windows.Already || len(again.Warnings) == 0 {
				t.Errorf("the second run: %s, %v, %+v, %q", again.Outcome, err, again.Windows, again.Warnings)
			}
			for range 2 {
				if _, err := b.undo(img.Path, report.Run); err != nil {
					t.Fatal(err)
				}
			}
			wantSound(t, img)
			if got := differ(was, contents(t, img)); len(got) > 0 {
				t.Errorf("undo left %q", got)
			}
		})
	}
}

// TestLookAtWindows: to look, and to plan, write nothing to the disk.
func TestLookAtWindows(t *testing.T) {
	b := newWindowsBench(t)
	img := windowsDisk(t, server("2022", windows.Agent{Kind: windows.EC2LaunchV2}))
	was := sum(t, img.Path)
	p := b.open(img.Path, false)
	seen, err := p.Inspect(t.Context(), rescue.Request{Run: "look"})
	if err != nil || seen.OS.ID != "windows-server-2022" || seen.Windows.Agent != windows.EC2LaunchV2 || len(seen.Filesystems) != 1 || seen.Filesystems[0].Role != "root" {
		t.Errorf("inspect: %v, %+v, %+v, %+v", err, seen.OS, seen.Windows, seen.Filesystems)
	}
	found, err := p.Diagnose(t.Context(), rescue.Request{Run: "look"})
	if err != nil || !rescue.Blocked(found) || len(found.Findings) == 0 {
		t.Errorf("diagnose: %v, %+v, %+v", err, found.Windows, found.Findings)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	plan, err := b.rescue(img.Path, func(r *rescue.Request) { r.DryRun = true })
	if err != nil || plan.Outcome != offline.Unchanged || len(plan.Changes) != 1 || plan.Changes[0].Diff == "" || len(plan.Windows.Warnings) == 0 {
		t.Errorf("dry run: %v, %+v, %+v", err, plan.Changes, plan.Windows)
	}
	if sum(t, img.Path) != was {
		t.Error("the disk has changed")
	}
}

// TestWindowsRefused makes each hazard for real: the disk stays as it is, and the
// report says what to do.
func TestWindowsRefused(t *testing.T) {
	v2 := windows.Agent{Kind: windows.EC2LaunchV2}
	for name, tt := range map[string]struct {
		machine windows.Machine
		hazard  func(*testdisk.NTFSImage) error
		code    string
	}{
		"hibernated": {server("2022", v2), func(img *testdisk.NTFSImage) error { return img.Mount(testdisk.Hibernated) }, "hibernated"},
		"log":        {server("2022", v2), func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }, "unclean"},
		"fast start": {server("2022", v2), func(img *testdisk.NTFSImage) error { return img.SetLog(2, 0, true) }, "hibernated"},
		"dirty":      {server("2022", v2), (*testdisk.NTFSImage).MarkDirty, "dirty"},
		"no agent":   {server("2022"), nil, "arming-refused"},
		"controller": {windows.Machine{Release: "2022", Agents: []windows.Agent{v2}, Files: map[string]string{"Windows/NTDS/ntds.dit": "x"}}, nil, "arming-refused"},
		"no Windows": {windows.Machine{}, nil, "no-windows"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWindowsBench(t)
			var img *testdisk.NTFSImage
			if tt.machine.Release != "" {
				img = windowsDisk(t, tt.machine)
			} else {
				var err error
				if img, err = testdisk.NewNTFSDisk(t.Context(), filepath.Join(t.TempDir(), "disk.raw"), ntfsSize); err != nil {
					t.Fatal(err)
				}
			}
			if tt.hazard != nil {
				if err := tt.hazard(img); err != nil {
					t.Fatal(err)
				}
			}
			was := sum(t, img.Path)
			report, err := b.rescue(img.Path)
			if report.Outcome != offline.Refused || report.Error == nil || report.Error.Code != tt.code || report.Error.Hint == "" {
				t.Errorf("%s, %v, %+v", report.Outcome, err, report.Error)
			}
			if refusal := (*rescue.Refusal)(nil); errors.As(err, &refusal) == (tt.code == "arming-refused") {
				t.Errorf("error %v", err)
			}
			if sum(t, img.Path) != was {
				t.Error("the disk has changed")
			}
		})
	}
}
