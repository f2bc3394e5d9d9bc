package block

import (
	"encoding/binary"
	"strings"
)

// The signature ends the first page, whose size depends on the machine that
// made it.
var swapPages = []int64{4096, 8192, 16384, 32768, 65536}

var swapSignatures = []struct {
	magic, version string
	typ            Type
}{
	{"SWAPSPACE2", "1", Swap},
	{"SWAP-SPACE", "0", Swap},
	{"S1SUSPEND", "s1suspend", SwSuspend},
	{"S2SUSPEND", "s2suspend", SwSuspend},
	{"ULSUSPEND", "ulsuspend", SwSuspend},
	{"\xed\xc3\x02\xe9\x98\x56\xe5\x0c", "tuxonice", SwSuspend},
	{"LINHIB0001", "linhib0001", SwSuspend},
}

func probeSwap(s *source) *Superblock {
	for _, page := range swapPages {
		end := string(s.bytes(page-10, 10))
		for _, sig := range swapSignatures {
			if end != "" && strings.HasPrefix(end, sig.magic) {
				return swapArea(s, page, sig.typ, sig.version)
			}
		}
	}
	return nil
}

func swapArea(s *source, page int64, typ Type, version string) *Superblock {
	sb := &Superblock{Type: typ, Version: version, BlockSize: page, DirtyKnown: true}
	if typ == SwSuspend {
		sb.markDirty("holds the memory of a hibernated system")
	}
	if version == "0" {
		return sb
	}
	b := s.bytes(1024, 44)
	if b == nil {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(b) != 1 {
		order = binary.BigEndian
	}
	lastPage := order.Uint32(b[4:])
	if order.Uint32(b) != 1 || lastPage == 0 {
		return nil
	}
	sb.Size = product(uint64(lastPage)+1, uint64(page))
	sb.UUID, sb.Label = uuidString(b[12:28]), cstring(b[28:44])
	return sb
}
