package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMountinfo(t *testing.T) {
	text := "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n" +
		"36 35 0:51 /@home /mnt/a\\040b\\134 rw shared:1 master:2 - btrfs /dev/sda\\011x rw,subvol=/@home\n" +
		"37 35 0:52 / /e rw - tmpfs  rw\n"
	got, err := parseMountinfo(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []mountEntry{
		{27, "254:0", "/", "/", "ext4", "/dev/vda"},
		{36, "0:51", "/@home", `/mnt/a b\`, "btrfs", "/dev/sda\tx"},
		{37, "0:52", "/", "/e", "tmpfs", ""},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(mountEntry{})); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"\n", "1 2 3\n", "1 2 0:1 / / rw ext4 x y\n", "-1 2 0:1 / / rw - ext4 x y\n"} {
		if _, err := parseMountinfo(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`plain`: "plain", `a\040b`: "a b", `\134040`: `\040`, `tail\04`: `tail\04`, `\999`: `\999`, `\777`: `\777`,
	} {
		if got := unescape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add("27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n")
	f.Add("36 35 0:51 /@home /mnt/a\\040b\\134 rw shared:1 - btrfs /dev/sda rw\n")
	f.Fuzz(func(t *testing.T, text string) {
		mounts, err := parseMountinfo(text)
		if err == nil && len(mounts) > strings.Count(text, "\n")+1 {
			t.Errorf("%d mounts in %q", len(mounts), text)
		}
	})
}
