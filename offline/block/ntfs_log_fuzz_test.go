package block

import (
	"bytes"
	"testing"
)

func FuzzNTFSLog(f *testing.F) {
	attr := make([]byte, 72)
	attr[0], attr[8], attr[32] = ntfsAttrData, 1, 64
	copy(attr[64:], "\x21\x40\x01\x00")
	page := make([]byte, ntfsLogPage)
	copy(page, "RSTR\x1e\x00\x09\x00")
	page[24], page[28] = ntfsLogHeader, 2
	f.Add(attr, page)
	f.Add(attr, bytes.Repeat([]byte{0xff}, ntfsLogPage))
	f.Add(attr[:24], page[:48])
	f.Fuzz(func(t *testing.T, attr, page []byte) {
		if len(attr) < 24 || len(attr) > 1024 { // as ntfsAttributes gives them
			return
		}
		s, err := newSource(bytes.NewReader(append(make([]byte, 512), page...)), int64(512+len(page)))
		if err != nil {
			t.Fatal(err)
		}
		sb := &Superblock{NTFS: &NTFSInfo{}}
		ntfsLog(s, sb, attr, 512)
		if sb.Dirty && sb.Why == "" {
			t.Error("nobody says why it is dirty")
		}
	})
}
