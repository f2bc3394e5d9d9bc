package offline

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// Attribute types of a file record ([MS-FSCC] and the documentation of Linux-NTFS).
const (
	recordStandard = 0x10
	recordName     = 0x30
	recordData     = 0x80
	recordEnd      = 0xffffffff
	recordInUse    = 0x01
)

// plainRecord tells whether a file record, as it lies on the disk, is that of a file
// called name which has content and times and nothing besides: no streams, no
// extended attributes, no object id, no second record. Short names are let pass.
func plainRecord(record []byte, name string) bool {
	if len(record) < ntfsSector || len(record)%ntfsSector != 0 || string(record[:4]) != "FILE" {
		return false
	}
	le := binary.LittleEndian
	record = bytes.Clone(record)
	if !fixUp(record) || le.Uint16(record[22:])&recordInUse == 0 || le.Uint64(record[32:]) != 0 { // the last: of another record
		return false
	}
	named := false
	for at := int(le.Uint16(record[20:])); at+4 <= len(record); {
		kind := le.Uint32(record[at:])
		if kind == recordEnd {
			return named
		}
		if at+24 > len(record) {
			return false
		}
		length := int(le.Uint32(record[at+4:]))
		if length < 24 || length > len(record)-at {
			return false
		}
		attribute := record[at : at+length]
		switch {
		case kind == recordStandard, kind == recordData && attribute[9] == 0:
		case kind == recordName:
			named = named || sameName(recordedName(attribute), name)
		default:
			return false
		}
		at += length
	}
	return false
}

// fixUp puts the last two bytes of each sector back.
func fixUp(record []byte) bool {
	le := binary.LittleEndian
	at, count := int(le.Uint16(record[4:])), int(le.Uint16(record[6:]))
	if count != len(record)/ntfsSector+1 || at+2*count > len(record) {
		return false
	}
	for i := 1; i < count; i++ {
		end := record[i*ntfsSector-2 : i*ntfsSector]
		if !bytes.Equal(end, record[at:at+2]) {
			return false
		}
		copy(end, record[at+2*i:at+2*i+2])
	}
	return true
}

// recordedName is the name in a $FILE_NAME attribute; empty when there is none.
func recordedName(attribute []byte) string {
	le := binary.LittleEndian
	value := attribute[min(int(le.Uint16(attribute[20:])), len(attribute)):]
	if attribute[8] != 0 || len(value) < 66 || len(value) < 66+2*int(value[64]) {
		return ""
	}
	return utf16Name(value[66 : 66+2*int(value[64])])
}

func utf16Name(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
