package block

import (
	"fmt"
	"testing"
)

func scanFile(t testing.TB, path string) *Disk {
	t.Helper()
	f, size := opened(t, path)
	d, err := Scan(f, size)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// place copies an image into a disk at a byte offset.
func place(t testing.TB, disk, image string, off int64) {
	t.Helper()
	run(t, "", "dd", "if="+image, "of="+disk, "conv=notrunc,sparse", "bs=64K",
		"oflag=seek_bytes", fmt.Sprintf("seek=%d", off), "status=none")
}

func kinds(d *Disk) string {
	out := ""
	for _, c := range d.Contents {
		typ := Type("-")
		if c.Superblock != nil {
			typ = c.Superblock.Type
		}
		out += fmt.Sprintf("%d:%s ", c.Partition.Number, typ)
	}
	return out
}

func TestScanDisk(t *testing.T) {
	t.Parallel()
	disk := blank(t, 512*mib)
	run(t, "label: gpt\n14: start=2048, size=2048\n15: start=4096, size=65536\n"+
		"1: start=131072, size=65536\n2: start=262144, size=65536\n3: start=393216, size=614400\n", "sfdisk", "-q", disk)
	place(t, disk, made(t, 32*mib, "mkfs.vfat", "-F", "32"), 4096*512)
	place(t, disk, made(t, 32*mib, "mkfs.ext4", "-q"), 131072*512)
	place(t, disk, made(t, 32*mib, "mkswap", "-q"), 262144*512)
	place(t, disk, made(t, 300*mib, "mkfs.xfs", "-q"), 393216*512)
	d := scanFile(t, disk)
	same(t, "contents", kinds(d), "1:ext4 2:swap 3:xfs 14:- 15:vfat ")
	if len(d.Warnings)+len(d.Table.Warnings) > 0 {
		t.Errorf("warnings %q %q", d.Warnings, d.Table.Warnings)
	}
	for _, c := range d.Contents {
		if c.Superblock != nil && (c.Superblock.Dirty || !c.Superblock.DirtyKnown) {
			t.Errorf("%+v", c.Superblock)
		}
	}
}

func TestScanLogicalPartitions(t *testing.T) {
	t.Parallel()
	disk := blank(t, 128*mib)
	run(t, "label: dos\n2048,32768,83\n40960,,5\n45056,32768,83\n", "sfdisk", "-q", disk)
	place(t, disk, made(t, 16*mib, "mkfs.ext3", "-q"), 2048*512)
	place(t, disk, made(t, 16*mib, "mkfs.ext2", "-q"), 45056*512)
	same(t, "contents", kinds(scanFile(t, disk)), "1:ext3 5:ext2 ")
}

func TestScanSuperfloppies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		size int64
		want string
		mkfs []string
	}{
		{16 * mib, "0:ext4 ", []string{"mkfs.ext4", "-q"}},
		{300 * mib, "0:xfs ", []string{"mkfs.xfs", "-q"}},
		{128 * mib, "0:btrfs ", []string{"mkfs.btrfs", "-q"}},
		{64 * mib, "0:vfat ", []string{"mkfs.vfat", "-F", "32"}},
		{16 * mib, "0:ntfs ", []string{"mkntfs", "-Q", "-F", "-q"}},
		{mib, "0:- ", []string{"true"}},
	}
	for _, c := range cases {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			d := scanFile(t, made(t, c.size, c.mkfs...))
			same(t, "contents", kinds(d), c.want)
			same(t, "scheme", d.Table.Scheme, SchemeNone)
			if d.Contents[0].Partition.Size != c.size || len(d.Warnings) > 0 {
				t.Errorf("got %+v, %q", d.Contents[0].Partition, d.Warnings)
			}
		})
	}
}

// TestScanBootCodeOnly: grub in the boot sector of a device without
// partitions looks like an empty MBR.
func TestScanBootCodeOnly(t *testing.T) {
	t.Parallel()
	path := made(t, 16*mib, "mkfs.ext4", "-q")
	writeAt(t, path, 0, mbrSectorBytes(0x1234, [4]mbrEntry{}))
	d := scanFile(t, path)
	same(t, "contents", kinds(d), "0:ext4 ")
	same(t, "scheme", d.Table.Scheme, SchemeDOS)
}

func TestScanTableInsidePartition(t *testing.T) {
	t.Parallel()
	inner := blank(t, 32*mib)
	run(t, "label: gpt\nsize=1M\n", "sfdisk", "-q", inner)
	disk := blank(t, 64*mib)
	run(t, "label: dos\n2048,65536,83\n", "sfdisk", "-q", disk)
	place(t, disk, inner, 2048*512)
	d := scanFile(t, disk)
	same(t, "contents", kinds(d), "1:- ")
	if !hasString(d.Warnings, "partition 1 holds a gpt table of its own") {
		t.Errorf("warnings %q", d.Warnings)
	}
}

func TestScanStaleFilesystemUnderTable(t *testing.T) {
	t.Parallel()
	disk := made(t, 64*mib, "mkfs.ext4", "-q")
	writeAt(t, disk, 0, mbrSectorBytes(7, [4]mbrEntry{{typ: 0x83, start: 32 * mib, size: 16 * mib}}))
	place(t, disk, made(t, 16*mib, "mkfs.ext3", "-q"), 32*mib)
	d := scanFile(t, disk)
	same(t, "contents", kinds(d), "1:ext3 ")
	if !hasString(d.Warnings, "also looks like ext4 as a whole") {
		t.Errorf("warnings %q", d.Warnings)
	}
}

func TestScanMemberDisk(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.90.0", "1.0"} {
		disk := mdImage(t, version, 64*mib)
		writeAt(t, disk, 0, mbrSectorBytes(7, [4]mbrEntry{{typ: 0x83, start: mib, size: 16 * mib}}))
		place(t, disk, made(t, 16*mib, "mkfs.ext3", "-q"), mib)
		d := scanFile(t, disk)
		same(t, "contents", kinds(d), "0:linux_raid_member ")
		if !hasString(d.Warnings, "belongs to the array") {
			t.Errorf("warnings %q", d.Warnings)
		}
	}
}

// TestScanMemberInLastPartition: a 0.90 superblock of a partition that ends
// with the disk must not swallow the disk.
func TestScanMemberInLastPartition(t *testing.T) {
	t.Parallel()
	disk := mdImage(t, "0.90.0", 64*mib)
	writeAt(t, disk, 0, mbrSectorBytes(7, [4]mbrEntry{
		{typ: 0x83, start: mib, size: 16 * mib}, {typ: 0xfd, start: 32 * mib, size: 32 * mib},
	}))
	place(t, disk, made(t, 16*mib, "mkfs.ext3", "-q"), mib)
	d := scanFile(t, disk)
	same(t, "contents", kinds(d), "1:ext3 2:linux_raid_member ")
	if len(d.Warnings) > 0 {
		t.Errorf("warnings %q", d.Warnings)
	}
}

func TestScanAmbiguousPartition(t *testing.T) {
	t.Parallel()
	path := made(t, 64*mib, "mkfs.ext4", "-q", "-b", "4096")
	writeAt(t, path, 4086, []byte("SWAPSPACE2"))
	writeAt(t, path, 1024, swapHeader(t, path))
	d := scanFile(t, path)
	if d.Contents[0].Err == nil || d.Contents[0].Superblock != nil {
		t.Errorf("got %+v", d.Contents[0])
	}
}
