package task_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/seed-77750964/regain/offline/winroot/task"
)

func sums(file []byte) (crc uint32, sha []byte) {
	sum := sha256.Sum256(file)
	return crc32.ChecksumIEEE(file), sum[:]
}

func apply(value []byte, patches []task.Patch) []byte {
	value = bytes.Clone(value)
	for _, p := range patches {
		if !bytes.Equal(value[p.Offset:][:len(p.Before)], p.Before) || len(p.Before) != len(p.After) {
			return nil
		}
		copy(value[p.Offset:], p.After)
	}
	return value
}

func TestArm(t *testing.T) {
	before, after := wide(sample(disabled)), wide(sample(enabled))
	crcBefore, shaBefore := sums(before)
	crcAfter, shaAfter := sums(after)
	bareCRC, bareSHA := sums(before[2:])
	bareCRCAfter, bareSHAAfter := sums(after[2:])
	narrow := func(crc uint32) []byte { return binary.LittleEndian.AppendUint32(nil, crc) }
	strange := bytes.Repeat([]byte{7}, 32)
	for name, tt := range map[string]struct {
		before, after task.Stores
		notes         int
	}{
		"all coherent": {
			task.Stores{before, triggers(0x17, disarmedFlags, crcBefore, 1), shaBefore},
			task.Stores{after, triggers(0x17, armedFlags, crcAfter, 1), shaAfter}, 0,
		},
		"sums without the byte order mark": {
			task.Stores{before, triggers(0x16, disarmedFlags, bareCRC, 1), bareSHA},
			task.Stores{after, triggers(0x16, armedFlags, bareCRCAfter, 1), bareSHAAfter}, 0,
		},
		"an older hash": {
			task.Stores{before, triggers(0x15, disarmedFlags, crcBefore, 1), narrow(crcBefore)},
			task.Stores{after, triggers(0x15, armedFlags, crcAfter, 1), narrow(crcAfter)}, 0,
		},
		"sums that match nothing": {
			task.Stores{before, triggers(0x17, disarmedFlags, 1, 1), strange},
			task.Stores{after, triggers(0x17, armedFlags, 1, 1), strange}, 2,
		},
		"a hash of another kind": {
			task.Stores{before, triggers(0x17, disarmedFlags, crcBefore, 1), strange[:20]},
			task.Stores{after, triggers(0x17, armedFlags, crcAfter, 1), strange[:20]}, 1,
		},
		"no file": {
			task.Stores{nil, triggers(0x17, disarmedFlags, 1, 1), shaBefore},
			task.Stores{nil, triggers(0x17, armedFlags, 1, 1), shaBefore}, 1,
		},
		"a file that cannot be read": {
			task.Stores{[]byte("<"), triggers(0x17, disarmedFlags, 1, 1), shaBefore},
			task.Stores{[]byte("<"), triggers(0x17, armedFlags, 1, 1), shaBefore}, 1,
		},
		"the registry is ahead": {
			task.Stores{before, triggers(0x17, armedFlags, crcBefore, 1), nil},
			task.Stores{after, triggers(0x17, armedFlags, crcAfter, 1), nil}, 0,
		},
		"enabled": {
			task.Stores{after, triggers(0x17, armedFlags, 1, 1), strange},
			task.Stores{after, triggers(0x17, armedFlags, 1, 1), strange}, 0,
		},
		"enabled by the schema": {
			task.Stores{wide(sample("")), triggers(0x17, disarmedFlags, 1, 1), strange},
			task.Stores{wide(sample("")), triggers(0x17, armedFlags, 1, 1), strange}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := task.Arm(tt.before)
			if err != nil || len(e.Notes) != tt.notes {
				t.Fatalf("notes %q, %v", e.Notes, err)
			}
			file := tt.before.File
			if e.File != nil {
				file = e.File
			}
			got := task.Stores{file, apply(tt.before.Triggers, e.Triggers), apply(tt.before.Hash, e.Hash)}
			if !bytes.Equal(got.File, tt.after.File) || !bytes.Equal(got.Triggers, tt.after.Triggers) || !bytes.Equal(got.Hash, tt.after.Hash) {
				t.Errorf("after the edit the stores are %q", got)
			}
			if again, err := task.Arm(got); err != nil || !again.Already() {
				t.Errorf("a second edit is %+v, %v", again, err)
			}
		})
	}
}

func TestArmRefuses(t *testing.T) {
	sound := triggers(0x17, disarmedFlags, 0, 1)
	if _, err := task.Arm(task.Stores{Triggers: sound[:0x37]}); !errors.Is(err, task.ErrShort) {
		t.Errorf("a short value: %v", err)
	}
	for _, version := range []byte{0, 0x14, 0x18, 0xFF} {
		if _, err := task.Arm(task.Stores{Triggers: triggers(version, disarmedFlags, 0, 1)}); !errors.Is(err, task.ErrVersion) {
			t.Errorf("version %#x: %v", version, err)
		}
	}
}

func TestBootTrigger(t *testing.T) {
	sound := triggers(0x17, armedFlags, 0, 1)
	cut := func(at int, by ...byte) []byte {
		b := bytes.Clone(sound)
		return append(b[:at], by...)
	}
	for name, tt := range map[string]struct {
		value []byte
		want  task.Answer
	}{
		"version 0x15":          {triggers(0x15, armedFlags, 0, 1), task.Yes},
		"version 0x16":          {triggers(0x16, armedFlags, 0, 1), task.Yes},
		"version 0x17":          {sound, task.Yes},
		"off":                   {triggers(0x17, armedFlags, 0, 0), task.No},
		"neither":               {triggers(0x17, armedFlags, 0, 2), task.Unknown},
		"only the header":       {sound[:0x38], task.Unknown},
		"cut in the trigger":    {sound[:len(sound)-20], task.Unknown},
		"a count beyond it all": {cut(0x38, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0), task.Unknown},
	} {
		got, err := task.ParseTriggers(tt.value)
		if err != nil || got.Boot != tt.want || !got.Enabled() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzArm(f *testing.F) {
	for version := byte(0x15); version <= 0x17; version++ {
		f.Add(triggers(version, disarmedFlags, 0, 1), []byte{1, 2, 3, 4})
	}
	file := wide(sample(disabled))
	f.Fuzz(func(t *testing.T, value, hash []byte) {
		task.RunsScript(value)
		e, err := task.Arm(task.Stores{File: file, Triggers: value, Hash: hash})
		if err != nil {
			return
		}
		after := apply(value, e.Triggers)
		if got, err := task.ParseTriggers(after); err != nil || !got.Enabled() || len(after) != len(value) {
			t.Errorf("after the edit: %+v, %v", got, err)
		}
	})
}
