package hive

import (
	"encoding/binary"
	"unicode/utf16"
)

const (
	page      = 4096 // the base block, and the unit of bins
	binHeader = 32
	none      = 0xffffffff

	typePrimary = 0
	formatCells = 1
)

// Flags of a key.
const (
	KeyRoot     = 0x0c // root of this hive, and not to be deleted
	KeySymlink  = 0x10
	KeyName8Bit = 0x20
)

// A Builder lays cells one behind the other into a single bin. It believes what
// it is told, so that it can make what no Windows would.
type Builder struct {
	cells []byte
}

// Cell appends an allocated cell and returns its offset in the hive bins data.
func (b *Builder) Cell(data []byte) uint32 {
	size := (4 + len(data) + 7) &^ 7
	at := binHeader + len(b.cells)
	cell := binary.LittleEndian.AppendUint32(nil, uint32(-int32(size)))
	cell = append(cell, data...)
	b.cells = append(b.cells, append(cell, make([]byte, size-len(cell))...)...)
	return uint32(at)
}

// Set32 overwrites the four bytes at the given place in a cell's data.
func (b *Builder) Set32(cell uint32, at int, value uint32) {
	binary.LittleEndian.PutUint32(b.cells[int(cell)-binHeader+4+at:], value)
}

// Bytes is the hive: base block, one bin with all the cells, and what is left of
// it as one free cell.
func (b *Builder) Bytes(root uint32) []byte {
	size := (binHeader + len(b.cells) + page - 1) / page * page
	bin := make([]byte, size)
	copy(bin, "hbin")
	binary.LittleEndian.PutUint32(bin[8:], uint32(size))
	copy(bin[binHeader:], b.cells)
	if free := size - binHeader - len(b.cells); free > 0 {
		binary.LittleEndian.PutUint32(bin[size-free:], uint32(free))
	}
	return append(baseBlock(root, uint32(size)), bin...)
}

func baseBlock(root, size uint32) []byte {
	b := make([]byte, page)
	copy(b, "regf")
	binary.LittleEndian.PutUint32(b[4:], 1) // primary sequence number
	binary.LittleEndian.PutUint32(b[8:], 1) // secondary sequence number
	binary.LittleEndian.PutUint32(b[20:], 1)
	binary.LittleEndian.PutUint32(b[24:], 5) // version 1.5
	binary.LittleEndian.PutUint32(b[28:], typePrimary)
	binary.LittleEndian.PutUint32(b[32:], formatCells)
	binary.LittleEndian.PutUint32(b[36:], root)
	binary.LittleEndian.PutUint32(b[40:], size)
	binary.LittleEndian.PutUint32(b[44:], 1) // clustering factor
	Seal(b)
	return b
}

// Seal puts the right checksum into a base block.
func Seal(b []byte) {
	sum := uint32(0)
	for at := 0; at < 508; at += 4 {
		sum ^= binary.LittleEndian.Uint32(b[at:])
	}
	switch sum {
	case 0:
		sum = 1
	case 0xffffffff:
		sum = 0xfffffffe
	}
	binary.LittleEndian.PutUint32(b[508:], sum)
}

// NK is the data of a key cell that has neither subkeys nor values yet: see the
// offsets Key… for what Set32 changes. A name with KeyName8Bit is Latin-1.
func NK(name string, flags uint16, parent, security uint32) []byte {
	b := make([]byte, 76)
	copy(b, "nk")
	binary.LittleEndian.PutUint16(b[2:], flags)
	for _, at := range []int{KeySubkeyList, 32, KeyValueList, 48} {
		binary.LittleEndian.PutUint32(b[at:], none)
	}
	binary.LittleEndian.PutUint32(b[KeyParent:], parent)
	binary.LittleEndian.PutUint32(b[44:], security)
	encoded := encodeName(name, flags&KeyName8Bit != 0)
	binary.LittleEndian.PutUint16(b[72:], uint16(len(encoded)))
	return append(b, encoded...)
}

// Offsets in the data of a key cell.
const (
	KeyParent     = 16
	KeySubkeys    = 20 // their number
	KeySubkeyList = 28
	KeyValues     = 36 // their number
	KeyValueList  = 40
)

// VK is the data of a value cell. Up to four bytes may stand in the cell itself:
// then size has the top bit set and data holds them.
func VK(name string, latin1 bool, size, data, typ uint32) []byte {
	b := make([]byte, 20)
	copy(b, "vk")
	binary.LittleEndian.PutUint32(b[4:], size)
	binary.LittleEndian.PutUint32(b[8:], data)
	binary.LittleEndian.PutUint32(b[12:], typ)
	if latin1 {
		b[16] = 1
	}
	encoded := encodeName(name, latin1)
	binary.LittleEndian.PutUint16(b[2:], uint16(len(encoded)))
	return append(b, encoded...)
}

// List is the data of a list of subkeys: lf and lh have four more bytes for each.
func List(kind string, cells ...uint32) []byte {
	b := append([]byte(kind), byte(len(cells)), byte(len(cells)>>8))
	for _, c := range cells {
		b = binary.LittleEndian.AppendUint32(b, c)
		if kind == "lf" || kind == "lh" {
			b = append(b, 0, 0, 0, 0)
		}
	}
	return b
}

func encodeName(name string, latin1 bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(name)) {
		b = append(b, byte(u))
		if !latin1 {
			b = append(b, byte(u>>8))
		}
	}
	return b
}
