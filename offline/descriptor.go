package offline

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// descriptorText is a security descriptor as Windows' own tools write it ([MS-DTYP]
// 2.5.1), as in O:BAG:BAD:P(A;;FA;;;SY). What this form would leave out, or what is
// damaged, stands in hexadecimal.
func descriptorText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if text, ok := sddl(b); ok {
		return text
	}
	return fmt.Sprintf("%x", b)
}

func sddl(b []byte) (string, bool) {
	const head = 20
	le := binary.LittleEndian
	if len(b) < head || b[0] != 1 || b[1] != 0 || le.Uint32(b[12:]) != 0 { // a SACL is not shown
		return "", false
	}
	part := func(field int) []byte { return b[min(uint64(le.Uint32(b[field:])), uint64(len(b))):] }
	owner, _, ok1 := sidText(part(4))
	group, _, ok2 := sidText(part(8))
	list, ok3 := aclText(part(16))
	flags := ""
	for _, f := range []struct {
		bit  uint16
		name string
	}{{0x1000, "P"}, {0x0100, "AR"}, {0x0400, "AI"}} {
		if le.Uint16(b[2:])&f.bit != 0 {
			flags += f.name
		}
	}
	return "O:" + owner + "G:" + group + "D:" + flags + list, ok1 && ok2 && ok3 && le.Uint32(b[16:]) != 0
}

var sidNames = map[string]string{
	"S-1-1-0": "WD", "S-1-3-0": "CO", "S-1-5-11": "AU", "S-1-5-18": "SY", "S-1-5-32-544": "BA", "S-1-5-32-545": "BU",
}

// sidText is a security identifier, and how many bytes it takes.
func sidText(b []byte) (text string, size int, ok bool) {
	const most = 15
	if len(b) < 8 || b[0] != 1 || b[1] > most || len(b) < 8+4*int(b[1]) || b[2] != 0 || b[3] != 0 {
		return "", 0, false
	}
	text = fmt.Sprintf("S-1-%d", binary.BigEndian.Uint32(b[4:]))
	for i := range int(b[1]) {
		text += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[8+4*i:]))
	}
	if name := sidNames[text]; name != "" {
		text = name
	}
	return text, 8 + 4*int(b[1]), true
}

var (
	aceTypes  = []string{"A", "D"}
	aceFlags  = []string{"OI", "CI", "NP", "IO", "ID"}
	aceRights = map[uint32]string{allAccess: "FA", 0x120089: "FR", 0x120116: "FW", 0x1200a0: "FX"}
)

// aclText are the entries of a list that allow and deny.
func aclText(b []byte) (string, bool) {
	const head, entry = 8, 8
	if len(b) < head {
		return "", false
	}
	text, count := "", binary.LittleEndian.Uint16(b[4:])
	for b = b[head:]; count > 0; count-- {
		if len(b) < entry || int(b[0]) >= len(aceTypes) || b[1] >= 1<<len(aceFlags) {
			return "", false
		}
		size := int(binary.LittleEndian.Uint16(b[2:]))
		if size < entry || size > len(b) {
			return "", false
		}
		sid, n, ok := sidText(b[entry:size])
		if !ok || entry+n != size {
			return "", false
		}
		flags, mask := "", binary.LittleEndian.Uint32(b[4:])
		for i, name := range aceFlags {
			if b[1]&(1<<i) != 0 {
				flags += name
			}
		}
		rights, known := aceRights[mask]
		if !known {
			rights = fmt.Sprintf("0x%x", mask)
		}
		text += fmt.Sprintf("(%s;%s;%s;;;%s)", aceTypes[b[0]], flags, rights, sid)
		b = b[size:]
	}
	return text, true
}

// attributeBits are the FILE_ATTRIBUTE_ bits that a File holds, lowest first.
var attributeBits = []struct {
	bit  uint32
	name string
}{
	{0x1, "read-only"}, {0x2, "hidden"}, {0x4, "system"}, {ntfsArchive, "archive"}, {0x100, "temporary"}, {0x1000, "offline"}, {0x2000, "not indexed"},
}

// attributeText are FILE_ATTRIBUTE_ bits by name.
func attributeText(b []byte) string {
	if len(b) != 4 { // none, or damaged
		return fmt.Sprintf("%x", b)
	}
	bits := binary.LittleEndian.Uint32(b)
	var names []string
	for _, a := range attributeBits {
		if bits&a.bit != 0 {
			names, bits = append(names, a.name), bits&^a.bit
		}
	}
	if bits != 0 {
		names = append(names, fmt.Sprintf("0x%x", bits))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
