package regf

// maxSteps bounds the walk along the cells of one bin.
const maxSteps = 1 << 20

// A cell is an allocated piece of a bin.
type cell struct {
	at   uint32 // its offset in the hive bins data
	size uint32 // of its data, which follow a size of four bytes
}

// file is the place in the file of a byte of the cell's data.
func (c cell) file(at int) int64 { return binsStart + int64(c.at) + 4 + int64(at) }

// cell looks at the size before the cell and checks that it ends inside its bin.
func (h *Hive) cell(at uint32) (cell, error) {
	start, end, ok := h.bin(at)
	if !ok || at%8 != 0 || at < start+binHeader {
		return cell{}, malformed(at, "no cell")
	}
	size, allocated, err := h.cellSize(at, end)
	if err != nil {
		return cell{}, err
	}
	if !allocated {
		return cell{}, malformed(at, "free cell in use")
	}
	return cell{at: at, size: size - 4}, nil
}

// cellSize is the size of a cell with its header. Negative sizes mean that it is
// allocated.
func (h *Hive) cellSize(at, end uint32) (size uint32, allocated bool, err error) {
	b, err := h.file.bytes(binsStart+int64(at), 4)
	if err != nil {
		return 0, false, err
	}
	size = le32(b, 0)
	if int32(size) < 0 {
		size, allocated = -size, true
	}
	if size < 8 || size%8 != 0 || size > end-at {
		return 0, false, malformed(at, "cell of %d bytes", size)
	}
	return size, allocated, nil
}

// own checks that the cell is one in the row of cells that fill its bin. An
// offset that points into the middle of another cell may look like one.
func (h *Hive) own(c cell) error {
	start, end, _ := h.bin(c.at)
	at := start + binHeader
	for range maxSteps {
		if at >= c.at {
			break
		}
		size, _, err := h.cellSize(at, end)
		if err != nil {
			return err
		}
		at += size
	}
	if at != c.at {
		return malformed(c.at, "cell inside another")
	}
	return nil
}

// read returns n bytes of the cell's data, which must not be changed.
func (h *Hive) read(c cell, at, n int) ([]byte, error) {
	if int64(at)+int64(n) > int64(c.size) {
		return nil, malformed(c.at, "cell of %d bytes where %d are needed", c.size, int64(at)+int64(n))
	}
	return h.file.bytes(c.file(at), n)
}

// record returns the fixed part of a cell that begins with a signature.
func (h *Hive) record(at uint32, signature string, n int) (cell, []byte, error) {
	c, err := h.cell(at)
	if err != nil {
		return cell{}, nil, err
	}
	b, err := h.read(c, 0, n)
	if err != nil {
		return cell{}, nil, err
	}
	if string(b[:2]) != signature {
		return cell{}, nil, malformed(at, "%q instead of %s", b[:2], signature)
	}
	return c, b, nil
}

// offsets reads a list of offsets, each followed by the given number of bytes.
func (h *Hive) offsets(c cell, at, count, skip int) ([]uint32, error) {
	b, err := h.read(c, at, count*(4+skip))
	if err != nil {
		return nil, err
	}
	list := make([]uint32, count)
	for i := range list {
		list[i] = le32(b, i*(4+skip))
	}
	return list, nil
}
