package linuxroot

import (
	"encoding/binary"

	"github.com/seed-77750964/regain/offline"
)

// archFiles are programs that every installation has one of. Their kernel
// cannot differ from their own machine in width, but the kernel may be wider.
var archFiles = []string{"/usr/sbin/sshd", "/sbin/init", "/usr/lib/systemd/systemd", "/bin/sh", "/bin/busybox"}

// readArch is the machine for which the system's programs are built, in Go's
// names; empty when none could be read.
func readArch(v *offline.Volume) string {
	for _, name := range archFiles {
		var header [20]byte
		if n, err := v.ReadAt(name, header[:], 0); err == nil && n == len(header) {
			if arch := elfArch(header); arch != "" {
				return arch
			}
		}
	}
	return ""
}

// elfMachines holds e_machine, class (1: 32 bit, 2: 64 bit) and byte order
// (1: little, 2: big) of elf(5).
var elfMachines = map[[3]uint16]string{
	{62, 2, 1}: "amd64", {62, 1, 1}: "x32", {3, 1, 1}: "386",
	{183, 2, 1}: "arm64", {40, 1, 1}: "arm",
	{243, 2, 1}: "riscv64", {21, 2, 1}: "ppc64le", {21, 2, 2}: "ppc64", {22, 2, 2}: "s390x",
	{258, 2, 1}: "loong64", {8, 2, 1}: "mips64le", {8, 1, 1}: "mipsle",
}

func elfArch(h [20]byte) string {
	if string(h[:4]) != "\x7fELF" {
		return ""
	}
	machine := binary.LittleEndian.Uint16(h[18:])
	if h[5] == 2 {
		machine = binary.BigEndian.Uint16(h[18:])
	}
	return elfMachines[[3]uint16{machine, uint16(h[4]), uint16(h[5])}]
}
