package block

import (
	"errors"
	"fmt"
	"hash/crc32"
)

const (
	gptMagic       = "EFI PART"
	gptMinHeader   = 92
	gptMinEntry    = 128
	gptMaxEntry    = 4096
	gptMaxEntries  = 1 << 20 // bytes of the entry array that are read
	gptLegacyBoot  = 1 << 2
	gptCRCField    = 16
	gptNameOffset  = 56
	gptNameEnd     = 128
	gptPrimaryLBA  = 1
	gptMagicLength = 8
)

// errNoGPT means that there is no header at all, not a broken one.
var errNoGPT = errors.New("no GPT signature")

// sectorSizes are the logical sectors that disks have; EBS has 512.
var sectorSizes = []int64{512, 4096}

// gpt is a header whose checksums were right, with its entry array.
type gpt struct {
	sector                int64
	alternate             uint64
	firstUsable, lastUsed uint64
	guid                  string
	entrySize             int
	entriesCRC            uint32
	entries               []byte
}

// loadGPT reads header and entries at a sector; every field that a later
// computation uses is checked against the device.
func loadGPT(s *source, sector int64, lba uint64) (*gpt, error) {
	sectors := uint64(s.size / sector)
	if lba >= sectors {
		return nil, errNoGPT
	}
	b := s.bytes(int64(lba)*sector, sector)
	if b == nil || string(b[:gptMagicLength]) != gptMagic {
		return nil, errNoGPT
	}
	length := le32(b, 12)
	if length < gptMinHeader || int64(length) > sector {
		return nil, fmt.Errorf("header length %d", length)
	}
	if crcWithout(b[:length], gptCRCField) != le32(b, gptCRCField) {
		return nil, errors.New("header checksum does not match")
	}
	if le64(b, 24) != lba {
		return nil, fmt.Errorf("header says it is in sector %d, it is in %d", le64(b, 24), lba)
	}
	g := &gpt{
		sector: sector, alternate: le64(b, 32), firstUsable: le64(b, 40), lastUsed: le64(b, 48),
		guid: guidString(b[56:72]), entriesCRC: le32(b, 88),
	}
	return g, g.loadEntries(s, le64(b, 72), le32(b, 80), le32(b, 84))
}

func (g *gpt) loadEntries(s *source, lba uint64, count, size uint32) error {
	total := uint64(count) * uint64(size)
	switch {
	case size < gptMinEntry || size > gptMaxEntry || size%8 != 0:
		return fmt.Errorf("entry size %d", size)
	case total == 0 || total > gptMaxEntries:
		return fmt.Errorf("%d entries of %d bytes", count, size)
	case lba >= uint64(s.size/g.sector):
		return fmt.Errorf("entries in sector %d, behind the device", lba)
	}
	g.entrySize = int(size)
	g.entries = s.bytes(int64(lba)*g.sector, int64(total))
	if g.entries == nil {
		return errors.New("entries reach behind the device")
	}
	if crc32.ChecksumIEEE(g.entries) != g.entriesCRC {
		return errors.New("checksum of the entries does not match")
	}
	return nil
}

// crcWithout sums b with the four bytes at field taken as zero.
func crcWithout(b []byte, field int) uint32 {
	sum := crc32.ChecksumIEEE(b[:field])
	sum = crc32.Update(sum, crc32.IEEETable, make([]byte, 4))
	return crc32.Update(sum, crc32.IEEETable, b[field+4:])
}

// readGPT takes the primary table, else the backup.
func (t *Table) readGPT(s *source, mbr []byte) {
	t.Scheme = SchemeGPT
	t.describeHybrid(mbr)
	g, primary, err := findPrimary(s)
	if err != nil {
		t.warnf("primary GPT: %v", err)
		if g = t.findBackup(s, primary); g == nil {
			t.warnf("protective MBR, but no usable GPT")
			return
		}
		t.warnf("the backup GPT is used")
	} else {
		t.compareBackup(s, g)
	}
	t.SectorSize, t.UUID = g.sector, g.guid
	t.gptPartitions(g, s.size)
}

// findPrimary tries both sector sizes. A header whose entries are broken is
// returned too, since it knows where its backup is.
func findPrimary(s *source) (good, broken *gpt, err error) {
	err = errNoGPT
	for _, sector := range sectorSizes {
		g, e := loadGPT(s, sector, gptPrimaryLBA)
		switch {
		case e == nil:
			return g, nil, nil
		case !errors.Is(e, errNoGPT):
			broken, err = g, e
		}
	}
	return nil, broken, err
}

// findBackup looks in the last sector, and where a half-broken primary points.
func (t *Table) findBackup(s *source, primary *gpt) *gpt {
	for _, sector := range sectorSizes {
		g, err := loadGPT(s, sector, uint64(max(s.size/sector, 1)-1))
		if err == nil {
			return g
		}
		if !errors.Is(err, errNoGPT) {
			t.warnf("backup GPT: %v", err)
		}
	}
	if primary == nil {
		return nil
	}
	g, err := loadGPT(s, primary.sector, primary.alternate)
	if err != nil {
		return nil
	}
	return g
}

func (t *Table) compareBackup(s *source, g *gpt) {
	last := uint64(s.size/g.sector) - 1
	if g.alternate < last {
		t.warnf("the backup GPT is not at the end: the device has grown")
	}
	b, err := loadGPT(s, g.sector, g.alternate)
	switch {
	case err != nil:
		t.warnf("backup GPT: %v", err)
	case b.entriesCRC != g.entriesCRC || b.guid != g.guid:
		t.warnf("the backup GPT differs from the primary, which is used")
	}
}

func (t *Table) gptPartitions(g *gpt, size int64) {
	sectors := uint64(size / g.sector)
	for i := 0; i+g.entrySize <= len(g.entries); i += g.entrySize {
		e, number := g.entries[i:i+g.entrySize], i/g.entrySize+1
		first, last := le64(e, 32), le64(e, 40)
		switch {
		case allZero(e[:16]):
			continue
		case first > last || first == 0 || first >= sectors:
			t.warnf("partition %d from sector %d to %d is not on the device, left out", number, first, last)
			continue
		case first < g.firstUsable || last > g.lastUsed:
			t.warnf("partition %d is outside the usable range", number)
		}
		attributes := le64(e, 48)
		t.add(Partition{
			Number: number, Start: int64(first) * g.sector, Size: gptSize(first, last, g.sector),
			TypeGUID: guidString(e[:16]), UUID: guidString(e[16:32]),
			Name: utf16Text(e[gptNameOffset:gptNameEnd], le16), Attributes: attributes,
			Bootable: attributes&gptLegacyBoot != 0,
		}, size)
	}
}

// gptSize is the length in bytes, saturated where it would overflow.
func gptSize(first, last uint64, sector int64) int64 {
	if n := product(last-first, uint64(sector)); n > 0 && n <= 1<<63-1-sector {
		return n + sector
	}
	if first == last {
		return sector
	}
	return 1<<63 - 1
}

// mentionGPT warns when a header exists that nothing will use.
func (t *Table) mentionGPT(s *source, why string) {
	if g, _, err := findPrimary(s); err == nil {
		t.warnf("a GPT (%s) is ignored, because %s", g.guid, why)
	} else if g := (&Table{}).findBackup(s, nil); g != nil {
		t.warnf("a backup GPT (%s) at the end is ignored, because %s", g.guid, why)
	}
}
