package offline_test

import (
	"encoding/binary"
	"os"
	"path"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// records are those of a volume that mkntfs and ntfs-3g have made, by file.
func records(t testing.TB, img *testdisk.NTFSImage, files ...string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(img.Path)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	table := le.Uint64(data[48:]) * uint64(le.Uint16(data[11:])) * uint64(data[13])
	list := map[string][]byte{}
	onNTFS(t, img, func(_ *offline.Volume, root string) {
		for _, name := range files {
			at := table + 1024*inode(root, name)
			list[name] = data[at : at+1024]
		}
	})
	return list
}

// Only what the kernel's driver shows wholly is plain.
func TestNTFSRecord(t *testing.T) {
	plain, dressed := agentConfig, runOnce // the latter has a stream
	for name, r := range records(t, windowsImage(t), plain, dressed, "/ProgramData") {
		if got := offline.PlainRecord(r, path.Base(name)); got != (name == plain) {
			t.Errorf("%s: %v", name, got)
		}
		if offline.PlainRecord(r, "another") {
			t.Errorf("%s passes for another file", name)
		}
		for _, at := range []int{0, 22, 32, 510, 1022} {
			spoilt := append([]byte{}, r...)
			spoilt[at] ^= 1
			if offline.PlainRecord(spoilt, path.Base(name)) {
				t.Errorf("%s, with byte %d spoilt, is plain", name, at)
			}
		}
	}
}

// smallRecord is one of a sector, of a file called a.
func smallRecord() []byte {
	r := make([]byte, 512)
	copy(r, "FILE\x30\x00\x02\x00")
	r[20], r[22] = 56, 1
	r[48], r[510] = 1, 1 // the sequence number, and where it stands for two zeros
	attributes := r[56:]
	attributes[0], attributes[4] = 0x10, 24
	name := attributes[24:]
	name[0], name[4], name[20] = 0x30, 96, 24
	name[24+64], name[24+66] = 1, 'a'
	copy(name[96:], "\x80\x00\x00\x00\x18\x00\x00\x00")
	copy(name[120:], "\xff\xff\xff\xff")
	return r
}

func FuzzNTFSRecord(f *testing.F) {
	if !offline.PlainRecord(smallRecord(), "A") {
		f.Fatal("the seed is no record")
	}
	f.Add(smallRecord(), "a")
	f.Add([]byte("FILE"), "")
	f.Fuzz(func(t *testing.T, record []byte, name string) {
		if offline.PlainRecord(record, name) && len(record) < 512 {
			t.Error("so short a record is plain")
		}
	})
}
