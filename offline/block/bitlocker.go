package block

import "strconv"

// Signatures of the boot sector and where each kind keeps the offset of its
// metadata. Source: libbde, "BitLocker Drive Encryption format".
const (
	bitlockerSignature = "-FVE-FS-"
	bitlockerVista     = "\xeb\x52\x90" + bitlockerSignature
	bitlockerToGo      = "\xeb\x58\x90MSWIN4.1"
	bitlockerWin7Field = 176
	bitlockerToGoField = 440
)

// probeBitLocker recognises an encrypted volume. Nothing in it is readable
// without a key, and it has no UUID that Linux would show. The signature is enough:
// a volume whose metadata is damaged is no other for that. A stick (To Go) looks
// like FAT up to its metadata.
func probeBitLocker(s *source) *Superblock {
	b := s.bytes(0, 512)
	if b == nil {
		return nil
	}
	bare := &Superblock{Type: BitLocker, Why: "encrypted"}
	field := bitlockerWin7Field
	switch {
	case string(b[:11]) == bitlockerVista:
		return bare
	case string(b[:11]) == bitlockerToGo:
		bare, field = nil, bitlockerToGoField
	case string(b[3:11]) != bitlockerSignature:
		return nil
	}
	at := le64(b, field)
	if at == 0 || at > uint64(s.size) {
		return bare
	}
	m := s.bytes(int64(at), 12)
	if m == nil || string(m[:8]) != bitlockerSignature {
		return bare
	}
	return &Superblock{Type: BitLocker, Version: strconv.Itoa(int(le16(m, 10))), Why: "encrypted"}
}
