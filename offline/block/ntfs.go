package block

import (
	"fmt"
	"unicode/utf16"
)

const (
	ntfsSignature      = "NTFS    "
	ntfsLogRecord      = 2 // $LogFile in the master file table
	ntfsVolumeRecord   = 3 // $Volume
	ntfsAttrName       = 0x60
	ntfsAttrInfo       = 0x70
	ntfsAttrData       = 0x80
	ntfsAttrEnd        = 0xffffffff
	ntfsFlagDirty      = 0x1
	ntfsMaxRecord      = 64 << 10
	ntfsMinRecord      = 512
	ntfsSector         = 512 // unit of the fix-ups, whatever the device has
	ntfsMaxClusterSize = 2 << 20
)

func probeNTFS(s *source) *Superblock {
	b := s.bytes(0, 512)
	if b == nil || string(b[3:11]) != ntfsSignature {
		return nil
	}
	sector, cluster := uint64(le16(b, 11)), ntfsCluster(b)
	if !powerOfTwo(sector) || sector < 256 || sector > 4096 || cluster == 0 || le16(b, 14) != 0 || b[16] != 0 {
		return nil
	}
	sb := &Superblock{
		Type:      NTFS,
		UUID:      fmt.Sprintf("%016X", le64(b, 72)),
		Size:      product(le64(b, 40), sector),
		BlockSize: int64(cluster),
		Why:       "$Volume cannot be read",
		NTFS:      &NTFSInfo{},
	}
	if record := ntfsRecord(s, b, cluster, ntfsVolumeRecord); record != nil {
		ntfsAttributes(record, func(attr []byte) { ntfsAttribute(sb, attr) })
	}
	if record := ntfsRecord(s, b, cluster, ntfsLogRecord); record != nil {
		ntfsAttributes(record, func(attr []byte) { ntfsLog(s, sb, attr, cluster) })
	}
	return sb
}

// ntfsCluster is the cluster size in bytes, 0 when it makes no sense. Counts
// above 0x80 are negative powers of two.
func ntfsCluster(b []byte) uint64 {
	sector, n := uint64(le16(b, 11)), uint64(b[13])
	if n > 0x80 {
		n = 1 << (256 - n)
	}
	if !powerOfTwo(n) || n*sector > ntfsMaxClusterSize {
		return 0
	}
	return n * sector
}

// ntfsRecord returns a file record with its fix-ups applied.
func ntfsRecord(s *source, b []byte, cluster uint64, number int64) []byte {
	size := int64(int8(b[64])) * int64(cluster)
	if int8(b[64]) < 0 {
		size = 1 << min(-int64(int8(b[64])), 20)
	}
	mft := product(le64(b, 48), cluster)
	if mft == 0 || size < ntfsMinRecord || size > ntfsMaxRecord || mft > s.size {
		return nil
	}
	record := s.bytes(mft+number*size, size)
	if record == nil || string(record[:4]) != "FILE" || !ntfsFixUp(record) {
		return nil
	}
	return record
}

// ntfsFixUp puts back the last two bytes of each sector, which the writer
// replaced by a sequence number to make torn writes visible.
func ntfsFixUp(record []byte) bool {
	at, count := int(le16(record, 4)), int(le16(record, 6))
	if count < 1 || at+2*count > len(record) || (count-1)*ntfsSector > len(record) {
		return false
	}
	for i := 1; i < count; i++ {
		end := record[i*ntfsSector-2 : i*ntfsSector]
		if le16(end, 0) != le16(record, at) {
			return false
		}
		copy(end, record[at+2*i:at+2*i+2])
	}
	return true
}

// ntfsAttributes calls take with each attribute of a record.
func ntfsAttributes(record []byte, take func(attr []byte)) {
	for at := int(le16(record, 20)); at+24 <= len(record); {
		typ, length := le32(record, at), int(le32(record, at+4))
		if typ == ntfsAttrEnd || length < 24 || length > len(record)-at {
			return
		}
		take(record[at : at+length])
		at += length
	}
}

// ntfsAttribute takes label, version and dirty flag from resident attributes.
func ntfsAttribute(sb *Superblock, attr []byte) {
	typ, size, offset := le32(attr, 0), int(le32(attr, 16)), int(le16(attr, 20))
	if attr[8] != 0 || size > len(attr) || offset > len(attr)-size {
		return
	}
	value := attr[offset : offset+size]
	switch {
	case typ == ntfsAttrName:
		sb.Label = utf16Text(value, le16)
	case typ == ntfsAttrInfo && len(value) >= 12:
		sb.Version = fmt.Sprintf("%d.%d", value[8], value[9])
		sb.DirtyKnown, sb.Why = true, ""
		if le16(value, 10)&ntfsFlagDirty != 0 {
			sb.NTFS.Marked = true
			sb.markDirty("the volume is marked dirty")
		}
	}
}

// utf16Text decodes up to the first NUL; unit says in which byte order.
func utf16Text(b []byte, unit func([]byte, int) uint16) string {
	var units []uint16
	for i := 0; i+2 <= len(b); i += 2 {
		u := unit(b, i)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return cstring([]byte(string(utf16.Decode(units))))
}
