package offline

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A Patch is a range of a file before and after, of one size. One that changes
// nothing is a guard: where its bytes are not there, the whole change is ErrDrift.
// A few bytes can stand at an offset by chance, long after; a guard over the
// header of the file, or a Patch that takes in the record around them, tells.
type Patch struct {
	Offset int64  `json:"offset"`
	Before []byte `json:"before"`
	After  []byte `json:"after"`
}

// The bounds of the patches of one Change.
const (
	maxPatches    = 1024
	maxPatchBytes = 1 << 20
)

// checkPatches refuses what is not within the file, in order and apart.
func (c Change) checkPatches() error {
	if len(c.Patches) == 0 {
		return nil
	}
	if c.Before == nil || c.After == nil || c.Before.Kind != Regular {
		return errors.New("only a file that is there and stays can be patched")
	}
	if c.Before.Size != c.After.Size || len(c.Before.Data)+len(c.After.Data) > 0 {
		return errors.New("a change with patches holds no content and keeps the size")
	}
	end, total := int64(0), 0
	for _, p := range c.Patches {
		n := len(p.Before)
		total += n
		if n == 0 || n != len(p.After) || p.Offset < end || p.Offset > c.Before.Size-int64(n) {
			return fmt.Errorf("the patch at %d does not fit", p.Offset)
		}
		end = p.Offset + int64(n)
	}
	if len(c.Patches) > maxPatches || total > maxPatchBytes {
		return fmt.Errorf("%w of %d patches with %d bytes", ErrTooLarge, maxPatches, maxPatchBytes)
	}
	return nil
}

// inverted is a copy that takes the patches back.
func inverted(patches []Patch) []Patch {
	var out []Patch
	for _, p := range patches {
		out = append(out, Patch{p.Offset, p.After, p.Before})
	}
	return out
}

// patchBytes shows buf, which stands at an offset of the file, as patched.
func patchBytes(patches []Patch, buf []byte, at int64) {
	for _, p := range patches {
		from, to := max(p.Offset, at), min(p.Offset+int64(len(p.After)), at+int64(len(buf)))
		if from < to {
			copy(buf[from-at:to-at], p.After[from-p.Offset:])
		}
	}
}

// patchLines shows what changes as hexadecimal, sixteen bytes a line.
func (c Change) patchLines() string {
	const row = 16
	var b strings.Builder
	for _, p := range c.Patches {
		for at := 0; at < len(p.Before); at += row {
			end := min(at+row, len(p.Before))
			if old, now := p.Before[at:end], p.After[at:end]; !bytes.Equal(old, now) {
				fmt.Fprintf(&b, "@@ byte %#x @@\n-% x\n+% x\n", p.Offset+int64(at), old, now)
			}
		}
	}
	return b.String()
}
