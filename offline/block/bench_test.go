package block

import "testing"

// BenchmarkScan scans a GPT disk of three partitions in memory and reports
// what a cold device would have to deliver.
func BenchmarkScan(b *testing.B) {
	d := newGPT(gptPart{first: 2048, last: 4095}, gptPart{first: 4096, last: 69631}, gptPart{first: 69632, last: 102399}).disk(nil)
	for _, s := range loadSeeds(b) {
		switch s.name {
		case "vfat-16":
			d.copyFrom(decodeSparse(s.data, s.size), 4096*512)
		case "ext4":
			d.copyFrom(decodeSparse(s.data, s.size), 69632*512)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		d.reads, d.bytes = 0, 0
		disk, err := Scan(d, d.size)
		if err != nil || kinds(disk) != "1:- 2:vfat 3:ext4 " {
			b.Fatalf("%s, %v", kinds(disk), err)
		}
	}
	b.ReportMetric(float64(d.reads), "reads/op")
	b.ReportMetric(float64(d.bytes)/1024, "KiB-read/op")
}

func (d *sparse) copyFrom(src *sparse, off int64) {
	for sector, data := range src.sectors {
		d.write(off+sector*sparseSector, data[:])
	}
}
