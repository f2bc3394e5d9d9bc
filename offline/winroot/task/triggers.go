package task

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Where things stand in the value Triggers. The layout is not documented by Microsoft; it is the one that the forensic
// parser winreg-tasks of G DATA reads on systems from 8.1 to 11.
const (
	flagsAt     = 0x28
	sumAt       = 0x30
	principalAt = 0x38

	flagEnabled = 0x00400000

	oldestVersion = 0x15 // 8.1 and 2012 R2
	principalFrom = 0x16 // the principal's id, and the id of each trigger, are there from this version on
	displayFrom   = 0x17 // so is the display name
	newestVersion = 0x17

	bootMagic = 0xFFFF
	bootSize  = 80 // with magic, up to the trigger's id
	bootState = 64 // its own enabled byte
)

// Answer is yes, no, or not known.
type Answer int

// The answers.
const (
	Unknown Answer = iota
	Yes
	No
)

// Triggers is what can be told from the value of that name.
type Triggers struct {
	Version byte
	Flags   uint32 // of the job
	Sum     uint32 // CRC-32 of the task's file, as Windows last saw it
	// Boot says whether the value's first trigger is a boot trigger that is itself enabled. Unknown where the value
	// is laid out otherwise than expected.
	Boot Answer
}

// Enabled says whether the task may run at all.
func (t Triggers) Enabled() bool { return t.Flags&flagEnabled != 0 }

// The errors of a value that must not be touched.
var (
	ErrVersion = errors.New("a version of the layout that is not known")
	ErrShort   = errors.New("shorter than its layout")
)

// ParseTriggers reads the value Triggers of a task.
func ParseTriggers(value []byte) (Triggers, error) {
	switch {
	case len(value) < principalAt:
		return Triggers{}, fmt.Errorf("cannot read the task's triggers: %d bytes: %w", len(value), ErrShort)
	case value[0] < oldestVersion || value[0] > newestVersion:
		return Triggers{}, fmt.Errorf("cannot read the task's triggers: %#x: %w", value[0], ErrVersion)
	}
	return Triggers{
		Version: value[0],
		Flags:   binary.LittleEndian.Uint32(value[flagsAt:]),
		Sum:     binary.LittleEndian.Uint32(value[sumAt:]),
		Boot:    bootEnabled(value),
	}, nil
}

// bootEnabled goes through all that stands before the first trigger. One strange byte ends it.
func bootEnabled(value []byte) Answer {
	c := cursor{rest: value[principalAt:]}
	if value[0] >= principalFrom {
		c.counted()
	}
	if value[0] >= displayFrom {
		c.counted()
	}
	c.user()
	c.settings()
	trigger := c.take(bootSize)
	if trigger == nil || binary.LittleEndian.Uint32(trigger) != bootMagic {
		return Unknown
	}
	switch trigger[bootState] {
	case 0:
		return No
	case 1:
		return Yes
	}
	return Unknown
}

// A cursor takes what follows; after the first failure it yields nothing.
type cursor struct {
	rest   []byte
	failed bool
}

func (c *cursor) take(n int) []byte {
	if c.failed || n < 0 || n > len(c.rest) {
		c.failed = true
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

// number is four bytes, padded to eight.
func (c *cursor) number() uint32 {
	b := c.take(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

// flag is one byte, padded to eight.
func (c *cursor) flag() bool {
	b := c.take(8)
	if b == nil {
		return false
	}
	c.failed = b[0] > 1
	return b[0] == 1
}

// counted skips a number of bytes that says itself how many they are, padded to eight.
func (c *cursor) counted() {
	n := c.number()
	if n > 1<<16 {
		c.failed = true
		return
	}
	c.take((int(n) + 7) / 8 * 8)
}

func (c *cursor) user() {
	if c.flag() || c.failed { // no user
		return
	}
	if !c.flag() && !c.failed { // a SID
		c.number()
		c.counted()
	}
	c.counted() // a name
}

func (c *cursor) settings() {
	switch n := c.number(); n {
	case 0, 0x2C, 0x38, 0x58:
		c.take((int(n) + 7) / 8 * 8)
	default:
		c.failed = true
	}
}
