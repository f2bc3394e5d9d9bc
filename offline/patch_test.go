package offline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/offline"
)

func sized(size int64) *offline.File {
	return &offline.File{Kind: offline.Regular, Mode: 0o777, Size: size}
}

func patching(patches ...offline.Patch) offline.Change {
	return offline.Change{Path: "/SOFTWARE", Before: sized(100), After: sized(100), Patches: patches}
}

func at(offset int64, before, after string) offline.Patch {
	return offline.Patch{Offset: offset, Before: []byte(before), After: []byte(after)}
}

func TestPatchesThatAreRefused(t *testing.T) {
	with := func(change func(c *offline.Change)) offline.Change {
		c := patching(at(0, "a", "b"))
		change(&c)
		return c
	}
	for name, c := range map[string]offline.Change{
		"other size":    patching(at(0, "ab", "c")),
		"empty":         patching(at(0, "", "")),
		"negative":      patching(at(-1, "a", "b")),
		"behind":        patching(at(100, "a", "b")),
		"over the end":  patching(at(99, "ab", "cd")),
		"overflow":      patching(at(1<<63-1, "ab", "cd")),
		"overlapping":   patching(at(10, "abc", "def"), at(12, "x", "y")),
		"out of order":  patching(at(10, "abc", "def"), at(2, "x", "y")),
		"too many":      patching(make([]offline.Patch, 2000)...),
		"content":       with(func(c *offline.Change) { c.Before.Data = []byte("a") }),
		"another size":  with(func(c *offline.Change) { c.After.Size = 101 }),
		"a new file":    with(func(c *offline.Change) { c.Before = nil }),
		"a removed one": with(func(c *offline.Change) { c.After = nil }),
		"directory":     with(func(c *offline.Change) { c.Before.Kind, c.After.Kind = offline.Dir, offline.Dir }),
	} {
		if err := c.Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := patching(at(0, "a", "b"), at(1, "same", "same"), at(99, "x", "y")).Check(); err != nil {
		t.Error(err)
	}
}

func TestPatchDiff(t *testing.T) {
	c := patching(at(0, "regf", "regf"), at(16, strings.Repeat("A", 16)+"\x03\x00\x00\x00", strings.Repeat("A", 16)+"\x02\x00\x00\x00"))
	want := "--- a/SOFTWARE\n+++ b/SOFTWARE\n@@ byte 0x20 @@\n-03 00 00 00\n+02 00 00 00\n"
	if diff := cmp.Diff(want, c.Diff()); diff != "" {
		t.Error(diff)
	}
	if s := c.Summary(); s.Action != "edit" || s.Before.SHA256 != "" || s.After.SHA256 != "" {
		t.Errorf("got %+v", s)
	}
	if back := c.Invert().Diff(); !strings.Contains(back, "-02 00 00 00\n+03 00 00 00\n") {
		t.Error(back)
	}
	c.Path = "/Windows/System32/config/SAM"
	if got := c.Diff(); got != "" {
		t.Errorf("it shows %q", got)
	}
}

// What is marked as secret is in no diff, whichever way round.
func TestShown(t *testing.T) {
	file := func(text string) *offline.File { return &offline.File{Kind: offline.Regular, Data: []byte(text)} }
	c := offline.Change{Path: "/a.json", Before: file("type: static\ndata: hunter2\n"), After: file("type: random\ndata: hunter2\n"),
		Shown: &offline.Shown{Before: "type: static\ndata: ***\n", After: "type: random\ndata: ***\n"}}
	created, removed := c, c
	created.Before, removed.After = nil, nil
	same := c
	same.Shown = &offline.Shown{Before: "***", After: "***"}
	for name, c := range map[string]offline.Change{"edit": c, "create": created, "remove": removed, "same": same} {
		for _, c := range []offline.Change{c, c.Invert()} {
			text := c.Summary().Diff
			if strings.Contains(text, "hunter2") || text == "" {
				t.Errorf("%s: %q", name, text)
			}
		}
	}
	if text := c.Diff(); !strings.Contains(text, "-type: static\n+type: random\n data: ***\n") {
		t.Error(text)
	}
	if text := same.Diff(); strings.Count(text, "sha256 ") != 2 {
		t.Error(text)
	}
}

func FuzzSameName(f *testing.F) {
	f.Add("ProgramData", "programdata")
	f.Add("Ärger", "ärger")
	f.Add("a\xff", "A\xff")
	f.Add("\u212a\u017f\u0131", "ksi")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !offline.SameName(a, a) || offline.SameName(a, b) != offline.SameName(b, a) {
			t.Errorf("%q and %q", a, b)
		}
		if offline.SameName(a, b) && isASCII(a) != isASCII(b) {
			t.Errorf("%q is taken for %q", a, b)
		}
	})
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }
