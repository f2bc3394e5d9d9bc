package block

import (
	"strings"
	"testing"
)

func seedDisk(t testing.TB, name string) *sparse {
	t.Helper()
	for _, s := range loadSeeds(t) {
		if s.name == name {
			return decodeSparse(s.data, s.size)
		}
	}
	t.Fatalf("no seed %q", name)
	return nil
}

// TestNearMisses changes one field of a real image so that it is no longer
// what it was: the answer must be "nothing known", never a superblock with
// numbers that make no sense.
func TestNearMisses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, seed string
		off        int64
		bytes      string
	}{
		{"ext magic", "ext4", 1024 + 56, "\x00"},
		{"ext block size", "ext4", 1024 + 24, "\x07"},
		{"xfs block size", "xfs-5", 4, "\x00\x00\x10\x01"},
		{"xfs huge block", "xfs-5", 4, "\x7f\x00\x00\x00"},
		{"xfs sector size", "xfs-5", 102, "\x01\x00"},
		{"xfs odd sector size", "xfs-5", 102, "\x02\x01"},
		{"xfs block log", "xfs-5", 120, "\x0d"},
		{"xfs sector log", "xfs-5", 121, "\xff"},
		{"xfs no groups", "xfs-5", 88, "\x00\x00\x00\x00"},
		{"xfs empty groups", "xfs-5", 84, "\x00\x00\x00\x00"},
		{"xfs group log", "xfs-5", 124, "\x40"},
		{"xfs version 6", "xfs-5", 100, "\xb4\xa6"},
		{"xfs version 0", "xfs-5", 100, "\xb4\xa0"},
		{"btrfs place", "btrfs", btrfsOffset + 48, "\x01"},
		{"btrfs sector", "btrfs", btrfsOffset + 144, "\x01\x10"},
		{"fat sector size", "vfat-32", 11, "\x00\x20"},
		{"fat cluster size", "vfat-32", 13, "\x03"},
		{"fat without tables", "vfat-32", 16, "\x00"},
		{"fat media", "vfat-32", 21, "\x12"},
		{"fat too long", "vfat-32", 36, "\xff\xff\xff\x7f"},
		{"fat is exfat", "vfat-32", 3, "EXFAT   "},
		{"hpfs", "vfat-16", 54, "HPFS    "},
		{"swap version", "swap", 1024, "\x07"},
		{"swap of no pages", "swap", 1028, "\x00\x00\x00\x00"},
		{"ntfs sector size", "ntfs", 11, "\x01\x01"},
		{"ntfs cluster size", "ntfs", 13, "\x81"},
		{"ntfs clusters too big", "ntfs", 13, "\xe0"},
		{"ntfs reserved", "ntfs", 14, "\x01"},
		{"luks version", "luks1", 6, "\x00\x09"},
		{"lvm label sum", "lvm", 512 + 40, "x"},
		{"lvm label sector", "lvm", 512 + 8, "\x02"},
		{"md place", "md-1.2", 4096 + 144, "\x10"},
		{"md version", "md-0.90.0", 16*mib - 0x10000 + 4, "\x01"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := seedDisk(t, c.seed)
			if sb, err := Probe(d, d.size); err != nil || sb == nil {
				t.Fatalf("before: %+v, %v", sb, err)
			}
			d.write(c.off, []byte(c.bytes))
			if sb, err := Probe(d, d.size); err != nil || sb != nil {
				t.Errorf("got %+v, %v", sb, err)
			}
		})
	}
}

// TestPartlyBroken: the container or filesystem is still named, and what could
// not be read is said.
func TestPartlyBroken(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, seed string
		off        int64
		bytes      string
		warning    string
		why        string
	}{
		{"lvm area sum", "lvm", 4096 + 24, "x", "no readable volume group metadata", ""},
		{"lvm text sum", "lvm", 4096 + 56, "xxxx", "no readable volume group metadata", ""},
		{"lvm area ignored", "lvm", 4096 + 60, "\x01", "no readable volume group metadata", ""},
		{"md roles", "md-1.1", 220, "\xff\xff\xff\x7f", "superblock lists 2147483647 devices", ""},
		{"md sum", "md-1.1", 80, "\x01\x02", "checksum does not match", ""},
		{"md in use", "md-1.1", 208, "\x05", "checksum does not match", "the array was not stopped, or is not in sync"},
		{"md 0.90 in use", "md-0.90.0", 16*mib - 0x10000 + 132, "\x00", "", "the array was not stopped"},
		{"ntfs master file table", "ntfs", 48, "\xff\xff\xff\xff\xff\xff\xff\x7f", "", "$Volume cannot be read"},
		{"ntfs record size", "ntfs", 64, "\x80", "", "$Volume cannot be read"},
		{"xfs interrupted", "xfs-5", 126, "\x01", "mkfs or growfs was interrupted", ""},
		{"luks2 header size", "luks2", 8, "\xff", "header checksum does not match", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := seedDisk(t, c.seed)
			d.write(c.off, []byte(c.bytes))
			sb, err := Probe(d, d.size)
			if err != nil || sb == nil || c.warning == "" != (len(sb.Warnings) == 0) || !hasString(append(sb.Warnings, ""), c.warning) {
				t.Fatalf("got %+v, %v", sb, err)
			}
			if c.why != "" && sb.Why != c.why {
				t.Errorf("why %q, want %q", sb.Why, c.why)
			}
		})
	}
}

func TestISODates(t *testing.T) {
	t.Parallel()
	none := strings.Repeat("0", 16) + "\x00"
	cases := []struct{ created, modified, want string }{
		{none, "2026112215484912\x04", "2026-11-22-15-48-49-12"},
		{"2001020304050607\x00", none, "2001-02-03-04-05-06-07"},
		{none, none, ""},
		{strings.Repeat("\x00", 17), strings.Repeat("\x00", 17), ""},
		{none, "2026-11-22 15:48\x00", ""},
	}
	for _, c := range cases {
		b := make([]byte, isoSector)
		copy(b[813:], c.created)
		copy(b[830:], c.modified)
		same(t, "UUID", isoUUID(b), c.want)
	}
}

func TestContainers(t *testing.T) {
	t.Parallel()
	for typ, want := range map[Type]bool{LVM2: true, LUKS: true, LinuxRAID: true, BitLocker: true, Ext4: false, Swap: false, "": false} {
		if typ.Container() != want {
			t.Errorf("%s: %v", typ, !want)
		}
	}
}
