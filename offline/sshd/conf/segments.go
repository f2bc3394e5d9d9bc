package conf

import (
	"debug/elf"
	"encoding/binary"

	"github.com/seed-77750964/regain/offline"
)

// maxSegments bounds the program headers that are looked at; a binary has about ten.
const maxSegments = 64

// span is a range of a file, in bytes.
type span struct{ from, to int64 }

// codeOf is the machine code of a 64-bit little-endian ELF whose constants lie
// in segments of their own, as linkers lay it out since 2018 (ld,
// -z separate-code): there are no strings in it. It is empty for every other
// file, and for headers that make no sense.
func codeOf(v *offline.Volume, path string) (code span) {
	head := make([]byte, 64)
	if n, err := v.ReadAt(path, head, 0); err != nil || n < len(head) || string(head[:4]) != elf.ELFMAG || head[4] != byte(elf.ELFCLASS64) || head[5] != byte(elf.ELFDATA2LSB) {
		return span{}
	}
	order := binary.LittleEndian
	at, size, count := order.Uint64(head[32:]), int(order.Uint16(head[54:])), int(order.Uint16(head[56:]))
	if at > maxBinary || size != 56 || count > maxSegments {
		return span{}
	}
	table := make([]byte, size*count)
	if n, err := v.ReadAt(path, table, int64(at)); err != nil || n < len(table) {
		return span{}
	}
	constants := 0
	for ; len(table) > 0; table = table[size:] {
		from, length := order.Uint64(table[8:]), order.Uint64(table[32:])
		switch {
		case elf.ProgType(order.Uint32(table)) != elf.PT_LOAD || from > maxBinary || length > maxBinary:
		case elf.ProgFlag(order.Uint32(table[4:]))&elf.PF_X == 0:
			constants++
		case code.to != 0:
			return span{} // two pieces of code: not the layout that is known
		default:
			code = span{int64(from), int64(from + length)}
		}
	}
	if constants < 2 { // code and constants share a segment
		return span{}
	}
	return code
}
