package block

import (
	"encoding/binary"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func made(t testing.TB, size int64, command ...string) string {
	t.Helper()
	path := blank(t, size)
	run(t, "", command[0], append(command[1:], path)...)
	return path
}

// TestAmbiguous leaves the signature of one filesystem inside another; blkid
// must refuse where we refuse.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		mkfs  []string
		off   int64
		bytes string
		both  []Type
	}{
		{"swap in ext4", []string{"mkfs.ext4", "-q", "-b", "4096", "-E", "nodiscard"}, 4086, "SWAPSPACE2", []Type{Swap, Ext4}},
		{"xfs in ext4", []string{"mkfs.ext4", "-q"}, 0, "", []Type{XFS, Ext4}},
		{"vfat with swap", []string{"mkfs.vfat", "-F", "16"}, 4086, "SWAPSPACE2", []Type{Swap, VFAT}},
	}
	xfs := made(t, 300*mib, "mkfs.xfs", "-q")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := made(t, 64*mib, c.mkfs...)
			writeAt(t, path, c.off, []byte(c.bytes))
			if c.both[0] == Swap {
				writeAt(t, path, 1024, append(swapHeader(t, path), 0))
			} else {
				f, _ := opened(t, xfs)
				head := make([]byte, 512)
				if _, err := f.ReadAt(head, 0); err != nil {
					t.Fatal(err)
				}
				writeAt(t, path, 0, head)
			}
			f, size := opened(t, path)
			sb, err := Probe(f, size)
			if !errors.Is(err, ErrAmbiguous) || sb != nil {
				t.Fatalf("got %+v, %v", sb, err)
			}
			for _, typ := range c.both {
				if !strings.Contains(err.Error(), string(typ)) {
					t.Errorf("%v does not name %s", err, typ)
				}
			}
			if out, err := exec.Command("blkid", "-p", path).Output(); err == nil {
				t.Errorf("blkid finds one: %s", out)
			}
		})
	}
}

// swapHeader keeps what is at 1024 but makes it a swap header as well: version
// and last page overlay counters that an ext superblock does not check.
func swapHeader(t testing.TB, path string) []byte {
	t.Helper()
	f, _ := opened(t, path)
	b := make([]byte, 8)
	if _, err := f.ReadAt(b, 1024); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b, 1)
	if binary.LittleEndian.Uint32(b[4:]) == 0 {
		b[4] = 9
	}
	return b
}

// TestContainerWins: what lies inside a container must never be taken for the
// device's content.
func TestContainerWins(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.90.0", "1.0", "1.2"} {
		t.Run("md "+version, func(t *testing.T) {
			t.Parallel()
			inner := made(t, 16*mib-mib, "mkfs.ext3", "-q", "-b", "1024")
			outer := mdImage(t, version, 16*mib)
			if version == "1.2" {
				// The filesystem begins at the data offset; a stale one at 0 is seen too.
				outer = inner
				writeAt(t, outer, 4096, md1Bytes(8))
			} else {
				outer = overlay(t, outer, inner)
			}
			if sb := compare(t, outer); sb.Type != LinuxRAID {
				t.Errorf("got %s", sb.Type)
			}
		})
	}
	t.Run("luks over ext4", func(t *testing.T) {
		t.Parallel()
		path := luksImage(t, "--type luks1")
		ext := made(t, 16*mib, "mkfs.ext4", "-q")
		f, _ := opened(t, ext)
		b := make([]byte, 1024)
		if _, err := f.ReadAt(b, 1024); err != nil {
			t.Fatal(err)
		}
		writeAt(t, path, 1024, b)
		if sb := compare(t, path); sb.Type != LUKS {
			t.Errorf("got %s", sb.Type)
		}
	})
}

// overlay copies the filesystem in inner to the beginning of outer.
func overlay(t testing.TB, outer, inner string) string {
	t.Helper()
	run(t, "", "dd", "if="+inner, "of="+outer, "conv=notrunc,sparse", "bs=64K", "status=none")
	return outer
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		size int64
		mkfs string
		off  int64
		want string
	}{
		{"ext4", 16 * mib, "mkfs.ext4 -q", 1024 + 0x180, "checksum does not match"},
		{"xfs", 300 * mib, "mkfs.xfs -q", 110, "checksum does not match"},
		{"btrfs crc32c", 128 * mib, "mkfs.btrfs -q", btrfsOffset + 300, "copy at 64 MiB"},
		{"btrfs sha256", 128 * mib, "mkfs.btrfs -q --csum sha256", btrfsOffset + 300, "copy at 64 MiB"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := made(t, c.size, strings.Fields(c.mkfs)...)
			writeAt(t, path, c.off, []byte("spoiled"))
			if sb := probeFile(t, path); !hasString(sb.Warnings, c.want) || string(sb.Type) != strings.Fields(c.name)[0] {
				t.Errorf("got %s, warnings %q", sb.Type, sb.Warnings)
			}
		})
	}
}

func TestOddStatesAreNamed(t *testing.T) {
	t.Parallel()
	path := made(t, 16*mib, "mkfs.ext4", "-q")
	run(t, "", "tune2fs", "-e", "panic", path)
	if sb := probeFile(t, path); !hasString(sb.Warnings, "errors=panic") {
		t.Errorf("warnings %q", sb.Warnings)
	}
	f, _ := opened(t, path)
	sb, err := Probe(f, 8*mib)
	if err != nil || !hasString(sb.Warnings, "claims 16777216 bytes, its device has 8388608") {
		t.Errorf("shortened: %+v, %v", sb, err)
	}
	log := made(t, 300*mib, "mkfs.xfs", "-q")
	writeAt(t, log, 48, make([]byte, 8))
	if sb := probeFile(t, log); sb.DirtyKnown || sb.Why != "the log is on another device" {
		t.Errorf("external log: %+v", sb)
	}
	writeAt(t, log, 48, []byte{0xff, 0xff, 0xff})
	if sb := probeFile(t, log); sb.DirtyKnown || !strings.HasPrefix(sb.Why, "cannot read log") {
		t.Errorf("log elsewhere: %+v", sb)
	}
}

// TestUnknownBitsAreNamed sets every feature bit: known ones by name, others
// by number, and all of them in the list a refusal uses.
func TestUnknownBitsAreNamed(t *testing.T) {
	t.Parallel()
	path := made(t, 16*mib, "mkfs.ext4", "-q", "-O", "^metadata_csum")
	writeAt(t, path, 1024+96, []byte{0xf7, 0xff, 0xff, 0xff})
	sb := probeFile(t, path)
	for _, want := range []string{"casefold", "encrypt", "incompat:0x80000000", "incompat:0x40000"} {
		if !hasString(sb.Incompat, want) || !hasString(sb.Features, want) {
			t.Errorf("%q is not in %q", want, sb.Incompat)
		}
	}
	if len(sb.Incompat) != 31 {
		t.Errorf("%d names: %q", len(sb.Incompat), sb.Incompat)
	}
}
