package block

import (
	"fmt"
	"io"
)

// A Disk is everything that was found on a device.
type Disk struct {
	Size     int64
	Table    *Table
	Contents []Content // in the order of the table, extended partitions left out
	Warnings []string  // about contents; those about the table are in Table
}

// Content is what one partition holds; Partition.Number 0 is the whole device.
type Content struct {
	Partition  Partition
	Superblock *Superblock // nil: nothing known, or Err is set
	Err        error       // ambiguous content or a failed read of this partition
}

// Scan reads the table and probes every partition, or the whole device if it
// has no partitions ("superfloppy"). The device counts as one piece also when
// it is, as a whole, a member of an md array: its table is that of the array.
func Scan(r io.ReaderAt, size int64) (*Disk, error) {
	t, err := ReadTable(r, size)
	if err != nil {
		return nil, err
	}
	d := &Disk{Size: size, Table: t}
	whole := Content{Partition: Partition{Size: size}}
	whole.Superblock, whole.Err = Probe(r, size)
	for _, p := range t.Partitions {
		if !p.Extended() {
			d.Contents = append(d.Contents, d.probe(r, p))
		}
	}
	d.weigh(whole)
	return d, nil
}

func (d *Disk) probe(r io.ReaderAt, p Partition) Content {
	section := io.NewSectionReader(r, p.Start, p.Size)
	c := Content{Partition: p}
	c.Superblock, c.Err = Probe(section, p.Size)
	if c.Superblock == nil && c.Err == nil {
		d.lookForTable(section, p)
	}
	return c
}

// lookForTable warns of a table inside a partition, as an image of a whole
// disk copied to the wrong place leaves it. It is not followed.
func (d *Disk) lookForTable(r io.ReaderAt, p Partition) {
	inner, err := ReadTable(r, p.Size)
	if err == nil && len(inner.Partitions) > 0 {
		d.warnf("partition %d holds a %s table of its own, which is not followed", p.Number, inner.Scheme)
	}
}

// weigh decides between the device as a whole and its partitions.
func (d *Disk) weigh(whole Content) {
	sb := whole.Superblock
	switch {
	case len(d.Contents) == 0:
		d.Contents = []Content{whole}
	case sb == nil && whole.Err == nil:
	case sb == nil:
		d.warnf("beside its partitions, the device as a whole: %v", whole.Err)
	case sb.Type == LinuxRAID && !d.hasArray(sb.UUID):
		d.warnf("the device is a member of an md array; the %s table belongs to the array", d.Table.Scheme)
		d.Contents = []Content{whole}
	case sb.Type != LinuxRAID:
		d.warnf("the device has partitions and also looks like %s as a whole", sb.Type)
	}
}

// hasArray: a 0.90 superblock in the last partition of an MBR disk is also
// where one for the whole disk would be.
func (d *Disk) hasArray(uuid string) bool {
	for _, c := range d.Contents {
		if c.Superblock != nil && c.Superblock.Type == LinuxRAID && c.Superblock.UUID == uuid {
			return true
		}
	}
	return false
}

func (d *Disk) warnf(format string, args ...any) {
	if len(d.Warnings) < maxWarnings {
		d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
	}
}
