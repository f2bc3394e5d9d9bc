package block

import (
	"bytes"
	"io"
)

// imageMagics are what a disk image in another format begins with.
var imageMagics = []struct {
	off           int64
	magic, format string
}{
	{0, "QFI\xfb", "qcow2"},
	{0, "QED\x00", "qed"},
	{0, "KDMV", "vmdk"},
	{0, "COWD", "vmdk"},
	{0, "# Disk DescriptorFile", "vmdk"},
	{0, vhdCookie, "vhd"},
	{0, "vhdxfile", "vhdx"},
	{0x40, "\x7f\x10\xda\xbe", "vdi"},
	{0, "WithoutFreeSpace", "parallels"},
	{0, "WithouFreSpacExt", "parallels"},
	{0, "\x1f\x8b\x08", "gzip"},
	{0, "BZh", "bzip2"},
	{0, "\xfd7zXZ\x00", "xz"},
	{0, "\x28\xb5\x2f\xfd", "zstd"},
	{0, "\x04\x22\x4d\x18", "lz4"},
	{0, "PK\x03\x04", "zip"},
}

const (
	vhdCookie = "conectix"
	vhdFooter = 512
	vhdFixed  = 2
)

// ImageFormat names the format when the bytes are not a raw disk but an image
// that needs conversion or decompression, else "". It must be asked before a
// file is taken for raw: a guest that writes a qcow2 header into its first
// sector could otherwise name any file of the host as backing file
// (CVE-2010-3851). What cannot be read counts as raw here: the reads that
// follow report the error.
func ImageFormat(r io.ReaderAt, size int64) string {
	src, err := newSource(r, size)
	if err != nil {
		return ""
	}
	for _, m := range imageMagics {
		if src.has(m.off, m.magic) {
			return m.format
		}
	}
	if fixedVHD(src) {
		return "vhd"
	}
	return ""
}

// fixedVHD recognises the one format that puts its header behind a raw disk.
// Old versions of Virtual PC wrote a footer of 511 bytes.
func fixedVHD(s *source) bool {
	for _, length := range []int64{vhdFooter, vhdFooter - 1} {
		b := s.bytes(s.size-length, length)
		if b != nil && bytes.HasPrefix(b, []byte(vhdCookie)) && be32(b, 60) == vhdFixed && vhdSum(b) == be32(b, 64) {
			return true
		}
	}
	return false
}

// vhdSum is the complement of the sum of all bytes but its own field.
func vhdSum(b []byte) uint32 {
	var sum uint32
	for i, c := range b {
		if i < 64 || i >= 68 {
			sum += uint32(c)
		}
	}
	return ^sum
}
