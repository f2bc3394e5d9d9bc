package machine_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

// TestKilledLab runs a guest and a helper that works on a volume in a process of
// their own, kills it with no chance to clear up, and looks for what is left.
func TestKilledLab(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "losetup", "mkfs.ext4")
	if dir := os.Getenv("MACHINE_ABANDON"); dir != "" {
		abandon(t, dir)
	}
	dir := t.TempDir()
	image := filepath.Join(dir, "guest.raw")
	if _, err := testdisk.NewImage(t.Context(), image, testdisk.Bookworm, testdisk.Small, testdisk.GPTHome); err != nil {
		t.Fatal(err)
	}
	before := census(t)
	for _, moment := range []string{"booted", "starting"} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKilledLab$")
		child.Env = append(os.Environ(), "MACHINE_ABANDON="+dir, "TMPDIR="+t.TempDir())
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(stdout)
		for said := ""; said != moment+"\n"; {
			if said, err = out.ReadString('\n'); err != nil {
				t.Fatalf("the child did not get to %q: %q, %v", moment, said, err)
			}
		}
		if moment == "booted" && slices.Equal(census(t), before) {
			t.Error("the census does not see what runs")
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // killed, as wanted
		machine.Sweep(dir)
		wantCensus(t, before)
		for deadline := time.Now().Add(time.Minute); len(machine.Remains(dir)) > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("after a kill when %s remain: %q", moment, machine.Remains(dir))
			}
		}
	}
}

// abandon never returns. Its helper mounts the volume and makes a loop device
// that does not clear itself.
func abandon(t *testing.T, dir string) {
	rack := machine.Open(machine.Options{})
	fmt.Println("starting")
	g := guest(t, filepath.Join(dir, "guest.raw"), 90)
	g.Dir = filepath.Join(dir, "guest")
	h := machine.Spec{Instance: second(t), Kind: machine.Helper, Dir: filepath.Join(dir, "helper"), Address: net.IPv4(172, 31, 16, 91)}
	data := filepath.Join(dir, "data.raw")
	h.Disks = []machine.Disk{{Volume: patient, Device: "/dev/sdf", Image: data}}
	if err := os.WriteFile(data, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range []machine.Spec{g, h} {
		if err := rack.Start(context.Background(), s); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, rack, h.Instance, "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && losetup --find --offset 4096 /dev/sdf && { nohup sleep 1000 >/dev/null 2>&1 & }")
	if r.Code != 0 {
		t.Fatalf("%+v", r)
	}
	fmt.Println("booted")
	select {}
}

func TestRemains(t *testing.T) {
	testdisk.Need(t, "losetup")
	dir := t.TempDir()
	rack := machine.Open(machine.Options{})
	s := helper(t, 92)
	s.Dir = filepath.Join(dir, "machine")
	d := blank(t)
	image := filepath.Join(dir, "volume.raw")
	if err := os.Rename(d.Image, image); err != nil {
		t.Fatal(err)
	}
	d.Image = image
	on(t, rack, s)
	if err := rack.Attach(t.Context(), s.Instance, d); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(machine.Remains(dir), "\n")
	if !strings.Contains(got, "over "+image) || !strings.Contains(got, "of machine "+s.Dir) || len(machine.Remains(dir+"x")) > 0 {
		t.Errorf("remains: %q", got)
	}
	if got := rack.Remains(dir); len(got) > 0 {
		t.Errorf("of a machine that is on: %q", got)
	}
	if err := rack.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := machine.Remains(dir); len(got) > 0 {
		t.Errorf("remains after Close: %q", got)
	}
	device, err := exec.CommandContext(t.Context(), "losetup", "--find", "--show", image).Output()
	if err != nil || len(rack.Remains(dir)) != 1 {
		t.Errorf("%v, remains: %q", err, machine.Remains(dir))
	}
	if machine.Sweep(dir); len(machine.Remains(dir)) > 0 {
		t.Errorf("%s remains after Sweep", device)
	}
}
