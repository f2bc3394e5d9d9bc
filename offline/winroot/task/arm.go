package task

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Stores are the places where Windows keeps one task.
type Stores struct {
	File     []byte // the XML below System32\Tasks; nil: there is none
	Triggers []byte // the value of this name in TaskCache\Tasks\{GUID}
	Hash     []byte // likewise; nil: there is none
}

// A Patch replaces bytes of a value's data by as many.
type Patch struct {
	Offset        int64
	Before, After []byte
}

// An Edit enables a task in all its stores.
type Edit struct {
	File     []byte  // the new file; nil: it stays
	Triggers []Patch // of the value's data
	Hash     []Patch
	Notes    []string // what was left as it is, and why
}

// Already says that there is nothing to do.
func (e Edit) Already() bool { return e.File == nil && len(e.Triggers) == 0 && len(e.Hash) == 0 }

// Arm says how to enable the task. The registry decides whether the task runs; the file follows where it can be read, and
// so do the sums of the file that were right before. A sum that matched nothing known is left alone.
func Arm(s Stores) (Edit, error) {
	now, err := ParseTriggers(s.Triggers)
	if err != nil {
		return Edit{}, fmt.Errorf("cannot arm the task: %w", err)
	}
	var e Edit
	if !now.Enabled() {
		e.Triggers = append(e.Triggers, patch32(s.Triggers, flagsAt, now.Flags|flagEnabled))
	}
	switch after, note := enableFile(s.File); {
	case note != "":
		e.note(note)
	case !bytes.Equal(after, s.File):
		e.File = after
		e.follow(s, now)
	}
	return e, nil
}

func enableFile(file []byte) (after []byte, note string) {
	if file == nil {
		return nil, "the task has no file: Windows reads the registry"
	}
	d, err := Parse(file)
	switch {
	case err != nil:
		return nil, "the task's file stays as it is: " + err.Error()
	case !d.Stated:
		return nil, "the task's file does not say whether the task is enabled, which means that it is: it stays as it is"
	}
	after, err = Enable(file)
	if err != nil {
		return nil, "the task's file stays as it is: " + err.Error()
	}
	return after, ""
}

// follow keeps the sums of the file right that were right before.
func (e *Edit) follow(s Stores, now Triggers) {
	if sum, ok := follower(s.File, e.File, now.Sum); ok {
		e.Triggers = append(e.Triggers, patch32(s.Triggers, sumAt, sum))
	} else {
		e.note("the CRC-32 in the task's triggers is not that of its file: it stays as it is")
	}
	switch {
	case s.Hash == nil:
	case len(s.Hash) == sha256.Size:
		e.followSHA256(s)
	case len(s.Hash) == 4:
		sum, ok := follower(s.File, e.File, binary.LittleEndian.Uint32(s.Hash))
		if !ok {
			e.note(strangeHash)
			return
		}
		e.Hash = append(e.Hash, patch32(s.Hash, 0, sum))
	default:
		e.note(fmt.Sprintf("the task's hash has %d bytes, which is neither SHA-256 nor CRC-32: it stays as it is", len(s.Hash)))
	}
}

const strangeHash = "the task's hash is not that of its file: it stays as it is"

func (e *Edit) followSHA256(s Stores) {
	for _, skip := range marks(s.File) {
		if sum := sha256.Sum256(s.File[skip:]); bytes.Equal(sum[:], s.Hash) {
			after := sha256.Sum256(e.File[skip:])
			e.Hash = append(e.Hash, Patch{Before: bytes.Clone(s.Hash), After: after[:]})
			return
		}
	}
	e.note(strangeHash)
}

// follower is the CRC-32 of the file after the edit, taken over the same part as the one before.
func follower(before, after []byte, sum uint32) (uint32, bool) {
	for _, skip := range marks(before) {
		if crc32.ChecksumIEEE(before[skip:]) == sum {
			return crc32.ChecksumIEEE(after[skip:]), true
		}
	}
	return 0, false
}

// marks are the places where a sum over the file may begin: it is not known whether the byte order mark counts.
func marks(file []byte) []int {
	t, err := decode(file)
	if err != nil || len(t.mark) == 0 {
		return []int{0}
	}
	return []int{0, len(t.mark)}
}

func patch32(value []byte, at int, after uint32) Patch {
	return Patch{
		Offset: int64(at),
		Before: bytes.Clone(value[at : at+4]),
		After:  binary.LittleEndian.AppendUint32(nil, after),
	}
}

func (e *Edit) note(text string) { e.Notes = append(e.Notes, text) }
