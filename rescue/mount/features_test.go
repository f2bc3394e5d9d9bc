package mount

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMissing(t *testing.T) {
	sys := t.TempDir()
	for _, name := range []string{"fs/ext4/features/verity", "fs/btrfs/features/mixed_backref", "fs/btrfs/features/no_holes"} {
		if err := os.MkdirAll(filepath.Join(sys, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		fstype   string
		incompat []string
		want     []string
	}{
		{"ext4", []string{"extent", "64bit", "flex_bg"}, nil},
		{"ext4", []string{"extent", "casefold"}, []string{"casefold"}},
		{"ext3", []string{"incompat:0x80000", "journal_dev"}, []string{"incompat:0x80000", "journal_dev"}},
		{"btrfs", []string{"mixed_backref", "no_holes"}, nil},
		{"btrfs", []string{"mixed_backref", "zoned"}, []string{"zoned"}},
		{"xfs", []string{"v4"}, nil},
	} {
		if diff := cmp.Diff(c.want, missing(sys, c.fstype, c.incompat)); diff != "" {
			t.Errorf("%s %v: %s", c.fstype, c.incompat, diff)
		}
	}
	if _, err := KernelFeatures("xfs"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("xfs: %v", err)
	}
	if _, err := kernelFeatures(t.TempDir(), "ext4"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no driver: %v", err)
	}
}

func TestListed(t *testing.T) {
	text := "nodev\tsysfs\n\text4\n\txfs\n"
	for fstype, want := range map[string]bool{"ext4": true, "sysfs": true, "ext": false, "nodev": false, "": false} {
		if got := listed(text, fstype); got != want {
			t.Errorf("%q: %v", fstype, got)
		}
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Type: "ext4"}, "source=D errors=remount-ro"},
		{Options{Type: "ext4", ReadOnly: true, NoRecovery: true}, "source=D ro errors=remount-ro noload"},
		{Options{Type: "ext2", ReadOnly: true, NoRecovery: true}, "source=D ro errors=remount-ro"},
		{Options{Type: "xfs", ReadOnly: true, NoRecovery: true}, "source=D ro nouuid norecovery"},
		{Options{Type: "btrfs", ReadOnly: true, NoRecovery: true}, "source=D ro rescue=nologreplay"},
		{Options{Type: "btrfs", Subvolume: "/@", SubvolumeID: 256}, "source=D subvol=/@ subvolid=256"},
		{Options{Type: "vfat", ReadOnly: true, NoRecovery: true}, "source=D ro"},
	} {
		var got []string
		for _, p := range c.o.params("D") {
			got = append(got, p.String())
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%+v: %s, want %s", c.o, text, c.want)
		}
	}
}

func TestReason(t *testing.T) {
	ro, rw, sub := Options{Type: "ext4", ReadOnly: true}, Options{Type: "ext4"}, Options{Type: "btrfs", Subvolume: "@"}
	for _, c := range []struct {
		o    Options
		err  error
		said string
		want error
	}{
		{ro, syscall.ENODEV, "", ErrNoDriver},
		{ro, syscall.EUCLEAN, "", ErrDamaged},
		{ro, syscall.EBADMSG, "", ErrDamaged},
		{rw, syscall.EACCES, "", ErrReadOnlyDevice},
		{rw, syscall.EROFS, "", ErrReadOnlyDevice},
		{ro, syscall.EROFS, "", ErrNeedsReplay},
		{rw, syscall.EROFS, "write access unavailable, cannot proceed", ErrNeedsReplay},
		{rw, syscall.EROFS, "couldn't mount RDWR because of unsupported optional features (400)", ErrFeature},
		{rw, syscall.EINVAL, "Filesystem with casefold feature cannot be mounted without CONFIG_UNICODE", ErrFeature},
		{sub, syscall.ENOENT, "", ErrNoSubvolume},
		{sub, syscall.ENOENT, "devid 2 uuid 0 is missing", ErrIncomplete},
		{sub, syscall.EIO, "log replay required on RO media", ErrNeedsReplay},
		{rw, syscall.EIO, "", nil},
		{rw, errors.New("other"), "", nil},
	} {
		if got := reason(c.o, c.err, []string{c.said}); !errors.Is(got, c.want) {
			t.Errorf("%v %q: got %v, want %v", c.err, c.said, got, c.want)
		}
	}
}

func TestKernelRecord(t *testing.T) {
	log := &kernelLog{about: regexp.MustCompile(`\((device )?loop3[) ]`)}
	for line, want := range map[string]string{
		"4,1,2,-;EXT4-fs (loop3): bad\n SUBSYSTEM=x\n":             "EXT4-fs (loop3): bad",
		"3,1,2,-;BTRFS error (device loop3 state E): x\n":          "BTRFS error (device loop3 state E): x",
		"6,1,2,-;EXT4-fs (loop3): recovery required\n":             "EXT4-fs (loop3): recovery required",
		"6,1,2,-;EXT4-fs (loop3): mounted filesystem\n":            "",
		"4,1,2,-;EXT4-fs (loop33): bad\n":                          "",
		"4,1,2,-;loop3 something\n":                                "",
		"x;EXT4-fs (loop3): bad\n":                                 "",
		"":                                                         "",
		"30,1,2,-;XFS (loop3): facility 3, severity 6, not wanted": "",
	} {
		got, ok := log.record(line)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v", line, got, ok)
		}
	}
}

func TestErrorQuotesTheKernel(t *testing.T) {
	err := &Error{Device: "/dev/loop3", Type: "xfs", Reason: ErrDamaged, Err: syscall.EUCLEAN, Messages: []string{"a", "\x1b[2J"}}
	want := `cannot mount /dev/loop3 as xfs: the filesystem is damaged: structure needs cleaning (kernel: "a", "\x1b[2J")`
	if err.Error() != want {
		t.Errorf("got %s", err)
	}
	if !errors.Is(err, ErrDamaged) || !errors.Is(err, syscall.EUCLEAN) {
		t.Error("does not unwrap")
	}
}
