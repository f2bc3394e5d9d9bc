package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// chunk is how much is copied between two looks at the context.
const chunk = 16 << 20

// Copy makes to a copy of from: it shares the blocks where the file system can
// (FICLONE), and copies the data without the holes where it cannot. Either way
// a copy that exists is whole.
func Copy(ctx context.Context, from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot copy image: %w", err)
	}
	defer source.Close()
	return replace(to, func(target *os.File) error {
		if unix.IoctlFileClone(int(target.Fd()), int(source.Fd())) == nil {
			return nil
		}
		return copySparse(ctx, target, source)
	})
}

func copySparse(ctx context.Context, target, source *os.File) error {
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if err := target.Truncate(info.Size()); err != nil {
		return err
	}
	for offset := int64(0); offset < info.Size(); {
		start, err := source.Seek(offset, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // only a hole is left
			return nil
		}
		if err != nil {
			return err
		}
		if offset, err = source.Seek(start, unix.SEEK_HOLE); err != nil {
			return err
		}
		if err := copyRange(ctx, target, source, start, offset); err != nil {
			return err
		}
	}
	return nil
}

func copyRange(ctx context.Context, target, source *os.File, from, to int64) error {
	for from < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := target.Seek(from, io.SeekStart); err != nil {
			return err
		}
		if _, err := source.Seek(from, io.SeekStart); err != nil {
			return err
		}
		n, err := io.CopyN(target, source, min(chunk, to-from))
		if err != nil {
			return err
		}
		from += n
	}
	return nil
}
