package block

import (
	"strings"
	"testing"
)

func expectDirty(t testing.TB, path string, want bool) {
	t.Helper()
	sb := probeFile(t, path)
	if !sb.DirtyKnown || sb.Dirty != want || want != (sb.Why != "") {
		t.Errorf("%s: dirty %v (known %v, %s), want %v", sb.Type, sb.Dirty, sb.DirtyKnown, sb.Why, want)
	}
	if len(sb.Warnings) > 0 {
		t.Errorf("warnings %q", sb.Warnings)
	}
}

// TestDirtyFlags covers states that no mount on this machine leaves behind.
func TestDirtyFlags(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, mkfs string
		size       int64
		off        int64
		bytes      string
		why        string
	}{
		{"ext errors", "mkfs.ext3 -q", 16 * mib, 1024 + 58, "\x03\x00", "errors were recorded"},
		{"ext orphans", "mkfs.ext3 -q", 16 * mib, 1024 + 232, "\x0c\x00\x00\x00", "orphan inodes are waiting"},
		{"fat linux", "mkfs.vfat -F 32", 64 * mib, 65, "\x01", "the boot sector says not cleanly unmounted"},
		{"fat16 linux", "mkfs.vfat -F 16", 32 * mib, 37, "\x01", "the boot sector says not cleanly unmounted"},
		{"fat32 windows", "mkfs.vfat -a -F 32 -R 32 -s 1", 64 * mib, 32*512 + 7, "\x07", "the table says not cleanly unmounted"},
		{"fat16 windows", "mkfs.vfat -a -F 16 -R 1", 32 * mib, 512 + 3, "\x7f", "the table says not cleanly unmounted"},
		{"hibernated", "mkswap -q", 8 * mib, 4086, "S1SUSPEND\x00", "holds the memory of a hibernated system"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := blank(t, c.size)
			args := strings.Fields(c.mkfs)
			run(t, "", args[0], append(args[1:], path)...)
			writeAt(t, path, c.off, []byte(c.bytes))
			sb := compare(t, path)
			if !sb.Dirty || !sb.DirtyKnown || sb.Why != c.why {
				t.Errorf("got %v %q, want %q", sb.Dirty, sb.Why, c.why)
			}
		})
	}
}

func TestNTFSDirtyAgainstTool(t *testing.T) {
	t.Parallel()
	path := blank(t, 16*mib)
	run(t, "", "mkntfs", "-Q", "-F", "-q", "-L", "Käse", path)
	expectDirty(t, path, false)
	run(t, "", "ntfsfix", path) // which sets the flag so that Windows checks
	sb := probeFile(t, path)
	if !sb.Dirty || sb.Label != "Käse" || sb.Version != "3.1" {
		t.Errorf("got %+v", sb)
	}
}
