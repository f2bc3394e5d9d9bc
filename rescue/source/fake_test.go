package source

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// fake is a made-up /sys, /dev and /proc. Its device nodes have numbers that
// belong to nothing, and are never opened.
type fake struct {
	t     *testing.T
	dir   string
	minor uint32
}

const (
	ebs      = "Amazon Elastic Block Store"
	instance = "Amazon EC2 NVMe Instance Storage"
	vol1     = "vol-0123456789abcdef0"
	vol2     = "vol-0fedcba9876543210"
)

func newFake(t *testing.T) *fake {
	t.Helper()
	testdisk.Need(t)
	f := &fake{t: t, dir: t.TempDir()}
	f.file("sys/block/.keep", "")
	if err := os.Remove(f.path("sys/block/.keep")); err != nil {
		t.Fatal(err)
	}
	f.file("dev/.keep", "")
	f.file("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
	f.file("proc/mountinfo", "22 27 0:21 / /proc rw - proc proc rw\n")
	return f
}

func (f *fake) path(rel string) string { return filepath.Join(f.dir, rel) }

func (f *fake) file(rel, content string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(rel)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(rel), []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) link(rel, target string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(rel)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Symlink(target, f.path(rel)); err != nil {
		f.t.Fatal(err)
	}
}

// device adds a disk ("nvme0n1") or partition ("nvme0n1/nvme0n1p1") of 8 GiB
// with its node, and returns its number.
func (f *fake) device(rel string) string {
	f.t.Helper()
	f.minor++
	number := fmt.Sprintf("259:%d", 100000+f.minor)
	dir := "sys/block/" + rel
	f.file(dir+"/dev", number+"\n")
	f.file(dir+"/size", "16777216\n")
	f.file(dir+"/ro", "0\n")
	if strings.Contains(rel, "/") {
		f.file(dir+"/partition", "1\n")
	}
	f.node(filepath.Base(rel), number)
	return number
}

func (f *fake) node(name, number string) {
	f.t.Helper()
	var major, minor uint32
	if _, err := fmt.Sscanf(number, "%d:%d", &major, &minor); err != nil {
		f.t.Fatal(err)
	}
	if err := unix.Mknod(f.path("dev/"+name), unix.S_IFBLK|0o600, int(unix.Mkdev(major, minor))); err != nil {
		f.t.Fatal(err)
	}
}

// nvme adds a disk with a model and a serial number.
func (f *fake) nvme(name, model, serial string) string {
	f.t.Helper()
	number := f.device(name)
	f.file("sys/block/"+name+"/device/model", model+"\n")
	f.file("sys/block/"+name+"/device/serial", serial+"\n")
	return number
}

// over makes upper a holder of lower, which may be a partition ("a/b").
func (f *fake) over(lower, upper string) {
	f.t.Helper()
	f.file("sys/block/"+lower+"/holders/"+upper, "")
	f.file("sys/block/"+upper+"/slaves/"+filepath.Base(lower), "")
}

func (f *fake) mount(number, point, fstype, source string) {
	f.t.Helper()
	b, err := os.ReadFile(f.path("proc/mountinfo"))
	if err != nil {
		f.t.Fatal(err)
	}
	line := fmt.Sprintf("%d 1 %s / %s rw,relatime shared:1 - %s %s rw\n", 30+len(b), number, point, fstype, source)
	f.file("proc/mountinfo", string(b)+line)
}

func (f *fake) finder() Finder {
	return Finder{
		Sys: f.path("sys"), Dev: f.path("dev"), Mountinfo: f.path("proc/mountinfo"), Swaps: f.path("proc/swaps"),
		Every: 1e6, claim: func(string) error { return nil },
	}
}
