package block

import "fmt"

// probeSquashFS reads version 4, the only one that the kernel still mounts.
// It is written once and therefore never dirty.
func probeSquashFS(s *source) *Superblock {
	b := s.bytes(0, 96)
	if b == nil || string(b[:4]) != "hsqs" || le16(b, 28) < 4 {
		return nil
	}
	return &Superblock{
		Type: SquashFS, Version: fmt.Sprintf("%d.%d", le16(b, 28), le16(b, 30)),
		Size: product(le64(b, 40), 1), BlockSize: int64(le32(b, 12)), DirtyKnown: true,
	}
}
