package block

import "fmt"

// The log of an XFS is a ring of 512-byte basic blocks. Each starts with the
// number of the lap ("cycle") in which it was written, a record header with
// its magic and then the cycle. After a clean unmount the newest record holds
// a single operation that says so. Source: xfs_log_format.h and the search in
// xfs_log_recover.c of the kernel.
const (
	xfsBasicBlock     = 512
	xfsRecordMagic    = 0xfeedbabe
	xfsCyclePerHeader = 32768 // bytes of record body that one header block covers
	xfsMaxRecord      = 256 << 10
	xfsLogWindow      = 8 * xfsMaxRecord / xfsBasicBlock // log buffers that may be in flight
	xfsUnmountFlag    = 0x20
	xfsMaxLogBytes    = 2 << 30
)

// xfsLog is the ring as it lies on the device.
type xfsLog struct {
	src    *source
	start  int64 // bytes
	blocks int64 // basic blocks
}

func xfsDirty(s *source, sb *Superblock, b []byte) {
	start := be64(b, 48)
	if start == 0 {
		sb.Why = "the log is on another device"
		return
	}
	agBlocks, agLog := uint64(be32(b, 84)), b[124]
	block := start>>agLog*agBlocks + start&(1<<agLog-1)
	log := xfsLog{
		src:    s,
		start:  product(block, uint64(sb.BlockSize)),
		blocks: product(uint64(be32(b, 96)), uint64(sb.BlockSize)) / xfsBasicBlock,
	}
	clean, err := log.clean()
	switch {
	case err != nil:
		sb.Why = err.Error()
	case clean:
		sb.DirtyKnown = true
	default:
		sb.markDirty("the log does not end in an unmount record")
	}
}

// clean tells whether the newest record is an unmount record.
func (l xfsLog) clean() (bool, error) {
	size := l.blocks * xfsBasicBlock
	if l.start <= 0 || l.blocks < 2 || size > xfsMaxLogBytes || l.start > l.src.size-size {
		return false, fmt.Errorf("cannot read log: %d blocks at %d", l.blocks, l.start)
	}
	head, never, err := l.head()
	if err != nil || never {
		return never, err
	}
	return l.endsInUnmount(head)
}

// cycle is the lap in which block i was written last.
func (l xfsLog) cycle(i int64) (uint32, error) {
	b := l.src.bytes(l.start+i*xfsBasicBlock, 8)
	if b == nil {
		return 0, fmt.Errorf("cannot read log block %d", i)
	}
	return blockCycle(b), nil
}

func blockCycle(b []byte) uint32 {
	if be32(b, 0) == xfsRecordMagic {
		return be32(b, 4)
	}
	return be32(b, 0)
}

// head finds the block that will be written next. never means that nothing
// was ever logged.
func (l xfsLog) head() (head int64, never bool, err error) {
	first, err := l.cycle(0)
	if err != nil || first == 0 {
		return 0, first == 0, err
	}
	last, err := l.cycle(l.blocks - 1)
	if err != nil {
		return 0, false, err
	}
	if first == last {
		head, err = l.firstStray(l.blocks, last-1)
		return head % l.blocks, false, err
	}
	head, err = l.firstOf(last)
	if err != nil {
		return 0, false, err
	}
	head, err = l.firstStray(head, last)
	return head, false, err
}

// firstOf finds by bisection the first block of the older lap, which fills
// the ring from there to its end. In a first lap that is cycle 0.
func (l xfsLog) firstOf(older uint32) (int64, error) {
	lo, hi := int64(0), l.blocks-1
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		c, err := l.cycle(mid)
		if err != nil {
			return 0, err
		}
		if c == older {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi, nil
}

// firstStray looks through the window before head for a block that was still
// of the older lap: buffers may reach the disk out of order, so bisection can
// land behind such a hole.
func (l xfsLog) firstStray(head int64, older uint32) (int64, error) {
	n := min(head, xfsLogWindow)
	window := l.src.bytes(l.start+(head-n)*xfsBasicBlock, n*xfsBasicBlock)
	if window == nil {
		return 0, fmt.Errorf("cannot read log before block %d", head)
	}
	for i := range n {
		if blockCycle(window[i*xfsBasicBlock:]) == older {
			return head - n + i, nil
		}
	}
	return head, nil
}

// endsInUnmount looks at the last record before head.
func (l xfsLog) endsInUnmount(head int64) (bool, error) {
	for i := int64(1); i <= min(l.blocks, xfsLogWindow); i++ {
		at := (head - i + l.blocks) % l.blocks
		h := l.src.bytes(l.start+at*xfsBasicBlock, xfsBasicBlock)
		if h == nil {
			return false, fmt.Errorf("cannot read log block %d", at)
		}
		if be32(h, 0) == xfsRecordMagic {
			return l.isUnmount(h, at, head)
		}
	}
	return false, fmt.Errorf("cannot find a record before log block %d", head)
}

// isUnmount tells whether the record h at block at is the unmount record and
// ends where the log ends.
func (l xfsLog) isUnmount(h []byte, at, head int64) (bool, error) {
	headers := int64(1)
	if size := int64(be32(h, 320)); be32(h, 8)&2 != 0 && size > xfsCyclePerHeader {
		headers = (size + xfsCyclePerHeader - 1) / xfsCyclePerHeader
	}
	length := (int64(be32(h, 12)) + xfsBasicBlock - 1) / xfsBasicBlock
	if be32(h, 40) != 1 || (at+headers+length)%l.blocks != head {
		return false, nil
	}
	body := (at + headers) % l.blocks
	op := l.src.bytes(l.start+body*xfsBasicBlock, 12)
	if op == nil {
		return false, fmt.Errorf("cannot read log block %d", body)
	}
	return op[9]&xfsUnmountFlag != 0, nil
}
