package windows

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
)

// checkHives has Windows put hives in order that it has not written to their end. It
// would replay their logs first; the lab takes them as they are.
func (x *session) checkHives(ctx context.Context, device string) error {
	mended := map[string][]byte{}
	err := visit(ctx, device, x.dir(), false, func(t tree) error {
		for _, name := range []string{systemHive, softwareHive} {
			block := make([]byte, baseBlock)
			if err := t.readAt(name, block); err != nil {
				return err
			}
			if mend(block) {
				mended[name] = block
			}
		}
		return nil
	})
	if err != nil || len(mended) == 0 {
		return err
	}
	return visit(ctx, device, x.dir(), true, func(t tree) error {
		for name, block := range mended {
			if err := x.console.write(fmt.Sprintf("machine: the hive %s was not closed: it is taken as it is\n", name)); err != nil {
				return err
			}
			if err := t.patch(name, 0, block); err != nil {
				return err
			}
		}
		return nil
	})
}

// baseBlock is as much of a hive's first block as its checksum is about.
const baseBlock = 512

// mend makes the two sequence numbers of a hive equal, and its checksum right. It tells
// whether they were not.
//
// https://github.com/msuhanov/regf/blob/master/Windows%20registry%20file%20format%20specification.md
func mend(block []byte) bool {
	first, second := binary.LittleEndian.Uint32(block[4:]), binary.LittleEndian.Uint32(block[8:])
	if string(block[:4]) != "regf" || first == second && binary.LittleEndian.Uint32(block[baseBlock-4:]) == sum(block) {
		return false
	}
	binary.LittleEndian.PutUint32(block[4:], max(first, second))
	binary.LittleEndian.PutUint32(block[8:], max(first, second))
	binary.LittleEndian.PutUint32(block[baseBlock-4:], sum(block))
	return true
}

func sum(block []byte) (x uint32) {
	for at := 0; at < baseBlock-4; at += 4 {
		x ^= binary.LittleEndian.Uint32(block[at:])
	}
	switch x {
	case 0:
		return 1
	case 0xffffffff:
		return 0xfffffffe
	}
	return x
}

// readAt reads the beginning of a file.
func (t tree) readAt(name string, into []byte) error {
	f, err := os.Open(t.path(name))
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	defer f.Close()
	if _, err := f.ReadAt(into, 0); err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	return nil
}
