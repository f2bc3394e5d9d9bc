package block

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// A Partition is one entry of a table, in bytes of the whole device.
type Partition struct {
	Number      int // as the kernel counts; 0 stands for the whole device
	Start, Size int64
	TypeGUID    string // GPT: lower case
	MBRType     byte   // dos
	UUID        string // blkid's PART_ENTRY_UUID: what PARTUUID= in fstab means
	Name        string // GPT: what PARTLABEL= means; from the disk, quote it
	Attributes  uint64 // GPT
	Bootable    bool   // dos active flag, GPT legacy boot attribute
}

// Extended tells whether the partition only holds logical ones.
func (p Partition) Extended() bool { return isExtended(p.MBRType) }

// The values of Table.Scheme.
const (
	SchemeGPT  = "gpt"
	SchemeDOS  = "dos"
	SchemeNone = "none"
)

// A Table is the partition table of a device. Warnings name what is wrong or
// odd in it; the partitions listed are inside the device all the same.
type Table struct {
	Scheme     string
	UUID       string // blkid's PTUUID
	Partitions []Partition
	Warnings   []string
	SectorSize int64 // bytes, in which the table counts: 512 or 4096
}

const (
	maxPartitions = 256 // Linux numbers no more on one disk
	maxWarnings   = 32
)

// ReadTable reads the partition table of a device of size bytes. A device
// without one gives SchemeNone and no error; errors are failed reads only.
// Like the kernel it believes a GPT only behind a protective MBR, and uses the
// backup header when the primary is broken. An MBR is read in sectors of 512.
func ReadTable(r io.ReaderAt, size int64) (*Table, error) {
	src, err := newSource(r, size)
	if err != nil {
		return nil, err
	}
	t := readTable(src)
	return t, src.err
}

func readTable(s *source) *Table {
	t := &Table{Scheme: SchemeNone, SectorSize: 512}
	m := s.bytes(0, mbrSize)
	switch {
	case m == nil:
	case !isMBR(m):
		t.mentionGPT(s, "there is no protective MBR")
	case isProtective(m):
		t.readGPT(s, m)
	default:
		t.mentionGPT(s, "the MBR is not protective")
		t.readMBR(s, m)
	}
	t.findOverlaps()
	return t
}

func (t *Table) warnf(format string, args ...any) {
	if len(t.Warnings) < maxWarnings {
		t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
	}
}

// add takes a partition that begins inside the device and cuts it at the end.
func (t *Table) add(p Partition, size int64) {
	if len(t.Partitions) >= maxPartitions {
		t.warnf("more than %d partitions, the rest is left out", maxPartitions)
		return
	}
	if p.Size > size-p.Start {
		t.warnf("partition %d ends %d bytes behind the device and is cut", p.Number, p.Size-(size-p.Start))
		p.Size = size - p.Start
	}
	t.Partitions = append(t.Partitions, p)
}

// findOverlaps warns of data that belongs to two; logical partitions lie inside the extended one.
func (t *Table) findOverlaps() {
	var data []Partition
	for _, p := range t.Partitions {
		if !p.Extended() {
			data = append(data, p)
		}
	}
	slices.SortStableFunc(data, func(a, b Partition) int { return cmp.Compare(a.Start, b.Start) })
	reach := 0
	for i := 1; i < len(data); i++ {
		if data[i].Start < data[reach].Start+data[reach].Size {
			t.warnf("partitions %d and %d overlap", data[reach].Number, data[i].Number)
		}
		if data[i].Start+data[i].Size > data[reach].Start+data[reach].Size {
			reach = i
		}
	}
}
