package block

import "hash/crc32"

// LVMInfo is what a physical volume and the newest metadata on it say. Without
// a readable metadata area only the PV's own fields are set.
type LVMInfo struct {
	PVUUID  string
	VGName  string
	VGUUID  string
	PVCount int // physical volumes that the group needs
	LVs     []LogicalVolume
}

// A LogicalVolume is one visible volume of a group.
type LogicalVolume struct {
	Name string
	UUID string
	Size int64 // bytes
	// Linear: every segment maps to plain extents of one physical volume, so
	// that a loop or dm-linear map could open it.
	Linear bool
}

const (
	lvmLabelMagic  = "LABELONE"
	lvmLabelType   = "LVM2 001"
	lvmAreaMagic   = "\x20LVM2\x20x[5A%r0N*>"
	lvmCRCStart    = 0xf597a6cf
	lvmSector      = 512
	lvmAreaHeader  = 512
	lvmMaxAreas    = 4 // pvcreate makes at most two
	lvmMaxText     = 1 << 20
	lvmIgnored     = 1 // flag of an area that LVM keeps but no longer updates
	lvmLabelSearch = 4 // sectors that may hold the label
)

func probeLVM(s *source) *Superblock {
	for sector := range int64(lvmLabelSearch) {
		b := s.bytes(sector*lvmSector, lvmSector)
		if b == nil || string(b[:8]) != lvmLabelMagic || string(b[24:32]) != lvmLabelType {
			continue
		}
		header := le32(b, 20)
		if le64(b, 8) != uint64(sector) || lvmCRC(b[20:]) != le32(b, 16) || header < 32 || header > lvmSector-40 {
			continue
		}
		return lvmMember(s, b[header:])
	}
	return nil
}

// lvmMember reads the PV header: UUID, size, and two lists of areas.
func lvmMember(s *source, h []byte) *Superblock {
	uuid := lvmUUID(string(h[:32]))
	sb := &Superblock{
		Type: LVM2, Version: lvmLabelType, UUID: uuid,
		Size: product(le64(h, 32), 1), LVM: &LVMInfo{PVUUID: uuid},
	}
	_, rest := lvmAreas(h[40:])
	areas, _ := lvmAreas(rest)
	for _, a := range areas {
		if text := lvmText(s, a[0], a[1]); text != nil && sb.LVM.parse(text) {
			return sb
		}
	}
	if len(areas) > 0 && sb.LVM.VGName == "" {
		sb.warn("no readable volume group metadata")
	}
	return sb
}

// lvmAreas reads pairs of offset and size up to the empty one.
func lvmAreas(b []byte) (areas [][2]uint64, rest []byte) {
	for len(b) >= 16 && len(areas) < lvmMaxAreas {
		offset, size := le64(b, 0), le64(b, 8)
		b = b[16:]
		if offset == 0 {
			return areas, b
		}
		areas = append(areas, [2]uint64{offset, size})
	}
	return areas, nil
}

// lvmText returns the newest metadata text, which may wrap round the end of
// the ring behind the area's header.
func lvmText(s *source, offset, size uint64) []byte {
	if offset > uint64(s.size) || size <= lvmAreaHeader || size > uint64(s.size) {
		return nil
	}
	h := s.bytes(int64(offset), lvmAreaHeader)
	if h == nil || lvmCRC(h[4:]) != le32(h, 0) || string(h[4:20]) != lvmAreaMagic {
		return nil
	}
	at, length, sum, ignored := le64(h, 40), le64(h, 48), le32(h, 56), le32(h, 60)&lvmIgnored != 0
	if ignored {
		return nil
	}
	if at < lvmAreaHeader || at >= size || length == 0 || length > min(size-lvmAreaHeader, lvmMaxText) {
		return nil
	}
	first := min(length, size-at)
	text := s.bytes(int64(offset+at), int64(first))
	if text == nil {
		return nil
	}
	if first < length {
		text = append(text, s.bytes(int64(offset)+lvmAreaHeader, int64(length-first))...)
	}
	if lvmCRC(text) != sum {
		return nil
	}
	return text
}

// lvmCRC is CRC-32 with LVM's start value and without the usual inversions.
func lvmCRC(b []byte) uint32 {
	return ^crc32.Update(^uint32(lvmCRCStart), crc32.IEEETable, b)
}

// lvmUUID puts the dashes in where LVM's tools show them.
func lvmUUID(raw string) string {
	if allZero([]byte(raw)) {
		return ""
	}
	out := ""
	for _, n := range []int{6, 4, 4, 4, 4, 4, 6} {
		if out != "" {
			out += "-"
		}
		out, raw = out+raw[:n], raw[n:]
	}
	return out
}
