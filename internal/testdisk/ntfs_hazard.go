package testdisk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Hibernated is a mutation that leaves the header of a hibernation file that
// Windows would resume from.
func Hibernated(root string) error {
	return os.WriteFile(filepath.Join(root, "hiberfil.sys"), append([]byte("hibr"), make([]byte, 4092)...), 0o644)
}

// Junction returns a mutation that makes name a junction to the directory target
// of drive C:, as mklink /J does.
func Junction(name, target string) Mutation {
	return func(root string) error {
		at := filepath.Join(root, name)
		if err := os.Mkdir(at, 0o755); err != nil {
			return err
		}
		return unix.Setxattr(at, "system.ntfs_reparse_data", mountPoint(target), 0)
	}
}

// mountPoint is the reparse data of a junction ([MS-FSCC] 2.1.2.5).
func mountPoint(target string) []byte {
	real, shown := utf16LE(`\??\C:\`+target), utf16LE(`C:\`+target)
	b := binary.LittleEndian.AppendUint32(nil, 0xa0000003)
	for _, n := range []int{8 + len(real) + 2 + len(shown) + 2, 0, 0, len(real), len(real) + 2, len(shown)} {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
	}
	b = append(append(b, real...), 0, 0)
	return append(append(b, shown...), 0, 0)
}

func utf16LE(s string) (b []byte) {
	for _, r := range s {
		b = binary.LittleEndian.AppendUint16(b, uint16(r))
	}
	return b
}

// MarkDirty sets the dirty flag in $Volume, in the master file table and in its
// mirror, as Windows does to have the volume checked at the next start.
func (img *NTFSImage) MarkDirty() error {
	return img.edit(func(b *ntfsBytes) error {
		for _, table := range []int64{b.field(48), b.field(56)} {
			value, err := b.attribute(table, 3, 0x70)
			if err != nil {
				return err
			}
			b.data[value+10] |= 1
		}
		return nil
	})
}

// SetLog writes a $LogFile whose restart pages have this version (1.1, or 2.0
// where Windows keeps metadata in the cache of a fast start-up), clean or not.
func (img *NTFSImage) SetLog(major, minor uint16, clean bool) error {
	return img.edit(func(b *ntfsBytes) error {
		at, err := b.attribute(b.field(48), 2, 0x80)
		if err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint64(b.data[at+48-0x18:]))
		page := restartPage(major, minor, clean, size)
		for _, start := range []int64{0, 4096} {
			copy(b.data[b.firstRun(at)+start:], page)
		}
		return nil
	})
}

// restartPage is a page of 4096 bytes as the NTFS documentation of the Linux-NTFS
// project describes it: header, update sequence, restart area, one client.
func restartPage(major, minor uint16, clean bool, size int64) []byte {
	p := make([]byte, 4096)
	le := binary.LittleEndian
	copy(p, "RSTR")
	le.PutUint16(p[4:], 30) // update sequence array
	le.PutUint16(p[6:], 9)
	le.PutUint32(p[16:], 4096)
	le.PutUint32(p[20:], 4096)
	le.PutUint16(p[24:], 48) // restart area
	le.PutUint16(p[26:], minor)
	le.PutUint16(p[28:], major)
	area := p[48:]
	le.PutUint16(area[8:], 1)       // clients
	le.PutUint16(area[10:], 0xffff) // none free
	le.PutUint16(area[12:], 0)      // the first in use
	if clean {
		le.PutUint16(area[14:], 2)
	}
	bits := 0
	for s := size; s > 0; s >>= 1 {
		bits++
	}
	le.PutUint32(area[16:], uint32(67-bits))
	le.PutUint16(area[20:], 48+160)
	le.PutUint16(area[22:], 48)
	le.PutUint64(area[24:], uint64(size))
	le.PutUint16(area[36:], 48) // header of a record
	le.PutUint16(area[38:], 64) // data of a page
	client := area[48:]
	le.PutUint16(client[16:], 0xffff)
	le.PutUint16(client[18:], 0xffff)
	le.PutUint32(client[28:], 8)
	copy(client[32:], utf16LE("NTFS"))
	le.PutUint16(p[30:], 1) // the update sequence number, at the end of each sector
	for end := 510; end < len(p); end += 512 {
		le.PutUint16(p[end:], 1)
	}
	return p
}

// edit changes bytes of the NTFS where it lies.
func (img *NTFSImage) edit(f func(*ntfsBytes) error) error {
	data, err := os.ReadFile(img.Path)
	if err != nil {
		return err
	}
	old := bytes.Clone(data)
	b := &ntfsBytes{data[img.Offset:]}
	if err := f(b); err != nil {
		return fmt.Errorf("cannot edit %s: %w", img.Path, err)
	}
	file, err := os.OpenFile(img.Path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for at := 0; at < len(data) && err == nil; at += 512 {
		if !bytes.Equal(data[at:min(at+512, len(data))], old[at:min(at+512, len(data))]) {
			_, err = file.WriteAt(data[at:min(at+512, len(data))], int64(at))
		}
	}
	return errors.Join(err, file.Close())
}

// ntfsBytes is an NTFS that mkntfs has just made: what it says is believed.
type ntfsBytes struct{ data []byte }

func (b *ntfsBytes) cluster() int64 {
	return int64(binary.LittleEndian.Uint16(b.data[11:])) * int64(b.data[13])
}

// field is the byte offset of a table that the boot sector names by cluster.
func (b *ntfsBytes) field(at int) int64 {
	return int64(binary.LittleEndian.Uint64(b.data[at:])) * b.cluster()
}

// attribute finds the value of an attribute in a file record of 1024 bytes: 24
// bytes behind its header, whether it is resident or not.
func (b *ntfsBytes) attribute(table, record int64, kind uint32) (int64, error) {
	start := table + record*1024
	if string(b.data[start:start+4]) != "FILE" {
		return 0, fmt.Errorf("file record %d is not there", record)
	}
	at := start + int64(binary.LittleEndian.Uint16(b.data[start+20:]))
	for at < start+1024-24 {
		found, length := binary.LittleEndian.Uint32(b.data[at:]), int64(binary.LittleEndian.Uint32(b.data[at+4:]))
		if found == kind {
			return at + 24, nil
		}
		if length == 0 || found == 0xffffffff {
			break
		}
		at += length
	}
	return 0, fmt.Errorf("file record %d has no attribute %#x", record, kind)
}

// firstRun is where the first run of the non-resident attribute begins whose
// attribute was found at.
func (b *ntfsBytes) firstRun(at int64) int64 {
	header := at - 24
	run := b.data[header+int64(binary.LittleEndian.Uint16(b.data[header+32:])):]
	lengths, offsets := int(run[0]&15), int(run[0]>>4)
	cluster := int64(0)
	for i := offsets - 1; i >= 0; i-- {
		cluster = cluster<<8 | int64(run[1+lengths+i])
	}
	return cluster * b.cluster()
}
