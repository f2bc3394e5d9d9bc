package block

import "bytes"

const (
	ntfsLogPage    = 4096 // of the two restart pages; Windows has no other
	ntfsLogHeader  = 48
	ntfsNoClient   = 0xffff
	ntfsLogClean   = 0x2
	ntfsMaxRunSize = 8 // bytes of a number in a run list
)

// NTFSInfo is what an NTFS says of the Windows that used it last. Dirty and Why of
// the Superblock tell the same in one.
type NTFSInfo struct {
	Marked bool // the dirty flag: Windows is to check the volume
	Log    NTFSLog
}

// NTFSLog is the state in which $LogFile was left.
type NTFSLog string

// The states of a log.
const (
	LogUnknown NTFSLog = ""
	LogClosed  NTFSLog = "closed" // or never used
	LogOpen    NTFSLog = "open"   // what is in it has to be replayed
	LogKept    NTFSLog = "kept"   // a Windows that sleeps has more in its memory
)

// ntfsLog tells from the restart pages of $LogFile whether the volume was
// unmounted. A log of 0xff bytes is one that nobody has used yet. Version 2 is
// that of a Windows which has not: it goes back to version 1 when it unmounts, and
// a fast start-up or hibernation leaves it.
func ntfsLog(s *source, sb *Superblock, attr []byte, cluster uint64) {
	if le32(attr, 0) != ntfsAttrData || attr[8] == 0 || attr[9] != 0 {
		return
	}
	start := product(ntfsFirstRun(attr), cluster)
	if start == 0 {
		sb.warn("$LogFile cannot be found")
		return
	}
	newest := ntfsRestart(s, start)
	if second := ntfsRestart(s, start+ntfsLogPage); newest == nil || second != nil && le64(second, ntfsLogHeader) > le64(newest, ntfsLogHeader) {
		newest = second
	}
	switch {
	case newest != nil && le16(newest, 28) > 1:
		sb.NTFS.Log = LogKept
		sb.markDirty("Windows keeps a part of the volume in its memory (fast start-up or hibernation)")
	case newest != nil && le16(newest, ntfsLogHeader+12) != ntfsNoClient && le16(newest, ntfsLogHeader+14)&ntfsLogClean == 0:
		sb.NTFS.Log = LogOpen
		sb.markDirty("the log was not closed")
	case newest == nil && !ntfsUnusedLog(s, start):
		sb.warn("$LogFile cannot be read")
	default:
		sb.NTFS.Log = LogClosed
	}
}

// ntfsRestart reads a restart page whose restart area lies where that of Windows
// does; nil when there is none.
func ntfsRestart(s *source, at int64) []byte {
	page := s.bytes(at, ntfsLogPage)
	if page == nil || string(page[:4]) != "RSTR" || !ntfsFixUp(page) || le16(page, 24) < ntfsLogHeader {
		return nil
	}
	area := int(le16(page, 24))
	if area > ntfsLogPage-ntfsLogHeader {
		return nil
	}
	return append(page[:ntfsLogHeader:ntfsLogHeader], page[area:]...)
}

func ntfsUnusedLog(s *source, at int64) bool {
	page := s.bytes(at, ntfsLogPage)
	return page != nil && len(bytes.Trim(page, "\xff")) == 0
}

// ntfsFirstRun is the cluster with which a non-resident attribute begins; 0 when
// its run list makes no sense.
func ntfsFirstRun(attr []byte) uint64 {
	if len(attr) < 64 {
		return 0
	}
	at := int(le16(attr, 32))
	if at >= len(attr) {
		return 0
	}
	run := attr[at:]
	lengths, offsets := int(run[0]&15), int(run[0]>>4)
	if offsets == 0 || offsets > ntfsMaxRunSize || 1+lengths+offsets > len(run) {
		return 0
	}
	var number uint64
	for i := lengths + offsets; i > lengths; i-- {
		number = number<<8 | uint64(run[i])
	}
	return number
}
