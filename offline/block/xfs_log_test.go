package block

import (
	"encoding/binary"
	"testing"
)

const ringBlocks = 6000

// ring builds a log at block 8 of a device, in the way the kernel fills it.
type ring struct {
	*sparse
	blocks int64
}

func newRing() ring { return ring{newSparse((8 + ringBlocks) * 512), ringBlocks} }

func (r ring) put(block int64, data []byte) { r.write((8+block%r.blocks)*512, data) }

// fill stamps blocks from to to with a cycle.
func (r ring) fill(from, to int64, cycle uint32) ring {
	for i := from; i < to; i++ {
		r.put(i, binary.BigEndian.AppendUint32(nil, cycle))
	}
	return r
}

// record writes headers and body blocks at a place; flags are those of its
// first operation.
func (r ring) record(at int64, cycle uint32, headers, body int64, ops uint32, flags byte) ring {
	be := binary.BigEndian
	r.fill(at, at+headers+body, cycle)
	h := make([]byte, 512)
	be.PutUint32(h, xfsRecordMagic)
	be.PutUint32(h[4:], cycle)
	be.PutUint32(h[8:], 2)
	be.PutUint32(h[12:], uint32(body*512))
	be.PutUint32(h[40:], ops)
	be.PutUint32(h[320:], uint32(headers*xfsCyclePerHeader))
	r.put(at, h)
	op := make([]byte, 12)
	be.PutUint32(op, cycle)
	op[9] = flags
	r.put(at+headers, op)
	return r
}

func (r ring) unmount(at int64, cycle uint32) ring {
	return r.record(at, cycle, 1, 1, 1, xfsUnmountFlag)
}

func TestXFSLogRing(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		log   ring
		clean bool
	}{
		{"never written", newRing(), true},
		{"fresh", newRing().unmount(0, 1), true},
		{"first lap, in use", newRing().unmount(0, 1).record(2, 1, 1, 7, 3, 0), false},
		{"first lap, clean", newRing().unmount(0, 1).record(2, 1, 1, 7, 3, 0).unmount(10, 1), true},
		{"second lap", newRing().fill(0, ringBlocks, 1).record(0, 2, 1, 100, 3, 0).unmount(101, 2), true},
		{"second lap, in use", newRing().fill(0, ringBlocks, 1).record(0, 2, 1, 100, 3, 0), false},
		{"old unmount record ahead", newRing().fill(0, ringBlocks, 1).unmount(200, 1).record(0, 2, 1, 100, 3, 0), false},
		{"ends with the ring", newRing().fill(0, ringBlocks, 4).unmount(ringBlocks-2, 4), true},
		{"ends with the ring, in use", newRing().fill(0, ringBlocks, 4).record(ringBlocks-5, 4, 1, 4, 2, 0), false},
		{"header last, body first", newRing().fill(0, ringBlocks, 4).fill(0, 1, 5).unmountAcross(), true},
		{"many headers", newRing().fill(0, ringBlocks, 4).fill(0, 500, 5).record(500, 5, 8, 1, 1, xfsUnmountFlag), true},
		{"unmount and more", newRing().fill(0, ringBlocks, 4).fill(0, 500, 5).record(500, 5, 1, 1, 2, xfsUnmountFlag), false},
		{"commit only", newRing().fill(0, ringBlocks, 4).fill(0, 500, 5).record(500, 5, 1, 1, 1, 0x02), false},
		{"torn behind the unmount record", newRing().fill(0, ringBlocks, 4).fill(0, 500, 5).unmount(500, 5).fill(502, 504, 5), false},
		{"hole in front of late blocks", newRing().fill(0, ringBlocks, 4).fill(0, 500, 5).unmount(500, 5).fill(510, 520, 5), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := xfsLog{src: &source{r: c.log, size: c.log.size}, start: 8 * 512, blocks: ringBlocks}
			clean, err := log.clean()
			if err != nil || clean != c.clean {
				t.Errorf("clean %v, %v; want %v", clean, err, c.clean)
			}
			if c.log.reads > 5000 {
				t.Errorf("%d reads", c.log.reads)
			}
		})
	}
}

// unmountAcross puts a record round the end of the ring. The part behind the
// end belongs to the next lap.
func (r ring) unmountAcross() ring {
	r.unmount(ringBlocks-1, 4)
	op := make([]byte, 12)
	binary.BigEndian.PutUint32(op, 5)
	op[9] = xfsUnmountFlag
	r.put(0, op)
	return r
}

func TestXFSLogOutsideOfDevice(t *testing.T) {
	t.Parallel()
	src := &source{r: newSparse(mib), size: mib}
	for _, log := range []xfsLog{
		{src, 0, 100}, {src, -512, 100}, {src, mib, 100}, {src, 4096, 1}, {src, 4096, 1 << 40}, {src, mib - 512, 2},
	} {
		if clean, err := log.clean(); clean || err == nil {
			t.Errorf("%+v: clean %v, %v", log, clean, err)
		}
	}
	noRecord := newRing().fill(0, ringBlocks, 4)
	log := xfsLog{src: &source{r: noRecord, size: noRecord.size}, start: 8 * 512, blocks: ringBlocks}
	if clean, err := log.clean(); clean || err == nil {
		t.Errorf("without a record: clean %v, %v", clean, err)
	}
}
