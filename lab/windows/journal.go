package windows

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A journal is the file $LogFile of a volume. A Windows that runs keeps it open; the
// lab's writes nothing to it but its two restart pages, which say so. Who has the power
// cut leaves it open.
type journal struct {
	at, size int64
	before   []byte // its restart pages, closed
}

const restartPages = 2 * 4096

// find finds it on a volume that is not mounted.
func (j *journal) find(ctx context.Context, device string) error {
	out, err := exec.CommandContext(ctx, "ntfscluster", "--force", "--inode", "2", device).Output()
	if err != nil {
		return fmt.Errorf("cannot find $LogFile: ntfscluster: %w", err)
	}
	return onFile(device, func(f *os.File) error {
		boot := make([]byte, 512)
		if _, err := f.ReadAt(boot, 0); err != nil {
			return err
		}
		cluster := int64(binary.LittleEndian.Uint16(boot[11:])) * int64(boot[13])
		first, clusters := runs(string(out))
		if j.at, j.size = first*cluster, clusters*cluster; j.size < restartPages {
			return errors.New("cannot find $LogFile: ntfscluster names no place for it")
		}
		return nil
	})
}

// open opens it.
func (j *journal) open(device string) error {
	return onFile(device, func(f *os.File) error {
		j.before = make([]byte, restartPages)
		if _, err := f.ReadAt(j.before, j.at); err != nil {
			return err
		}
		page := openPage(j.size)
		_, err := f.WriteAt(append(page, page...), j.at)
		return err
	})
}

// close makes it as it was before it was opened.
func (j *journal) close(device string) error {
	return onFile(device, func(f *os.File) error {
		_, err := f.WriteAt(j.before, j.at)
		return err
	})
}

func onFile(path string, f func(*os.File) error) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f(file), file.Sync(), file.Close())
}

// runs reads the runs that ntfscluster lists: the first cluster, and how many there are.
func runs(listing string) (first, clusters int64) {
	for line := range strings.Lines(listing) {
		numbers := strings.Fields(line)
		if len(numbers) != 3 {
			continue
		}
		at, err := strconv.ParseInt(numbers[1], 10, 64)
		length, err2 := strconv.ParseInt(numbers[2], 10, 64)
		if errors.Join(err, err2) != nil {
			continue
		}
		if numbers[0] == "0" {
			first = at
		}
		clusters += length
	}
	return first, clusters
}

// openPage is a restart page of a log of this size that is in use: version 1.1, one
// client, not clean.
//
// https://flatcap.github.io/linux-ntfs/ntfs/files/logfile.html
func openPage(size int64) []byte {
	const header, clients, record, numbers = 48, 48, 160, 30
	p := make([]byte, 4096)
	short := func(at int, values ...uint16) {
		for n, v := range values {
			binary.LittleEndian.PutUint16(p[at+2*n:], v)
		}
	}
	copy(p, "RSTR")
	short(4, numbers, 9)                         // update sequence
	short(16, 4096, 0, 4096, 0, header, 1, 1, 1) // sizes of pages, place of the area, version, the first number of the sequence
	short(header+8, 1, 0xffff, 0, 0)             // one client, none free, the first in use, not clean
	short(header+16, uint16(67-bits.Len64(uint64(size))), 0, clients+record, clients)
	binary.LittleEndian.PutUint64(p[header+24:], uint64(size))
	short(header+36, 48, 64)
	client := header + clients
	short(client+16, 0xffff, 0xffff) // no one before or after it
	short(client+28, 8, 0, 'N', 'T', 'F', 'S')
	for end := 510; end < len(p); end += 512 {
		short(end, 1)
	}
	return p
}
