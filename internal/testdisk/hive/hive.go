// Package hive makes registry hives for tests: from nothing, from a description
// that one can read, and with the damage and the transaction logs that a running
// or crashed Windows leaves behind.
//
// It writes the few bytes of an empty hive itself; keys and values are put into it
// by hivexregedit, which nobody here wrote. It is for tests only and imports nothing
// of this module but testdisk: it does not share a misunderstanding with the reader.
package hive

import (
	"context"
	"encoding/binary"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// Minimal is a hive that holds a root key, its security descriptor, and nothing else.
func Minimal() []byte {
	var b Builder
	return b.Bytes(b.Root())
}

// Root appends a root key and its security descriptor, and returns the key's cell.
func (b *Builder) Root() uint32 {
	security := b.Cell(sk())
	b.Set32(security, 4, security) // a list of one
	b.Set32(security, 8, security)
	return b.Cell(NK("ROOT", KeyRoot|KeyName8Bit, none, security))
}

// sk is the data of a security cell: SYSTEM and Administrators may do anything.
func sk() []byte {
	system := []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
	administrators := []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0}
	acl := []byte{2, 0, 0, 0, 2, 0, 0, 0}
	for _, sid := range [][]byte{system, administrators} {
		acl = append(acl, 0, 2, byte(8+len(sid)), 0, 0x3f, 0, 0x0f, 0)
		acl = append(acl, sid...)
	}
	acl[2] = byte(len(acl))
	descriptor := []byte{1, 0, 0x04, 0x80}
	owner, group := 20, 20+len(administrators)
	for _, at := range []int{owner, group, 0, group + len(system)} {
		descriptor = binary.LittleEndian.AppendUint32(descriptor, uint32(at))
	}
	descriptor = append(append(append(descriptor, administrators...), system...), acl...)

	b := append(make([]byte, 20), descriptor...)
	copy(b, "sk")
	b[12] = 1 // used once
	b[16] = byte(len(descriptor))
	return b
}

// Merge puts the keys and values of a text in the format of regedit into the hive,
// with hivexregedit. Keys begin with prefix and each needs a blank line before it.
// A key's parent must be there or come earlier in the text.
func Merge(t testing.TB, path, prefix, regtext string) {
	t.Helper()
	testdisk.Need(t, "hivexregedit")
	if err := merge(t.Context(), path, prefix, regtext); err != nil {
		t.Fatalf("%v\n%s", err, regtext)
	}
}

func merge(ctx context.Context, path, prefix, regtext string) error {
	cmd := exec.CommandContext(ctx, "hivexregedit", "--merge", "--prefix", prefix, path)
	cmd.Stdin = strings.NewReader("Windows Registry Editor Version 5.00\r\n\r\n" + regtext + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot merge into %s: hivexregedit: %w: %s", path, err, out)
	}
	return nil
}
