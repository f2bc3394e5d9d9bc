package block

import "fmt"

const refsSignature = "ReFS\x00\x00\x00\x00" // behind three bytes that are zero, or a jump

// probeReFS reads the volume header of Microsoft's Resilient File System,
// which no Linux kernel mounts. Source: libfsrefs, "Resilient File System
// format".
func probeReFS(s *source) *Superblock {
	b := s.bytes(0, 512)
	if b == nil || string(b[3:11]) != refsSignature {
		return nil
	}
	sector := uint64(le32(b, 32))
	return &Superblock{
		Type: ReFS, Version: fmt.Sprintf("%d.%d", b[40], b[41]),
		Size:      product(le64(b, 24), sector),
		BlockSize: product(uint64(le32(b, 36)), sector),
		Why:       "not examined",
	}
}
