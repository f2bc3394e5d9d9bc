package machine

import (
	"slices"
	"strings"
	"testing"
)

func TestNVMeNames(t *testing.T) {
	d := nvme{Name: "nvme3n1", Volume: "vol-0123456789abcdef0", Attached: "sdf"}
	if got := d.serial(); got != "vol0123456789abcdef0" || len(got) > 20 {
		t.Errorf("serial %q", got)
	}
	want := []string{"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0", "/dev/sdf"}
	if got := d.links(); !slices.Equal(got, want) {
		t.Errorf("links %q", got)
	}
	for _, none := range []string{"nvme3n1", "."} { // the disk's own name, and none at all
		if d.Attached = none; len(d.links()) != 1 {
			t.Errorf("%q: links %q", none, d.links())
		}
	}
}

// A comma in a path would begin an option of QEMU's.
func TestQEMUCommand(t *testing.T) {
	s := Spec{Dir: "/lab,x", Root: Disk{Image: "/a,b.raw"}, Disks: []Disk{{Image: "/c.raw"}}}
	line := strings.Join(qemuCommand(s, "127.0.0.1:2222"), " ")
	for _, want := range []string{
		"file=/a,,b.raw", "file=/c.raw", "path=/lab,,x/console.log", "hostfwd=tcp:127.0.0.1:2222-:22", "restrict=on", "format=raw", "-no-reboot",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
}

func TestFreePort(t *testing.T) {
	a, err := freePort()
	if err != nil || !strings.HasPrefix(a, "127.0.0.1:") || strings.HasSuffix(a, ":0") {
		t.Errorf("%q, %v", a, err)
	}
}

func TestWithin(t *testing.T) {
	for path, want := range map[string]bool{"/lab": true, "/lab/x": true, "/lab2": false, "/": false, "/labx/y": false} {
		if within(path, "/lab") != want || within(path, "/lab/") != want && path != "/lab" {
			t.Errorf("%s", path)
		}
	}
}
