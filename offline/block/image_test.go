package block

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

func TestImageFormatAgainstQemuImg(t *testing.T) {
	t.Parallel()
	cases := []struct{ format, options, want string }{
		{"qcow2", "", "qcow2"},
		{"qed", "", "qed"},
		{"vmdk", "", "vmdk"},
		{"vmdk", "subformat=streamOptimized", "vmdk"},
		{"vmdk", "subformat=monolithicFlat", "vmdk"},
		{"vpc", "subformat=dynamic", "vhd"},
		{"vpc", "subformat=fixed", "vhd"},
		{"vhdx", "", "vhdx"},
		{"vdi", "", "vdi"},
		{"parallels", "", "parallels"},
		{"raw", "", ""},
	}
	for _, c := range cases {
		t.Run(c.format+" "+c.options, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "image")
			args := []string{"create", "-q", "-f", c.format}
			if c.options != "" {
				args = append(args, "-o", c.options)
			}
			run(t, "", "qemu-img", append(args, path, "8M")...)
			f, size := opened(t, path)
			same(t, "format", ImageFormat(f, size), c.want)
		})
	}
}

func TestImageFormatOfCompressedFiles(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "format", ImageFormat(bytes.NewReader(packed.Bytes()), int64(packed.Len())), "gzip")
	for _, tool := range []struct{ name, want string }{{"xz", "xz"}, {"bzip2", "bzip2"}, {"zstd", "zstd"}} {
		t.Run(tool.name, func(t *testing.T) {
			out := []byte(run(t, "some content", tool.name, "-c"))
			same(t, "format", ImageFormat(bytes.NewReader(out), int64(len(out))), tool.want)
		})
	}
}

// TestRawIsNotRefused: real filesystems and tables are no image format, and a
// footer with a wrong sum is no fixed VHD.
func TestRawIsNotRefused(t *testing.T) {
	t.Parallel()
	for _, s := range loadSeeds(t) {
		same(t, s.name, ImageFormat(decodeSparse(s.data, s.size), s.size), "")
	}
	footer := make([]byte, vhdFooter)
	copy(footer, vhdCookie)
	binary.BigEndian.PutUint32(footer[60:], vhdFixed)
	d := newSparse(8*mib).write(8*mib-vhdFooter, footer)
	same(t, "wrong sum", ImageFormat(d, d.size), "")
	binary.BigEndian.PutUint32(footer[64:], vhdSum(footer))
	d.write(8*mib-vhdFooter, footer)
	same(t, "right sum", ImageFormat(d, d.size), "vhd")
	same(t, "no size", ImageFormat(bytes.NewReader(nil), -1), "")
	if f, err := os.Open("testdata"); err == nil { // a directory cannot be read
		defer f.Close()
		same(t, "failed read", ImageFormat(f, 4096), "")
	}
}
