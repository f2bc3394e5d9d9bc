package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-77750964/regain/offline/block"
)

// NTFS makes a block device of the largest NTFS in an image, which is where Windows
// is: beside it a disk has small ones to boot from. The device is gone when release
// has returned, or with the process.
func NTFS(image string) (device string, release func(context.Context) error, err error) {
	file, err := os.Open(image)
	if err != nil {
		return "", nil, fmt.Errorf("cannot open image: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", nil, fmt.Errorf("cannot open image: %w", err)
	}
	disk, err := block.Scan(file, info.Size())
	if err != nil {
		return "", nil, fmt.Errorf("cannot read image %s: %w", image, err)
	}
	var l loop
	for _, c := range disk.Contents {
		if c.Superblock != nil && c.Superblock.Type == block.NTFS && c.Partition.Size > l.size {
			l = loop{image: image, offset: c.Partition.Start, size: c.Partition.Size}
		}
	}
	if l.image == "" {
		return "", nil, errors.New("it holds no NTFS")
	}
	if err := l.attach(); err != nil {
		return "", nil, err
	}
	const patience = 10 * time.Second
	return l.path(), func(ctx context.Context) error { return l.release(ctx, patience) }, nil
}
