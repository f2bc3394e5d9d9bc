package block

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func mustTable(t *testing.T, d *sparse) *Table {
	t.Helper()
	tab, err := ReadTable(d, d.size)
	if err != nil {
		t.Fatal(err)
	}
	checkTable(t, tab, d.size)
	return tab
}

// numbers lists the partitions found, as "1@start+size" in sectors.
func numbers(tab *Table) string {
	var out []string
	for _, p := range tab.Partitions {
		out = append(out, fmt.Sprintf("%d@%d+%d", p.Number, p.Start/tab.SectorSize, p.Size/tab.SectorSize))
	}
	return strings.Join(out, " ")
}

// expectTable wants these partitions, and for each text a warning with it and
// no other.
func expectTable(t *testing.T, tab *Table, scheme, partitions string, warnings ...string) {
	t.Helper()
	same(t, "scheme", tab.Scheme, scheme)
	same(t, "partitions", numbers(tab), partitions)
	for _, w := range warnings {
		if !hasString(tab.Warnings, w) {
			t.Errorf("no warning with %q in %q", w, tab.Warnings)
		}
	}
	if len(tab.Warnings) != len(warnings) {
		t.Errorf("warnings %q, want %q", tab.Warnings, warnings)
	}
}

var twoParts = []gptPart{{first: 2048, last: 4095, name: "boot"}, {first: 4096, last: 100000, name: "root"}}

const twoPartsRead = "1@2048+2048 2@4096+95905"

func TestGPTHeaderLies(t *testing.T) {
	t.Parallel()
	le := binary.LittleEndian
	cases := []struct {
		name   string
		change func([]byte)
		want   string
	}{
		{"no signature", func(b []byte) { b[0] = 'X' }, "no GPT signature"},
		{"own sector", func(b []byte) { le.PutUint64(b[24:], 7) }, "says it is in sector 7"},
		{"header too long", func(b []byte) { le.PutUint32(b[12:], 513) }, "header length 513"},
		{"header too short", func(b []byte) { le.PutUint32(b[12:], 91) }, "header length 91"},
		{"huge header", func(b []byte) { le.PutUint32(b[12:], 0xffffffff) }, "header length"},
		{"small entries", func(b []byte) { le.PutUint32(b[84:], 64) }, "entry size 64"},
		{"huge entries", func(b []byte) { le.PutUint32(b[84:], 1<<31) }, "entry size"},
		{"odd entries", func(b []byte) { le.PutUint32(b[84:], 129) }, "entry size 129"},
		{"huge count", func(b []byte) { le.PutUint32(b[80:], 0xffffffff) }, "4294967295 entries"},
		{"no entries", func(b []byte) { le.PutUint32(b[80:], 0) }, "0 entries"},
		{"entries behind the disk", func(b []byte) { le.PutUint64(b[72:], 1<<60) }, "behind the device"},
		{"entries at the end", func(b []byte) { le.PutUint64(b[72:], 131070) }, "reach behind the device"},
		{"entries elsewhere", func(b []byte) { le.PutUint64(b[72:], 500) }, "checksum of the entries"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tab := mustTable(t, newGPT(twoParts...).disk(c.change))
			expectTable(t, tab, SchemeGPT, twoPartsRead, "primary GPT: ", "the backup GPT is used")
			if !hasString(tab.Warnings, c.want) {
				t.Errorf("warnings %q, want %q", tab.Warnings, c.want)
			}
		})
	}
}

func TestGPTDamage(t *testing.T) {
	t.Parallel()
	g := newGPT(twoParts...)
	last := g.size - 512
	junk := slices.Repeat([]byte{0xa5}, 512)
	cases := []struct {
		name       string
		damage     func(*sparse)
		partitions string
		warnings   []string
	}{
		{"sound", func(*sparse) {}, twoPartsRead, nil},
		{"header bit", func(d *sparse) { d.write(512+60, []byte{1}) }, twoPartsRead, []string{"header checksum", "the backup GPT is used"}},
		{"entry bit", func(d *sparse) { d.write(1024+40, []byte{1}) }, twoPartsRead, []string{"checksum of the entries", "the backup GPT is used"}},
		{"backup lost", func(d *sparse) { d.write(last, junk) }, twoPartsRead, []string{"backup GPT: no GPT signature"}},
		{"backup header bit", func(d *sparse) { d.write(last+60, []byte{1}) }, twoPartsRead, []string{"backup GPT: header checksum"}},
		{"both lost", func(d *sparse) { d.write(last, junk).write(512, junk) }, "", []string{"primary GPT: no GPT", "no usable GPT"}},
		{"both broken", func(d *sparse) { d.write(last+60, junk[:1]).write(512+60, junk[:1]) }, "", []string{"primary GPT: header checksum", "backup GPT: header checksum", "no usable GPT"}},
		{"no protective MBR", func(d *sparse) { d.write(0, make([]byte, 512)) }, "", []string{"ignored, because there is no protective MBR"}},
		{"only the backup left", func(d *sparse) { d.write(0, make([]byte, 4096)) }, "", []string{"backup GPT", "ignored, because there is no protective MBR"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := g.disk(nil)
			c.damage(d)
			tab := mustTable(t, d)
			same(t, "partitions", numbers(tab), c.partitions)
			for _, w := range c.warnings {
				if !hasString(tab.Warnings, w) {
					t.Errorf("no warning with %q in %q", w, tab.Warnings)
				}
			}
			if len(c.warnings) == 0 && len(tab.Warnings) > 0 {
				t.Errorf("warnings %q", tab.Warnings)
			}
		})
	}
}

func TestGPTEntriesLie(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		parts    []gptPart
		want     string
		warnings []string
	}{
		{"turned round", []gptPart{{first: 5000, last: 4000}}, "", []string{"left out"}},
		{"starts behind the disk", []gptPart{{first: 1 << 40, last: 1 << 41}}, "", []string{"left out"}},
		{"ends behind the disk", []gptPart{{first: 2048, last: 1 << 40}}, "1@2048+129024", []string{"outside the usable range", "is cut"}},
		{"overflows", []gptPart{{first: 2048, last: 1<<64 - 1}}, "1@2048+129024", []string{"outside the usable range", "is cut"}},
		{"first sector", []gptPart{{first: 0, last: 100}}, "", []string{"left out"}},
		{"over the table", []gptPart{{first: 1, last: 4000}}, "1@1+4000", []string{"outside the usable range"}},
		{"one sector", []gptPart{{first: 2048, last: 2048}}, "1@2048+1", nil},
		{"overlap", []gptPart{{first: 2048, last: 8000}, {first: 4096, last: 5000}}, "1@2048+5953 2@4096+905", []string{"partitions 1 and 2 overlap"}},
		{"overlap of three", []gptPart{{first: 9000, last: 9999}, {first: 2048, last: 20000}, {first: 3000, last: 4000}}, "1@9000+1000 2@2048+17953 3@3000+1001", []string{"2 and 3 overlap", "2 and 1 overlap"}},
		{"neighbours", []gptPart{{first: 2048, last: 4095}, {first: 4096, last: 4097}}, "1@2048+2048 2@4096+2", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expectTable(t, mustTable(t, newGPT(c.parts...).disk(nil)), SchemeGPT, c.want, c.warnings...)
		})
	}
}

func TestGPTWithManyEntries(t *testing.T) {
	t.Parallel()
	g := newGPT()
	g.count = 4096
	for i := range uint64(1000) {
		g.parts = append(g.parts, gptPart{first: 3000 + i, last: 3000 + i})
	}
	tab := mustTable(t, g.disk(nil))
	if len(tab.Partitions) != maxPartitions || !hasString(tab.Warnings, "the rest is left out") {
		t.Errorf("%d partitions, %q", len(tab.Partitions), tab.Warnings)
	}
	for i := range g.parts {
		g.parts[i] = gptPart{first: 3000, last: 4000}
	}
	if tab = mustTable(t, g.disk(nil)); len(tab.Warnings) != maxWarnings {
		t.Errorf("%d warnings", len(tab.Warnings))
	}
}

func TestGPTBackupDiffers(t *testing.T) {
	t.Parallel()
	d := newGPT(twoParts...).disk(nil)
	other := newGPT(twoParts[0])
	entries, last := other.entries(), other.sectors()-1
	d.write(int64(last-32)*512, entries)
	d.write(int64(last)*512, other.header(last, 1, last-32, entries, nil))
	expectTable(t, mustTable(t, d), SchemeGPT, twoPartsRead, "the backup GPT differs from the primary")
}

// TestGPTBackupInTheMiddle: the disk has grown and the primary entries are
// broken; the primary header still knows where the backup is.
func TestGPTBackupInTheMiddle(t *testing.T) {
	t.Parallel()
	d := newGPT(twoParts...).disk(nil)
	d.size *= 2
	d.write(1024, []byte("spoiled entries"))
	expectTable(t, mustTable(t, d), SchemeGPT, twoPartsRead, "checksum of the entries", "the backup GPT is used")
}
