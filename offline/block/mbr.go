package block

import "fmt"

const (
	mbrSize       = 512
	mbrSector     = 512
	mbrEntries    = 446
	mbrEntrySize  = 16
	mbrDiskID     = 440
	mbrProtective = 0xee
	mbrActive     = 0x80
	mbrMaxLogical = 128 // links of the extended chain that are followed
	firstLogical  = 5
)

// mbrEntry is one of the four entries, in bytes.
type mbrEntry struct {
	flag, typ   byte
	start, size int64
}

func (e mbrEntry) empty() bool { return e.typ == 0 || e.size == 0 }

func isExtended(typ byte) bool { return typ == 0x05 || typ == 0x0f || typ == 0x85 }

func entriesOf(sector []byte) [4]mbrEntry {
	var out [4]mbrEntry
	for i := range out {
		e := sector[mbrEntries+i*mbrEntrySize:]
		out[i] = mbrEntry{
			flag: e[0], typ: e[4],
			start: int64(le32(e, 8)) * mbrSector, size: int64(le32(e, 12)) * mbrSector,
		}
	}
	return out
}

func signed(sector []byte) bool { return sector[510] == 0x55 && sector[511] == 0xaa }

// isMBR tells a partition table from the boot sector of a filesystem, which
// ends in the same signature. Like libblkid it wants a sane flag in each
// entry, and no FAT or NTFS in the sector.
func isMBR(m []byte) bool {
	if !signed(m) {
		return false
	}
	for _, e := range entriesOf(m) {
		if e.flag&^mbrActive != 0 {
			return false
		}
	}
	if _, fat := readFAT(m); fat {
		return false
	}
	oem := string(m[3:11])
	return oem != ntfsSignature && oem != bitlockerSignature && oem != "EXFAT   "
}

// isProtective wants an entry that covers the GPT (kernel: is_pmbr_valid).
func isProtective(m []byte) bool {
	for _, e := range entriesOf(m) {
		if e.typ == mbrProtective && e.start == mbrSector {
			return true
		}
	}
	return false
}

func (t *Table) describeHybrid(m []byte) {
	others := 0
	for _, e := range entriesOf(m) {
		if !e.empty() && e.typ != mbrProtective {
			others++
		}
	}
	if others > 0 {
		t.warnf("hybrid MBR: %d entries beside the protective one are ignored", others)
	}
}

func (t *Table) readMBR(s *source, m []byte) {
	t.Scheme = SchemeDOS
	id := le32(m, mbrDiskID)
	if id != 0 {
		t.UUID = fmt.Sprintf("%08x", id)
	}
	entries := entriesOf(m)
	for i, e := range entries {
		t.addEntry(e, i+1, s.size)
	}
	chain := ebrChain{table: t, src: s, seen: map[int64]bool{}, next: firstLogical}
	for _, e := range entries {
		if !e.empty() && isExtended(e.typ) {
			chain.follow(e)
		}
	}
}

func (t *Table) addEntry(e mbrEntry, number int, size int64) {
	if e.empty() {
		return
	}
	if e.start <= 0 || e.start >= size {
		t.warnf("partition %d at byte %d is not on the device, left out", number, e.start)
		return
	}
	p := Partition{Number: number, Start: e.start, Size: e.size, MBRType: e.typ, Bootable: e.flag&mbrActive != 0}
	if t.UUID != "" {
		p.UUID = fmt.Sprintf("%s-%02x", t.UUID, number)
	}
	t.add(p, size)
}

// ebrChain follows the linked list of logical partitions. Each link is a
// sector like an MBR: its data entries count from itself, its link from the
// beginning of the extended partition.
type ebrChain struct {
	table *Table
	src   *source
	seen  map[int64]bool
	next  int // number of the next logical partition
}

func (c *ebrChain) follow(extended mbrEntry) {
	at := extended.start
	for {
		switch {
		case c.seen[at]:
			c.table.warnf("the chain of logical partitions loops")
			return
		case len(c.seen) >= mbrMaxLogical:
			c.table.warnf("more than %d logical partitions, the rest is left out", mbrMaxLogical)
			return
		}
		c.seen[at] = true
		b := c.src.bytes(at, mbrSize)
		if b == nil || !signed(b) {
			c.table.warnf("the chain of logical partitions ends in a bad sector at byte %d", at)
			return
		}
		link, ok := c.sector(b, at, extended)
		if !ok {
			return
		}
		at = extended.start + link
	}
}

// sector adds the partitions of one link and returns where the next one is.
func (c *ebrChain) sector(b []byte, at int64, extended mbrEntry) (link int64, ok bool) {
	for i, e := range entriesOf(b) {
		switch {
		case e.empty():
		case isExtended(e.typ):
			if !ok {
				link, ok = e.start, true
			}
		case i >= 2 && at+e.start+e.size > extended.start+extended.size:
			// Some tools left garbage in the last two entries (kernel: msdos.c).
		default:
			e.start += at
			if e.start+e.size > extended.start+extended.size {
				c.table.warnf("logical partition %d leaves the extended partition", c.next)
			}
			c.table.addEntry(e, c.next, c.src.size)
			c.next++
		}
	}
	return link, ok
}
