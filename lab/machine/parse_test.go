package machine

import (
	"net"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
)

func TestParseFstab(t *testing.T) {
	text := "# comment\n\nUUID=aa / ext4 defaults 0 1\nLABEL=da\\040ta\t/mnt/my\\040disk xfs ro,nofail,subvol=@x\ntooshort\nproc /proc proc\n"
	want := []entry{
		{spec: "UUID=aa", point: "/", fstype: "ext4", options: []string{"defaults"}},
		{spec: "LABEL=da ta", point: "/mnt/my disk", fstype: "xfs", options: []string{"ro", "nofail", "subvol=@x"}},
		{spec: "proc", point: "/proc", fstype: "proc"},
	}
	if diff := cmp.Diff(want, parseFstab(text), cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
	if got := parseFstab(text)[1]; !got.has("nofail") || got.value("subvol") != "@x" || got.value("none") != "" {
		t.Errorf("options of %+v", got)
	}
}

func TestMountable(t *testing.T) {
	for line, want := range map[string]bool{
		"UUID=a / ext4":                      false,
		"UUID=a /home ext4":                  true,
		"/dev/disk/by-label/x /srv xfs":      true,
		"UUID=a none swap":                   false,
		"UUID=a /swap swap":                  false,
		"UUID=a /data ext4 noauto":           false,
		"/home/a /b none bind":               false,
		"tmpfs /tmp tmpfs":                   false,
		"server:/export /nfs nfs":            false,
		"proc /proc proc":                    false,
		"/dev/xvda2 /data ext4 rw,bind,user": false,
	} {
		if got := parseFstab(line)[0].mountable(); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func TestFindPiece(t *testing.T) {
	pieces := []piece{{UUID: "1111-AAAA", Label: "root", PartUUID: "beef-01", PartLabel: "linux"}, {UUID: "2222", Label: "data"}, {}}
	for spec, want := range map[string]int{
		"UUID=1111-AAAA": 0, "UUID=1111-aaaa": 0, `UUID="2222"`: 1, "LABEL=data": 1, "LABEL=DATA": -1, "PARTUUID=BEEF-01": 0, "PARTLABEL=linux": 0,
		"/dev/disk/by-uuid/2222": 1, "/dev/disk/by-partlabel/linux": 0, "/dev/xvda1": -1, "UUID=": -1, "LABEL=": -1, "ID=2222": -1, "/dev/mapper/x": -1,
	} {
		got := -1
		if p := (entry{spec: spec}).find(pieces); p != nil {
			got = slices.Index(pieces, *p)
		}
		if got != want {
			t.Errorf("%s: %d, want %d", spec, got, want)
		}
	}
}

func FuzzFstab(f *testing.F) {
	f.Add("UUID=a /home ext4 defaults 0 2\n")
	f.Add("\\040 \\777 \\0\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range parseFstab(text) {
			if e.mountable() && path.Clean(e.point) == "/" {
				t.Errorf("%+v is the root", e)
			}
			e.find([]piece{{UUID: "a"}})
		}
	})
}

const menu = `set default="0"
menuentry 'Debian' {
	echo	'Loading Linux'
	linux	/@/boot/vmlinuz-6.1 root=UUID=a ro rootflags=subvol=@ console=ttyS0
	initrd	/@/boot/initrd.img-6.1
}
menuentry 'old' {
	linux	/boot/vmlinuz-5 root=/dev/sda1
	initrd	/boot/initrd.img-5
}
`

func TestFindKernel(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("x")}
	root := fstest.MapFS{
		"boot/grub2/grub.cfg": &fstest.MapFile{Data: []byte(menu)}, "boot/vmlinuz-6.1": file, "boot/initrd.img-6.1": file,
	}
	got, err := findKernel(root)
	want := kernel{"boot/vmlinuz-6.1", "boot/initrd.img-6.1", "root=UUID=a ro rootflags=subvol=@ console=ttyS0"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	delete(root, "boot/initrd.img-6.1")
	if _, err := findKernel(root); err == nil {
		t.Error("an initrd that is not there was found")
	}
	if _, err := findKernel(fstest.MapFS{}); err == nil {
		t.Error("a kernel was found in an empty root")
	}
}

func FuzzFirstEntry(f *testing.F) {
	f.Add(menu)
	f.Add("linux ../../../etc/x a\ninitrd //\n")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := firstEntry(text, func(p string) bool {
			if !filepath.IsLocal(p) {
				t.Errorf("asked for %q", p)
			}
			return true
		})
		if err == nil && (k.image == "" || strings.Contains(k.arguments, "\n")) {
			t.Errorf("%+v", k)
		}
	})
}

const routes = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
rg-0ad50005	0500D50A	00000000	0005	0	0	0	FFFFFFFF	0	0	0
broken
`

func TestRouteTo(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("the table is of a little-endian machine")
	}
	for address, want := range map[string]string{
		"192.0.2.77": "eth0", "192.0.3.77": "", "10.213.0.5": "rg-0ad50005", "10.213.0.6": "", "8.8.8.8": "",
	} {
		got, err := routeTo(strings.NewReader(routes), net.ParseIP(address))
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", address, got, err)
		}
	}
}

func FuzzRouteTo(f *testing.F) {
	f.Add(routes)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = routeTo(strings.NewReader(text), net.IPv4(10, 0, 0, 1)) })
}

// An instance keeps its address, and two of one name get two.
func TestCandidate(t *testing.T) {
	seen := map[string]bool{}
	for n := range uint32(addressTries) {
		address := candidate("i-0123456789abcdef0", n)
		if seen[address.String()] || address.Equal(gateway) || !(&net.IPNet{IP: gateway, Mask: net.CIDRMask(16, 32)}).Contains(address) {
			t.Errorf("%d: %s", n, address)
		}
		seen[address.String()] = true
	}
	if a, b := candidate("a", 0), candidate("a", 0); !a.Equal(b) || a.Equal(candidate("b", 0)) {
		t.Errorf("%s, %s", a, b)
	}
	if len(interfaceOf(candidate("a", 0))) >= unix.IFNAMSIZ {
		t.Error("the name of the interface is too long")
	}
}

// TestExtents reads real disks, and refuses what is no raw one.
func TestExtents(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "qemu-img")
	types := map[testdisk.Layout][]string{
		testdisk.GPTExt4: {"ext4", "vfat"}, testdisk.GPTXFS: {"xfs", "vfat"}, testdisk.GPTBtrfs: {"btrfs", "vfat"},
		testdisk.GPTHome: {"ext4", "ext4", "vfat"}, testdisk.MBRExt4: {"ext4"}, testdisk.BareExt4: {"ext4"},
	}
	dir := t.TempDir()
	for layout, want := range types {
		image := filepath.Join(dir, string(layout))
		if _, err := testdisk.NewImage(t.Context(), image, testdisk.Bookworm, testdisk.Small, layout); err != nil {
			t.Fatal(err)
		}
		found, err := extents(image, true)
		if err != nil {
			t.Error(err)
		}
		var got []string
		for _, e := range found {
			got = append(got, e.Type)
			if e.UUID == "" || !e.Root || e.loader || e.size == 0 {
				t.Errorf("%s: %+v", layout, e)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", layout, diff)
		}
	}
	qcow := filepath.Join(dir, "qcow2")
	if err := os.WriteFile(qcow, append([]byte("QFI\xfb\x00\x00\x00\x03"), make([]byte, 4096)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := extents(qcow, true); err == nil || !strings.Contains(err.Error(), "qcow2") {
		t.Errorf("qcow2: %v", err)
	}
}
