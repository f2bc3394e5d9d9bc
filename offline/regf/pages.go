package regf

import (
	"errors"
	"fmt"
	"io"
)

const (
	pageSize = 4096
	maxPages = 256 // kept at a time: 1 MiB
	maxRead  = 8 << 20

	// maxWork bounds what is read in the life of a Hive, in bytes, with something for
	// each read. What has a value may be in several keys, so that a small hive can ask
	// for any number of them; a Windows is looked through with a tenth of it.
	maxWork = 128 << 20
	perRead = 64
)

// pages reads a file through a small cache, since cells are small and close to
// each other.
type pages struct {
	r    io.ReaderAt
	size int64
	kept map[int64][]byte
	work int
}

// bytes returns n bytes at the offset. The result must not be changed.
func (p *pages) bytes(at int64, n int) ([]byte, error) {
	if p.work += perRead + max(n, 0); p.work > maxWork {
		return nil, fmt.Errorf("more than %d MiB are to be read: %w", maxWork>>20, ErrFormat)
	}
	start := at / pageSize * pageSize
	if at < 0 || at+int64(n) > start+pageSize {
		return p.direct(at, n)
	}
	page, ok := p.kept[start]
	if !ok {
		var err error
		if page, err = p.direct(start, int(min(pageSize, p.size-start))); err != nil {
			return nil, err
		}
		if len(p.kept) >= maxPages {
			clear(p.kept)
		}
		if p.kept == nil {
			p.kept = map[int64][]byte{}
		}
		p.kept[start] = page
	}
	at -= start
	if at+int64(n) > int64(len(page)) {
		return nil, p.outside(start+at, n)
	}
	return page[at : at+int64(n)], nil
}

// direct reads past the cache.
func (p *pages) direct(at int64, n int) ([]byte, error) {
	if at < 0 || n < 0 || n > maxRead || at > p.size-int64(n) {
		return nil, p.outside(at, n)
	}
	b := make([]byte, n)
	got, err := p.r.ReadAt(b, at)
	switch {
	case got == n:
		return b, nil
	case err == nil || errors.Is(err, io.EOF): // shorter than its size was said to be
		err = io.ErrUnexpectedEOF
	}
	return nil, fmt.Errorf("cannot read %d bytes at 0x%x: %w", n, at, err)
}

func (p *pages) outside(at int64, n int) error {
	return fmt.Errorf("%d bytes at 0x%x of a file of %d: %w", n, at, p.size, ErrFormat)
}
