package block

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestLUKSAgainstBlkid(t *testing.T) {
	t.Parallel()
	cases := []struct{ version, args string }{
		{"1", "--type luks1"},
		{"2", "--type luks2"},
		{"2", "--type luks2 --label crypt --subsystem disks"},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			path := luksImage(t, c.args)
			sb := compare(t, path)
			if sb.Type != LUKS || sb.Version != c.version || len(sb.Warnings) > 0 || sb.DirtyKnown {
				t.Errorf("got %+v", sb)
			}
			if c.version == "1" {
				same(t, "cipher", sb.LUKS.Cipher, "aes-xts-plain64")
				return
			}
			writeAt(t, path, 0, make([]byte, 512))
			if copied := compare(t, path); !copied.LUKS.Secondary || copied.UUID != sb.UUID {
				t.Errorf("after loss of the first header: %+v", copied)
			}
		})
	}
}

func luksImage(t testing.TB, args string) string {
	t.Helper()
	path := blank(t, 32*mib)
	all := append([]string{"-q", "luksFormat", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}, strings.Fields(args)...)
	run(t, "secret", "cryptsetup", append(all, path, "-")...)
	return path
}

func TestLUKSChecksum(t *testing.T) {
	t.Parallel()
	path := luksImage(t, "--type luks2")
	writeAt(t, path, 5000, []byte("x"))
	if sb := probeFile(t, path); !hasString(sb.Warnings, "checksum") {
		t.Errorf("warnings %q", sb.Warnings)
	}
}

// lvm runs a command of LVM that sees one device only and leaves no trace
// outside of it.
func lvm(t testing.TB, dev string, args ...string) {
	t.Helper()
	config := fmt.Sprintf(`devices{scan=["/dev"] filter=["a|^%s$|","r|.*|"] use_devicesfile=0 hints="none"} `+
		`backup{backup=0 archive=0} activation{udev_sync=0 udev_rules=0}`, dev)
	t.Setenv("LVM_SUPPRESS_FD_WARNINGS", "1")
	run(t, "", args[0], append([]string{"--driverloaded", "n", "--config", config}, args[1:]...)...)
}

func TestLVMAgainstTools(t *testing.T) {
	path := blank(t, 64*mib)
	dev := loopDevice(t, path)
	lvm(t, dev, "pvcreate", "-q", dev)
	bare := compare(t, path)
	if bare.LVM.VGName != "" || bare.Size != 64*mib {
		t.Errorf("a volume without group: %+v %+v", bare, bare.LVM)
	}
	lvm(t, dev, "vgcreate", "-q", "vg-0", dev)
	lvm(t, dev, "lvcreate", "-q", "-an", "-Zn", "-Wn", "-n", "root", "-L", "32M", "vg-0")
	lvm(t, dev, "lvcreate", "-q", "-an", "-Zn", "-Wn", "-n", "swap_1", "-l", "2", "vg-0")
	sb := compare(t, path)
	l := sb.LVM
	if sb.Type != LVM2 || l.PVUUID != sb.UUID || l.VGName != "vg-0" || l.VGUUID == "" || l.PVCount != 1 || len(l.LVs) != 2 {
		t.Fatalf("got %+v %+v", sb, l)
	}
	for i, want := range []LogicalVolume{{Name: "root", Size: 32 * mib, Linear: true}, {Name: "swap_1", Size: 8 * mib, Linear: true}} {
		want.UUID = l.LVs[i].UUID
		if l.LVs[i] != want || want.UUID == "" {
			t.Errorf("volume %d: %+v, want %+v", i, l.LVs[i], want)
		}
	}
	// The text area lies in a ring: rewrite it until it has wrapped.
	for i := range 3 {
		lvm(t, dev, "vgrename", "-q", l.VGName, fmt.Sprintf("vg%d", i))
		l = probeFile(t, path).LVM
		same(t, "group", l.VGName, fmt.Sprintf("vg%d", i))
	}
}

func TestLVMText(t *testing.T) {
	t.Parallel()
	text := `# a comment
vg { id = "G" extent_size = 8 physical_volumes { pv0 { id="a" } pv1 { id="b" } }
 logical_volumes {
  s { id="S" status=["READ","VISIBLE"] segment1 { type="striped" stripe_count=2 extent_count=3 stripes=["pv0",0,"pv1",0] } }
  hidden { id="H" status=["READ"] segment1 { type="striped" stripe_count=1 extent_count=1 } }
  "odd \"name" { id="O" status=["VISIBLE"] segment1 { type="thin" extent_count=1 } }
 } } creation_host = "x"`
	var got LVMInfo
	if !got.parse([]byte(text)) {
		t.Fatal("no group found")
	}
	want := LVMInfo{VGName: "vg", VGUUID: "G", PVCount: 2, LVs: []LogicalVolume{
		{Name: "s", UUID: "S", Size: 3 * 8 * 512},
		{Name: `"odd \"name"`, UUID: "O", Size: 8 * 512},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, broken := range []string{"", "{", "vg {", "vg { = }", "a { b = [", strings.Repeat("a{", 1000), `"`, `a = "\`, "vg } {"} {
		if (&LVMInfo{}).parse([]byte(broken)) {
			t.Errorf("%.20q gives a group", broken)
		}
	}
}

// mdImage writes a superblock of the given version onto an empty device.
// Layout: md_p.h of the kernel.
func mdImage(t testing.TB, version string, size int64) string {
	t.Helper()
	path := blank(t, size)
	switch version {
	case "0.90.0":
		writeAt(t, path, size&^0xffff-0x10000, md090Bytes())
	case "1.0":
		writeAt(t, path, (size/512-16)&^7*512, md1Bytes((size/512-16)&^7))
	case "1.1":
		writeAt(t, path, 0, md1Bytes(0))
	case "1.2":
		writeAt(t, path, 4096, md1Bytes(8))
	}
	return path
}

func md090Bytes() []byte {
	b := make([]byte, 4096)
	put := func(word int, v uint32) { binary.LittleEndian.PutUint32(b[word*4:], v) }
	for word, v := range map[int]uint32{
		0: mdMagic, 1: 0, 2: 90, 3: 0, 5: 0x11223344, 7: 1, 8: 1024, 9: 2, 10: 2, 13: 0x55667788, 14: 0x99aabbcc, 15: 0xddeeff00,
		33: 1, 992 + 3: 1,
	} {
		put(word, v)
	}
	var sum uint64
	for i := 0; i < len(b); i += 4 {
		sum += uint64(binary.LittleEndian.Uint32(b[i:]))
	}
	put(38, uint32(sum)+uint32(sum>>32))
	return b
}

func md1Bytes(sector int64) []byte {
	b := make([]byte, 256+2*4)
	le := binary.LittleEndian
	le.PutUint32(b, mdMagic)
	le.PutUint32(b[4:], 1)
	copy(b[16:], "array-uuid-16byt")
	copy(b[32:], "host:root")
	le.PutUint32(b[72:], 1)
	le.PutUint64(b[80:], 1000)
	le.PutUint32(b[92:], 2)
	le.PutUint64(b[128:], 2048)
	le.PutUint64(b[136:], 1000)
	le.PutUint64(b[144:], uint64(sector))
	le.PutUint32(b[160:], 1)
	copy(b[168:], "device-uuid-16by")
	le.PutUint64(b[208:], 1<<64-1)
	le.PutUint32(b[220:], 4)
	for i, role := range []uint16{0, 1, 0xffff, 0xffff} {
		le.PutUint16(b[256+2*i:], role)
	}
	le.PutUint32(b[216:], md1Sum(b))
	return b
}

func TestMDAgainstBlkid(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"0.90.0", "1.0", "1.1", "1.2"} {
		for _, size := range []int64{16 * mib, 16*mib + 512*13} {
			t.Run(fmt.Sprint(version, " ", size), func(t *testing.T) {
				t.Parallel()
				path := mdImage(t, version, size)
				sb := compare(t, path)
				if sb.Type != LinuxRAID || sb.Dirty || len(sb.Warnings) > 0 {
					t.Errorf("got %+v", sb)
				}
				if m := sb.MD; m.Level != 1 || m.Disks != 2 || m.Role != 1 || m.ArrayUUID != sb.UUID {
					t.Errorf("got %+v", m)
				}
				out := run(t, "", "mdadm", "--examine", "--export", path)
				if want := strings.ReplaceAll(sb.UUID, "-", ""); !strings.Contains(strings.ReplaceAll(out, ":", ""), "MD_UUID="+want) {
					t.Errorf("mdadm says\n%s, we %s", out, want)
				}
			})
		}
	}
}

func TestBitLockerAndReFSAgainstBlkid(t *testing.T) {
	t.Parallel()
	sector := func(text string, field int, offset uint64) []byte {
		b := make([]byte, 512)
		copy(b, text)
		if field > 0 {
			binary.LittleEndian.PutUint64(b[field:], offset)
		}
		return b
	}
	cases := []struct {
		name  string
		boot  []byte
		typ   Type
		label string
	}{
		{"vista", sector(bitlockerVista, 0, 0), BitLocker, ""},
		{"windows 7", sector("\xeb\x58\x90"+bitlockerSignature, bitlockerWin7Field, 1<<20), BitLocker, "2"},
		{"to go", sector(bitlockerToGo, bitlockerToGoField, 1<<20), BitLocker, "2"},
		{"refs", sector("\x00\x00\x00"+refsSignature, 0, 0), ReFS, "0.0"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := blank(t, 4*mib)
			writeAt(t, path, 0, c.boot)
			writeAt(t, path, 1<<20, []byte(bitlockerSignature+"\x40\x00\x02\x00"))
			if sb := compare(t, path); sb.Type != c.typ || sb.Version != c.label {
				t.Errorf("got %+v", sb)
			}
		})
	}
}

// TestVolumesOfWindowsByNameAlone: what the boot sector says in its place for a name
// is enough to tell people what they have.
func TestVolumesOfWindowsByNameAlone(t *testing.T) {
	t.Parallel()
	for boot, want := range map[string]Type{
		"\xeb\x58\x90-FVE-FS-":             BitLocker,
		"\x00\x00\x00-FVE-FS-":             BitLocker,
		"\xeb\x52\x90ReFS\x00\x00\x00\x00": ReFS,
	} {
		path := blank(t, 4*mib)
		writeAt(t, path, 0, []byte(boot))
		if got := probeFile(t, path).Type; got != want {
			t.Errorf("%q is %q, want %q", boot, got, want)
		}
	}
}
