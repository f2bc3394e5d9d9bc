package testdisk

import (
	"strings"
	"testing"
)

// TestLayouts wants partitions that lie inside the disk and apart from each other.
func TestLayouts(t *testing.T) {
	for _, l := range Layouts() {
		d, err := l.disk()
		if err != nil {
			t.Fatal(err)
		}
		if d.partitions[0].places()[0].mount != "/" {
			t.Errorf("%s: the root is not the first partition", l)
		}
		for i, p := range d.partitions {
			if p.offset%512 != 0 || p.offset+p.size > d.size {
				t.Errorf("%s: partition %d ends at %d of %d", l, i, p.offset+p.size, d.size)
			}
			for _, q := range d.partitions[:i] {
				if p.offset < q.offset+q.size && q.offset < p.offset+p.size {
					t.Errorf("%s: partition %d overlaps another", l, i)
				}
			}
		}
	}
	if _, err := Layout("gpt-zfs").disk(); err == nil || !strings.Contains(err.Error(), "gpt-zfs") {
		t.Errorf("an unknown layout: %v", err)
	}
}
