package block

import (
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// gptImage builds the tables of a GPT disk field by field, so that a test can
// make each of them lie. Layout: UEFI specification, chapter 5.
type gptImage struct {
	size, sector int64
	count        uint32
	entrySize    uint32
	parts        []gptPart
}

type gptPart struct {
	first, last uint64
	name        string
}

func newGPT(parts ...gptPart) gptImage {
	return gptImage{size: 64 * mib, sector: 512, count: 128, entrySize: 128, parts: parts}
}

func (g gptImage) sectors() uint64 { return uint64(g.size / g.sector) }

func (g gptImage) entries() []byte {
	b := make([]byte, int64(g.count)*int64(g.entrySize))
	for i, p := range g.parts {
		e := b[i*int(g.entrySize):]
		copy(e, "type-guid-16byte")
		copy(e[16:], "part-guid-16byt")
		e[31] = byte(i)
		binary.LittleEndian.PutUint64(e[32:], p.first)
		binary.LittleEndian.PutUint64(e[40:], p.last)
		for j, u := range utf16.Encode([]rune(p.name)) {
			binary.LittleEndian.PutUint16(e[56+2*j:], u)
		}
	}
	return b
}

// header returns a sector with a valid header at my; change may spoil it
// before the checksum is made.
func (g gptImage) header(my, alternate, entriesLBA uint64, entries []byte, change func([]byte)) []byte {
	b, le := make([]byte, g.sector), binary.LittleEndian
	copy(b, gptMagic)
	le.PutUint32(b[8:], 0x10000)
	le.PutUint32(b[12:], 92)
	le.PutUint64(b[24:], my)
	le.PutUint64(b[32:], alternate)
	le.PutUint64(b[40:], 34)
	le.PutUint64(b[48:], g.sectors()-34)
	copy(b[56:], "disk-guid-16byte")
	le.PutUint64(b[72:], entriesLBA)
	le.PutUint32(b[80:], g.count)
	le.PutUint32(b[84:], g.entrySize)
	le.PutUint32(b[88:], crc32.ChecksumIEEE(entries))
	if change != nil {
		change(b)
	}
	le.PutUint32(b[16:], 0)
	le.PutUint32(b[16:], crc32.ChecksumIEEE(b[:92]))
	return b
}

// disk writes everything; change is applied to the primary header only.
func (g gptImage) disk(change func([]byte)) *sparse {
	d, entries := newSparse(g.size), g.entries()
	last := g.sectors() - 1
	array := uint64(int64(len(entries)) / g.sector)
	d.write(0, mbrSectorBytes(0, [4]mbrEntry{{typ: mbrProtective, start: 512, size: g.size - 512}}))
	d.write(g.sector, g.header(1, last, 2, entries, change))
	d.write(2*g.sector, entries)
	d.write(int64(last-array)*g.sector, entries)
	d.write(int64(last)*g.sector, g.header(last, 1, last-array, entries, nil))
	return d
}

// mbrSectorBytes builds an MBR or a link of the extended chain; start and size
// are bytes.
func mbrSectorBytes(id uint32, entries [4]mbrEntry) []byte {
	b, le := make([]byte, 512), binary.LittleEndian
	le.PutUint32(b[mbrDiskID:], id)
	for i, e := range entries {
		p := b[mbrEntries+i*mbrEntrySize:]
		p[0], p[4] = e.flag, e.typ
		le.PutUint32(p[8:], uint32(e.start/512))
		le.PutUint32(p[12:], uint32(e.size/512))
	}
	b[510], b[511] = 0x55, 0xaa
	return b
}
