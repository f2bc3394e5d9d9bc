package block

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// sfdiskTable is the part of sfdisk --json that can be compared.
type sfdiskTable struct {
	Label      string `json:"label"`
	ID         string `json:"id"`
	Unit       string `json:"unit"`
	SectorSize int64  `json:"sectorsize"`
	Partitions []struct {
		Node     string `json:"node"`
		Start    int64  `json:"start"`
		Size     int64  `json:"size"`
		Type     string `json:"type"`
		UUID     string `json:"uuid"`
		Name     string `json:"name"`
		Bootable bool   `json:"bootable"`
	} `json:"partitions"`
}

const gptRoot = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"

var scripts = []struct{ name, script string }{
	{"gpt empty", "label: gpt\n"},
	{"gpt cloud image", "label: gpt\nstart=264192, type=" + gptRoot + ", name=\"root\"\n14: start=2048, size=6144, type=21686148-6449-6E6F-744E-656564454649\n15: start=8192, size=256000, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n"},
	{"gpt names and flags", "label: gpt\nsize=1M, name=\"Ünïcode näme of thirty-six letters ab\", attrs=\"LegacyBIOSBootable\"\nsize=2M, name=\"a b\", attrs=\"RequiredPartition GUID:63\"\n"},
	{"gpt short table", "label: gpt\ntable-length: 16\nsize=1M\nsize=1M\n"},
	{"gpt long table", "label: gpt\ntable-length: 512\nfirst-lba: 2048\nsize=1M\n300: size=1M\n"},
	{"dos empty", "label: dos\n"},
	{"dos one", "label: dos\nlabel-id: 0xcafe0123\n2048,,83,*\n"},
	{"dos four", "label: dos\n,1M,83\n,2M,82\n,3M,fd\n,4M,7,*\n"},
	{"dos logical", "label: dos\n,4M,83,*\n,,5\n,2M,83\n,2M,82\n,3M,8e\n"},
	{"dos extended between", "label: dos\n2048,2048,83\n4096,40960,f\n65536,2048,83\n\n,1M,83\n,1M,83\n,1M,83\n"},
}

func TestTablesAgainstSfdisk(t *testing.T) {
	t.Parallel()
	for _, c := range scripts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := blank(t, 256*mib)
			run(t, c.script, "sfdisk", "-q", path)
			compareTable(t, path, path)
		})
	}
}

func TestTableAgainstSgdisk(t *testing.T) {
	t.Parallel()
	path := blank(t, 64*mib)
	run(t, "", "sgdisk", "-n", "3:0:+4M", "-t", "3:8300", "-c", "3:linux root", "-A", "3:set:2", "-n", "1:0:0", "-t", "1:ef00", path)
	got := compareTable(t, path, path)
	if len(got.Partitions) != 2 || !got.Partitions[1].Bootable || got.Partitions[1].Attributes != 4 {
		t.Errorf("got %+v", got.Partitions)
	}
	run(t, "", "sgdisk", "-h", "3:EE", path)
	if tab := readTableFile(t, path); !hasString(tab.Warnings, "hybrid MBR") || len(tab.Partitions) != 2 || tab.Scheme != SchemeGPT {
		t.Errorf("hybrid: %+v", tab)
	}
}

func TestTableOf4096SectorsAgainstSfdisk(t *testing.T) {
	t.Parallel()
	path := blank(t, 64*mib)
	needRoot(t)
	dev := strings.TrimSpace(run(t, "", "losetup", "--find", "--show", "--sector-size", "4096", path))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	run(t, "label: gpt\nsize=4M, name=four\nsize=8M\n", "sfdisk", "-q", "--no-reread", "--no-tell-kernel", dev)
	run(t, "", "sync", dev)
	if tab := compareTable(t, path, dev); tab.SectorSize != 4096 || len(tab.Partitions) != 2 {
		t.Errorf("got %+v", tab)
	}
}

func readTableFile(t testing.TB, path string) *Table {
	t.Helper()
	f, size := opened(t, path)
	tab, err := ReadTable(f, size)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// compareTable holds our reading against sfdisk's, and the identifiers against
// blkid's.
func compareTable(t testing.TB, path, dev string) *Table {
	t.Helper()
	var want struct {
		Table sfdiskTable `json:"partitiontable"`
	}
	if err := json.Unmarshal([]byte(run(t, "", "sfdisk", "--json", dev)), &want); err != nil {
		t.Fatal(err)
	}
	got := readTableFile(t, path)
	if len(got.Warnings) > 0 {
		t.Errorf("warnings %q", got.Warnings)
	}
	same(t, "scheme", got.Scheme, want.Table.Label)
	same(t, "id", got.UUID, strings.ToLower(strings.TrimPrefix(want.Table.ID, "0x")))
	same(t, "PTUUID", got.UUID, blkid(t, dev)["PTUUID"])
	if len(got.Partitions) != len(want.Table.Partitions) {
		t.Fatalf("%d partitions, sfdisk has %d", len(got.Partitions), len(want.Table.Partitions))
	}
	for i, w := range want.Table.Partitions {
		p := got.Partitions[i]
		typ := strings.ToUpper(p.TypeGUID)
		if got.Scheme == SchemeDOS {
			typ = fmt.Sprintf("%x", p.MBRType)
		} else {
			same(t, "UUID", strings.ToUpper(p.UUID), w.UUID)
			same(t, "name", p.Name, w.Name)
		}
		same(t, "type", typ, w.Type)
		same(t, "node", fmt.Sprint(p.Number), strings.TrimPrefix(strings.TrimPrefix(w.Node, dev), "p"))
		same(t, "start", fmt.Sprint(p.Start/got.SectorSize), fmt.Sprint(w.Start))
		same(t, "size", fmt.Sprint(p.Size/got.SectorSize), fmt.Sprint(w.Size))
		if got.Scheme == SchemeDOS && p.Bootable != w.Bootable {
			t.Errorf("partition %d: bootable %v", p.Number, p.Bootable)
		}
	}
	return got
}

// TestPartUUIDOfDOS: libblkid makes the PARTUUID of an MBR from its disk id
// and the number, logical partitions from 5 on (gen_uuid in partitions/dos.c).
func TestPartUUIDOfDOS(t *testing.T) {
	t.Parallel()
	path := blank(t, 64*mib)
	run(t, "label: dos\nlabel-id: 0x0badcafe\n,4M,83\n,,5\n,2M,83\n", "sfdisk", "-q", path)
	var got []string
	for _, p := range readTableFile(t, path).Partitions {
		got = append(got, p.UUID)
	}
	same(t, "PARTUUIDs", strings.Join(got, " "), "0badcafe-01 0badcafe-02 0badcafe-05")
}

func TestGrownDisk(t *testing.T) {
	t.Parallel()
	path := blank(t, 64*mib)
	run(t, "label: gpt\nsize=4M\n", "sfdisk", "-q", path)
	if err := os.Truncate(path, 128*mib); err != nil {
		t.Fatal(err)
	}
	tab := readTableFile(t, path)
	if len(tab.Partitions) != 1 || !hasString(tab.Warnings, "has grown") || len(tab.Warnings) != 1 {
		t.Errorf("got %+v", tab)
	}
}
