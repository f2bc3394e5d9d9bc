package rescue_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

const mebi = 1 << 20

// partitioned puts images, each a disk with a partition at 1 MiB, one after the
// other into one MBR disk.
func partitioned(t *testing.T, images ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	disk, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	var table strings.Builder
	table.WriteString("label: dos\nunit: sectors\n")
	at := int64(mebi)
	for _, name := range images {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := disk.WriteAt(data, at); err != nil {
			t.Fatal(err)
		}
		table.WriteString("start=" + sectors(at) + ", size=" + sectors(int64(len(data))) + ", type=7\n")
		at += int64(len(data))
	}
	if err := disk.Truncate(at + mebi); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sfdisk", "--quiet", "--no-reread", path)
	cmd.Stdin = strings.NewReader(table.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	return path
}

func sectors(n int64) string { return strconv.FormatInt(n/512, 10) }

// bare is an NTFS that is no disk.
func bare(t *testing.T, change testdisk.Mutation, hazard func(*testdisk.NTFSImage) error) string {
	t.Helper()
	img, err := testdisk.NewNTFS(t.Context(), filepath.Join(t.TempDir(), "ntfs.img"), ntfsSize/2, change)
	if err == nil && hazard != nil {
		err = hazard(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return img.Path
}

// TestWhichPartitionIsWindows: by what is on it, whatever its number; a hazard of
// the other one is nobody's business, and one of Windows' own is told.
func TestWhichPartitionIsWindows(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit", "sfdisk")
	system := func(root string) error {
		windows.Write(t, root, server("2012 R2", windows.Agent{Kind: windows.EC2Config}))
		return nil
	}
	reserved := func(root string) error { return os.Mkdir(filepath.Join(root, "Boot"), 0o755) }
	open := func(img *testdisk.NTFSImage) error { return img.SetLog(1, 1, false) }
	for name, tt := range map[string]struct {
		parts func() []string
		code  string
	}{
		"second":        {func() []string { return []string{bare(t, reserved, nil), bare(t, system, nil)} }, ""},
		"first":         {func() []string { return []string{bare(t, system, nil), bare(t, reserved, nil)} }, ""},
		"other unclean": {func() []string { return []string{bare(t, reserved, open), bare(t, system, nil)} }, ""},
		"unclean":       {func() []string { return []string{bare(t, reserved, nil), bare(t, system, open)} }, "unclean"},
		"two":           {func() []string { return []string{bare(t, system, nil), bare(t, system, nil)} }, "several-roots"},
		"none":          {func() []string { return []string{bare(t, reserved, nil), bare(t, reserved, nil)} }, "no-windows"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWindowsBench(t)
			disk := partitioned(t, tt.parts()...)
			report, err := b.rescue(disk)
			if tt.code == "" {
				if err != nil || report.Outcome != offline.Rescued {
					t.Errorf("%s, %v, %+v", report.Outcome, err, report.Error)
				}
				return
			}
			if report.Outcome != offline.Refused || report.Error.Code != tt.code || report.Error.Hint == "" {
				t.Errorf("%s, %v, %+v", report.Outcome, err, report.Error)
			}
		})
	}
}

// TestInterruptedArming: an interrupt between two writes leaves the volume as it
// was, and the report says of it what holds.
func TestInterruptedArming(t *testing.T) {
	b := newWindowsBench(t)
	img := windowsDisk(t, server("2022", windows.Agent{Kind: windows.EC2LaunchV2, Start: 4}))
	was := contents(t, img)
	ctx, cancel := context.WithCancel(t.Context())
	r := b.request()
	r.Allow = windowsConsents
	r.OnStep = func(string) { cancel() }
	p := b.open(img.Path, true)
	report, err := p.Rescue(ctx, r)
	if cerr := p.Close(); cerr != nil {
		t.Error(cerr)
	}
	if !errors.Is(err, context.Canceled) || report.Outcome != offline.Failed || len(report.Windows.Armed) > 0 || len(report.Changes) > 0 {
		t.Errorf("%s, %v, %+v", report.Outcome, err, report.Windows)
	}
	wantSound(t, img)
	if got := differ(was, contents(t, img)); len(got) > 0 {
		t.Errorf("left %q", got)
	}
}

// TestWindowsSecretsAreMasked: neither the plan nor the report of a run holds a
// password that stands in the agent's settings.
func TestWindowsSecretsAreMasked(t *testing.T) {
	const secret = "Hunter2Hunter2"
	settings := "version: 1.0\nconfig:\n  - stage: preReady\n    tasks:\n      - task: setAdminAccount\n        inputs:\n          password:\n            type: static\n            data: " + secret + "\n"
	b := newWindowsBench(t)
	img := windowsDisk(t, server("2022", windows.Agent{Kind: windows.EC2LaunchV2, Settings: &settings}))
	for _, dry := range []bool{true, false} {
		report, err := b.rescue(img.Path, func(r *rescue.Request) { r.DryRun = dry })
		if err != nil || len(report.Changes) != 2 {
			t.Fatalf("%v, %+v", err, report.Changes)
		}
		if text := said(report) + strings.Join(report.Windows.Warnings, "\n"); strings.Contains(text, secret) || !strings.Contains(text, "random") {
			t.Errorf("dry %t: %s", dry, text)
		}
	}
}

// TestNotWindows: what only a Windows can do is refused on a Linux, and a
// Windows that somebody has mounted: who serves it, and how, cannot be known.
func TestNotWindows(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(t.TempDir(), "disk.raw")
	if _, err := testdisk.NewImage(t.Context(), path, testdisk.Bookworm, testdisk.Small, testdisk.GPTExt4); err != nil {
		t.Fatal(err)
	}
	report, err := b.rescue(path, func(r *rescue.Request) { r.Windows = true })
	if refusal := (*rescue.Refusal)(nil); !errors.As(err, &refusal) || report.Error.Code != "not-windows" {
		t.Errorf("%v, %+v", err, report.Error)
	}
	mounted := t.TempDir()
	windows.Write(t, mounted, server("2022"))
	if report, _ := b.rescue(mounted); report.Outcome != offline.Refused || report.Error.Code != "windows-root" {
		t.Errorf("%s, %+v", report.Outcome, report.Error)
	}
}
