package block

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mib = 1 << 20

// mkfsCases are filesystems as the real tools make them; IMAGE is replaced.
// features must be found, absent must not.
var mkfsCases = []struct {
	name     string
	size     int64
	command  string
	typ      Type
	features string
	absent   string
}{
	{"ext2", 8 * mib, "mkfs.ext2 -q -L two IMAGE", Ext2, "filetype,sparse_super", "has_journal"},
	{"ext2 revision 0", 8 * mib, "mkfs.ext2 -q -r 0 IMAGE", Ext2, "", "filetype"},
	{"ext3", 16 * mib, "mkfs.ext3 -q -L three IMAGE", Ext3, "has_journal", "extent"},
	{"ext4", 16 * mib, "mkfs.ext4 -q -L root IMAGE", Ext4, "has_journal,extent,64bit,metadata_csum,flex_bg", "casefold"},
	{"ext4 4k", 64 * mib, "mkfs.ext4 -q -b 4096 -L sixteen-letters_ IMAGE", Ext4, "extent", ""},
	{"ext4 64k", 256 * mib, "mkfs.ext4 -q -F -b 65536 IMAGE", Ext4, "extent", ""},
	{"ext4 without journal", 16 * mib, "mkfs.ext4 -q -O ^has_journal IMAGE", Ext4, "extent", "has_journal"},
	{"ext4 without checksum", 16 * mib, "mkfs.ext4 -q -O ^metadata_csum,^64bit IMAGE", Ext4, "extra_isize", "metadata_csum,64bit"},
	{"ext4 casefold", 16 * mib, "mkfs.ext4 -q -O casefold,encrypt IMAGE", Ext4, "casefold,encrypt", ""},
	{"ext4 old centos", 16 * mib, "mkfs.ext4 -q -I 128 -O ^64bit,^metadata_csum,^huge_file IMAGE", Ext4, "extent", "huge_file"},
	{"ext4 bigalloc", 64 * mib, "mkfs.ext4 -q -O bigalloc,quota,project IMAGE", Ext4, "bigalloc,quota,project", ""},
	{"ext4 many", 32 * mib, "mkfs.ext4 -q -O inline_data,large_dir,ea_inode,metadata_csum_seed,mmp,verity,stable_inodes,fast_commit IMAGE", Ext4, "inline_data,large_dir,ea_inode,metadata_csum_seed,mmp,verity,stable_inodes,fast_commit", ""},
	{"ext4 meta_bg", 32 * mib, "mkfs.ext4 -q -O meta_bg,^resize_inode,sparse_super2 IMAGE", Ext4, "meta_bg,sparse_super2", "resize_inode"},
	{"ext4 blank label", 16 * mib, "mkfs.ext4 -q -L / IMAGE", Ext4, "", ""},
	{"ext journal device", 16 * mib, "mke2fs -q -O journal_dev -L jour IMAGE", JBD, "journal_dev", ""},
	{"xfs 5", 300 * mib, "mkfs.xfs -q -L data IMAGE", XFS, "crc,ftype,sparse,finobt,reflink,bigtime,inobtcount", "v4"},
	{"xfs 5 rmap", 300 * mib, "mkfs.xfs -q -m rmapbt=1,reflink=0,bigtime=0 -L twelve_bytes IMAGE", XFS, "crc,rmapbt", "reflink,bigtime"},
	{"xfs 5 4k sectors", 300 * mib, "mkfs.xfs -q -s size=4096 IMAGE", XFS, "crc", ""},
	{"xfs 5 1k blocks", 2048 * mib, "mkfs.xfs -q -b size=1024 -d agcount=7 -l agnum=2 IMAGE", XFS, "crc", ""},
	{"xfs 5 stripes", 2048 * mib, "mkfs.xfs -q -d su=256k,sw=3 IMAGE", XFS, "crc", ""},
	{"xfs 4", 300 * mib, "mkfs.xfs -q -m crc=0,finobt=0,reflink=0 IMAGE", XFS, "v4,attr2,dirv2,projid32bit", "crc"},
	{"xfs 4 without ftype", 300 * mib, "mkfs.xfs -q -m crc=0 -n ftype=0 IMAGE", XFS, "v4", "crc,ftype"},
	{"btrfs", 128 * mib, "mkfs.btrfs -q -L sub IMAGE", Btrfs, "mixed_backref,extended_iref,skinny_metadata,no_holes,free_space_tree", "zoned"},
	{"btrfs mixed", 64 * mib, "mkfs.btrfs -q -M IMAGE", Btrfs, "mixed_groups", ""},
	{"btrfs xxhash", 128 * mib, "mkfs.btrfs -q --csum xxhash IMAGE", Btrfs, "", ""},
	{"btrfs sha256", 128 * mib, "mkfs.btrfs -q --csum sha256 IMAGE", Btrfs, "", ""},
	{"btrfs blake2", 128 * mib, "mkfs.btrfs -q --csum blake2 IMAGE", Btrfs, "", ""},
	{"btrfs old", 128 * mib, "mkfs.btrfs -q -O ^no-holes,^skinny-metadata -R ^free-space-tree IMAGE", Btrfs, "extended_iref", "no_holes,skinny_metadata,free_space_tree"},
	{"vfat 12", 4 * mib, "mkfs.vfat -F 12 -n TWELVE IMAGE", VFAT, "", ""},
	{"vfat 16", 32 * mib, "mkfs.vfat -F 16 -n SIXTEEN IMAGE", VFAT, "", ""},
	{"vfat 32", 64 * mib, "mkfs.vfat -F 32 -n ESP IMAGE", VFAT, "", ""},
	{"vfat 32 without label", 64 * mib, "mkfs.vfat -F 32 IMAGE", VFAT, "", ""},
	{"vfat 32 4k sectors", 300 * mib, "mkfs.vfat -F 32 -S 4096 -n BIG IMAGE", VFAT, "", ""},
	{"vfat with fake table", 64 * mib, "mkfs.vfat -F 32 --mbr=y -n FAKE IMAGE", VFAT, "", ""},
	{"swap", 8 * mib, "mkswap -q -L swap0 IMAGE", Swap, "", ""},
	{"swap 64k", 8 * mib, "mkswap -q -p 65536 IMAGE", Swap, "", ""},
	{"ntfs", 16 * mib, "mkntfs -Q -F -q -L Windows IMAGE", NTFS, "", ""},
	{"ntfs 64k", 64 * mib, "mkntfs -Q -F -q -c 65536 IMAGE", NTFS, "", ""},
	{"ntfs 4k sectors", 64 * mib, "mkntfs -Q -F -q -s 4096 -c 4096 -L Four IMAGE", NTFS, "", ""},
}

func TestAgainstBlkid(t *testing.T) {
	t.Parallel()
	for _, c := range mkfsCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := blank(t, c.size)
			args := strings.Fields(strings.ReplaceAll(c.command, "IMAGE", path))
			run(t, "", args[0], args[1:]...)
			sb := compare(t, path)
			same(t, "type", string(sb.Type), string(c.typ))
			for _, f := range strings.Split(c.features, ",") {
				if f != "" && !slices.Contains(sb.Features, f) {
					t.Errorf("feature %q is missing in %q", f, sb.Features)
				}
			}
			for _, f := range strings.Split(c.absent, ",") {
				if slices.Contains(sb.Features, f) {
					t.Errorf("feature %q found in %q", f, sb.Features)
				}
			}
			fresh(t, sb, c.size)
		})
	}
}

// compare holds the tags of blkid against ours.
func compare(t testing.TB, path string) *Superblock {
	t.Helper()
	sb, tags := probeFile(t, path), blkid(t, path)
	same(t, "TYPE", string(sb.Type), tags["TYPE"])
	same(t, "UUID", sb.UUID, tags["UUID"])
	same(t, "LABEL", sb.Label, tags["LABEL"])
	if want, ok := tags["VERSION"]; ok {
		same(t, "VERSION", sb.Version, want)
	}
	if sb.Btrfs != nil {
		same(t, "UUID_SUB", sb.Btrfs.DeviceUUID, tags["UUID_SUB"])
	}
	if sb.MD != nil {
		same(t, "UUID_SUB", sb.MD.DeviceUUID, tags["UUID_SUB"])
	}
	return sb
}

// fresh checks what holds for every newly made filesystem.
func fresh(t *testing.T, sb *Superblock, size int64) {
	t.Helper()
	if sb.Dirty || !sb.DirtyKnown && sb.Type != JBD {
		t.Errorf("dirty %v, known %v: %s", sb.Dirty, sb.DirtyKnown, sb.Why)
	}
	if len(sb.Warnings) > 0 {
		t.Errorf("warnings %q", sb.Warnings)
	}
	if sb.Size > size || sb.Size < size*9/10 {
		t.Errorf("size %d of a device with %d", sb.Size, size)
	}
	if sb.BlockSize <= 0 {
		t.Errorf("block size %d", sb.BlockSize)
	}
	if hasString(sb.Features, ":0x") {
		t.Errorf("unknown features in %q", sb.Features)
	}
}

func TestReadOnlyImagesAgainstBlkid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		command string
		typ     Type
	}{
		{"xorriso -as mkisofs -quiet -V PLAIN -o IMAGE DIR", ISO9660},
		{"xorriso -as mkisofs -quiet -J -V Mixed_Case -o IMAGE DIR", ISO9660},
		{"genisoimage -quiet -V GEN -o IMAGE DIR", ISO9660},
		{"genisoimage -quiet -J -r -V cidata -o IMAGE DIR", ISO9660},
		{"genisoimage -quiet -J -V LABEL_LONGER_THAN_JOLIET -o IMAGE DIR", ISO9660},
		{"mksquashfs DIR IMAGE -quiet -no-progress -noappend", SquashFS},
		{"mksquashfs DIR IMAGE -quiet -no-progress -noappend -comp xz -b 1M", SquashFS},
	}
	for _, c := range cases {
		t.Run(c.command, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "image")
			args := strings.Fields(strings.NewReplacer("IMAGE", path, "DIR", dir).Replace(c.command))
			run(t, "", args[0], args[1:]...)
			if sb := compare(t, path); sb.Type != c.typ || sb.Dirty || !sb.DirtyKnown {
				t.Errorf("got %+v", sb)
			}
		})
	}
}

func TestBtrfsOfTwoDevices(t *testing.T) {
	t.Parallel()
	a, b := blank(t, 128*mib), blank(t, 128*mib)
	run(t, "", "mkfs.btrfs", "-q", "-d", "raid1", "-m", "raid1", a, b)
	one, two := compare(t, a), compare(t, b)
	if one.UUID != two.UUID || one.Btrfs.DeviceUUID == two.Btrfs.DeviceUUID {
		t.Errorf("the pair: %+v %+v", one.Btrfs, two.Btrfs)
	}
	if one.Btrfs.NumDevices != 2 || one.Btrfs.DeviceID != 1 || two.Btrfs.DeviceID != 2 {
		t.Errorf("numbers: %+v %+v", one.Btrfs, two.Btrfs)
	}
	if len(one.Warnings) > 0 || one.Size != 256*mib || one.Btrfs.DeviceSize != 128*mib {
		t.Errorf("sizes: %d, %+v, %q", one.Size, one.Btrfs, one.Warnings)
	}
}

func TestBtrfsChecksumNames(t *testing.T) {
	t.Parallel()
	for n, want := range []string{"crc32c", "xxhash64", "sha256", "blake2b", "csum:4"} {
		same(t, "name", btrfsChecksumName(uint16(n)), want)
	}
}
