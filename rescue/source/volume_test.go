package source

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestVolumeID(t *testing.T) {
	for id, want := range map[string]string{
		vol1:                     "",
		"vol-0a1b2c3d":           "",
		"":                       "want vol-",
		"vol-":                   "want vol-",
		"vol-0123456789abcdef":   "want vol-",
		"vol-0123456789abcdeg0":  "want vol-",
		"vol0123456789abcdef0":   "did you mean vol-0123456789abcdef0?",
		"VOL-0123456789ABCDEF0":  "did you mean vol-0123456789abcdef0?",
		" vol-0123456789abcdef0": "did you mean vol-0123456789abcdef0?",
		"/dev/nvme1n1":           "looks like a path",
		"i-0123456789abcdef0":    "looks like an instance id",
		"snap-0123456789abcdef0": "looks like a snapshot id",
		"vol-../../etc/passwd":   "want vol-",
		"vol-\x1b[2J":            `"vol-\x1b[2J"`,
	} {
		err := checkVolumeID(id)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", id, err)
		case want != "" && (!errors.Is(err, ErrVolumeID) || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: got %v, want %q", id, err, want)
		}
	}
}

// volumeCases are machines, and which of their devices is the volume vol1.
var volumeCases = []struct {
	name  string
	build func(f *fake, finder *Finder)
	want  string // device name, or
	err   string
}{
	{"second of two", func(f *fake, _ *Finder) {
		f.nvme("nvme0n1", ebs, "vol0fedcba9876543210")
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
	}, "nvme1n1", ""},
	{"the other order", func(f *fake, _ *Finder) {
		f.nvme("nvme0n1", ebs, "vol0123456789abcdef0")
		f.nvme("nvme1n1", ebs, "vol0fedcba9876543210")
	}, "nvme0n1", ""},
	{"blanks around serial and model", func(f *fake, _ *Finder) {
		f.nvme("nvme3n1", ebs+"              ", "  vol0123456789abcdef0   ")
	}, "nvme3n1", ""},
	{"serial with a dash", func(f *fake, _ *Finder) { f.nvme("nvme3n1", ebs, vol1) }, "nvme3n1", ""},
	{"partitions are not disks", func(f *fake, _ *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		f.device("nvme1n1/nvme1n1p1")
	}, "nvme1n1", ""},
	{"hidden path of a multipath disk", func(f *fake, _ *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		f.nvme("nvme1c1n1", ebs, "vol0123456789abcdef0")
		f.file("sys/block/nvme1c1n1/hidden", "1\n")
	}, "nvme1n1", ""},
	{"wrong model", func(f *fake, _ *Finder) { f.nvme("nvme1n1", "QEMU NVMe Ctrl", "vol0123456789abcdef0") }, "", `is "QEMU NVMe Ctrl"`},
	{"two with the same serial", func(f *fake, _ *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		f.nvme("nvme2n1", ebs, "vol0123456789abcdef0")
	}, "", "nvme1n1 and nvme2n1 both report"},
	{"others only", func(f *fake, _ *Finder) {
		f.nvme("nvme0n1", ebs, "vol0fedcba9876543210")
		f.nvme("nvme1n1", instance, "AWS1234")
		f.device("loop0")
	}, "", `attached are: nvme0n1 (vol-0fedcba9876543210, 8 GiB), nvme1n1 ("Amazon EC2 NVMe Instance Storage", 8 GiB)`},
	{"no disks", func(*fake, *Finder) {}, "", "attached are: no disks"},
	{"serial of a longer id", func(f *fake, _ *Finder) { f.nvme("nvme1n1", ebs, "vol0123456789abcdef01") }, "", "not attached"},
	{"escape bytes in the model", func(f *fake, _ *Finder) { f.nvme("nvme1n1", "\x1b[2J", "x") }, "", `"\x1b[2J"`},
	{"size agrees", func(f *fake, finder *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		finder.Bytes = 8 << 30
	}, "nvme1n1", ""},
	{"size disagrees", func(f *fake, finder *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		finder.Bytes = 9 << 30
	}, "", "has 8589934592 bytes, the volume 9663676416"},
	{"node of another device", func(f *fake, _ *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		if err := os.Remove(f.path("dev/nvme1n1")); err != nil {
			f.t.Fatal(err)
		}
		f.node("nvme1n1", "259:99")
	}, "", "is device 259:99"},
	{"node not there", func(f *fake, _ *Finder) {
		f.nvme("nvme1n1", ebs, "vol0123456789abcdef0")
		if err := os.Remove(f.path("dev/nvme1n1")); err != nil {
			f.t.Fatal(err)
		}
	}, "", "is not there yet"},
	{"by-id alone", func(f *fake, _ *Finder) {
		f.device("nvme1n1")
		f.link("dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0", "../../nvme1n1")
		f.link("dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0_1", "../../nvme1n1")
	}, "nvme1n1", ""},
	{"by-id of a partition only", func(f *fake, _ *Finder) {
		f.device("nvme1n1")
		f.device("nvme1n1/nvme1n1p1")
		f.link("dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0-part1", "../../nvme1n1p1")
	}, "", "not attached"},
	{"by-id contradicts the serial", func(f *fake, _ *Finder) {
		f.nvme("nvme1n1", ebs, "vol0fedcba9876543210")
		f.link("dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0", "../../nvme1n1")
	}, "", `whose serial number is "vol0fedcba9876543210"`},
	{"by-id leads to two", func(f *fake, _ *Finder) {
		f.device("xvdf")
		f.device("xvdg")
		f.link("dev/disk/by-id/xen-vol0123456789abcdef0", "../../xvdf")
		f.link("dev/disk/by-id/ebs-vol-0123456789abcdef0", "../../xvdg")
	}, "", "lead to both"},
	{"by-id on Xen", func(f *fake, _ *Finder) {
		f.device("xvda")
		f.device("xvdf")
		f.link("dev/disk/by-id/xen-vol-0123456789abcdef0", "../../xvdf")
	}, "xvdf", ""},
	{"Xen by attach name", func(f *fake, finder *Finder) {
		f.device("xvda")
		f.device("xvdf")
		finder.Attached = "/dev/sdf"
	}, "xvdf", ""},
	{"Xen attach name fits two", func(f *fake, finder *Finder) {
		f.device("xvdf")
		f.device("sdf")
		finder.Attached = "sdf"
	}, "", "fits both sdf and xvdf"},
	{"Nitro ignores the attach name", func(f *fake, finder *Finder) {
		f.nvme("nvme0n1", ebs, "vol0fedcba9876543210")
		f.device("sdf")
		finder.Attached = "/dev/sdf"
	}, "", "not attached"},
	{"Xen attach name not there", func(f *fake, finder *Finder) {
		f.device("xvda")
		finder.Attached = "/dev/sdf"
	}, "", "not attached here after 0s; attached are: xvda (no volume id, 8 GiB)"},
}

func TestVolume(t *testing.T) {
	for _, c := range volumeCases {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			finder := f.finder()
			c.build(f, &finder)
			got, err := finder.Volume(t.Context(), vol1, 0, nil)
			switch {
			case c.err == "" && (err != nil || got != f.path("dev/"+c.want)):
				t.Errorf("got %q, %v, want %s", got, err, c.want)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("got %q, %v, want %q", got, err, c.err)
			}
		})
	}
}

func TestXenDoesNotWaitInVain(t *testing.T) {
	f := newFake(t)
	f.device("xvda")
	start := time.Now()
	_, err := f.finder().Volume(t.Context(), vol1, time.Hour, nil)
	if !errors.Is(err, ErrNoSerial) || time.Since(start) > time.Minute {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}

func TestXenSaysHowItWasFound(t *testing.T) {
	f := newFake(t)
	f.device("xvdf")
	finder := f.finder()
	finder.Attached = "xvdf"
	var said []string
	if _, err := finder.Volume(t.Context(), vol1, 0, func(s string) { said = append(said, s) }); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0], "Xen disks carry no volume id") {
		t.Errorf("said %q", said)
	}
}

// The node, the second disk and the first one appear while Volume waits.
func TestVolumeArrivesLate(t *testing.T) {
	f := newFake(t)
	f.nvme("nvme0n1", ebs, "vol0fedcba9876543210")
	arrivals := []func(){
		func() { f.device("sda") },
		func() { f.nvme("nvme1n1", ebs, "vol0123456789abcdef0") },
	}
	var said []string
	progress := func(s string) {
		said = append(said, s)
		if len(arrivals) > 0 {
			arrivals[0]()
			arrivals = arrivals[1:]
		}
	}
	got, err := f.finder().Volume(t.Context(), vol1, time.Minute, progress)
	if err != nil || got != f.path("dev/nvme1n1") {
		t.Fatalf("got %q, %v", got, err)
	}
	if len(said) != 2 || !strings.Contains(said[0], "waiting for "+vol1+"; attached now: nvme0n1 ("+vol2) {
		t.Errorf("said %q", said)
	}
}

func TestVolumeGivesUp(t *testing.T) {
	f := newFake(t)
	_, err := f.finder().Volume(t.Context(), vol1, 20*time.Millisecond, nil)
	if !errors.Is(err, ErrNoVolume) || !strings.Contains(err.Error(), "after 20ms") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.finder().Volume(ctx, vol1, time.Hour, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
