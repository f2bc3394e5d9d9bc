package machine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/lab/machine"
)

// TestManyAtOnce has machines compete for loop devices and addresses.
func TestManyAtOnce(t *testing.T) {
	testdisk.Need(t)
	rack := machine.Open(machine.Options{})
	var group sync.WaitGroup
	disks := make([]machine.Disk, 6)
	for i := range disks {
		disks[i] = blank(t)
		disks[i].Volume = fmt.Sprintf("vol-0000000000000000%d", i)
	}
	dir := t.TempDir()
	for i := range disks {
		s := machine.Spec{
			Instance: fmt.Sprintf("i-0000000000000000%d", i), Kind: machine.Helper, Dir: filepath.Join(dir, fmt.Sprint(i)), Address: net.IPv4(172, 31, 1, byte(i+4)),
		}
		group.Go(func() {
			if err := rack.Start(t.Context(), s); err != nil {
				t.Error(err)
				return
			}
			for range 3 {
				if err := rack.Attach(t.Context(), s.Instance, disks[i]); err != nil {
					t.Error(err)
				}
				done := make(chan machine.Result, 1)
				script := "cat /sys/block/nvme*/device/serial; echo " + s.Instance + " | dd of=/dev/sdf conv=notrunc 2>/dev/null"
				if err := rack.Run(t.Context(), s.Instance, machine.Command{ID: "c", Script: script}, func(r machine.Result) { done <- r }); err != nil {
					t.Error(err)
					return
				}
				if r := <-done; r.Code != 0 || r.Stdout != strings.Replace(disks[i].Volume, "-", "", 1)+"\n" {
					t.Errorf("%s: %+v", s.Instance, r)
				}
				if err := rack.Detach(t.Context(), s.Instance, disks[i].Volume, false); err != nil {
					t.Error(err)
				}
			}
			if err := rack.Stop(t.Context(), s.Instance, i%2 == 0); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, d := range disks {
		text, err := os.ReadFile(d.Image)
		if want := fmt.Sprintf("i-0000000000000000%d\n", i); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("image %d begins with %.30q, %v", i, text, err)
		}
	}
	if left := machine.Remains(dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestStartIsCutOff: whoever gives up waiting, or stops a machine that boots,
// leaves nothing behind.
func TestStartIsCutOff(t *testing.T) {
	testdisk.Need(t, "mmdebstrap")
	image := newImage(t, testdisk.GPTExt4)
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond} {
		for _, how := range []string{"context", "stop"} {
			t.Run(how+" after "+after.String(), func(t *testing.T) {
				before := census(t)
				rack := machine.Open(machine.Options{})
				s := guest(t, image, 20)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				timer := time.AfterFunc(after, func() {
					if how == "context" {
						cancel()
					} else if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
						t.Error(err)
					}
				})
				defer timer.Stop()
				err := rack.Start(ctx, s)
				t.Logf("start: %v", err)
				if errors.Is(err, machine.ErrNotBootable) {
					t.Error("the volume is blamed")
				}
				if err := rack.Close(t.Context()); err != nil {
					t.Error(err)
				}
				wantCensus(t, before)
			})
		}
	}
}

func TestDisksAtBoot(t *testing.T) {
	testdisk.Need(t)
	rack := machine.Open(machine.Options{})
	s := helper(t, 21)
	s.Disks = []machine.Disk{blank(t)}
	on(t, rack, s)
	if err := rack.Start(t.Context(), s); err == nil {
		t.Error("started twice")
	}
	if r := run(t, rack, s.Instance, "test -b /dev/sdf && blockdev --getsize64 /dev/sdf"); r.Stdout != fmt.Sprintln(size) {
		t.Errorf("%+v", r)
	}
	if err := rack.Stop(t.Context(), s.Instance, false); err != nil {
		t.Fatal(err)
	}
	s.Disks = append(s.Disks, machine.Disk{Volume: "vol-0eeeeeeeeeeeeeeee", Device: "/dev/sdg", Image: "/no/such/image"})
	if err := rack.Start(t.Context(), s); err == nil || errors.Is(err, machine.ErrNotBootable) || rack.On(s.Instance) {
		t.Errorf("with an image that is missing: %v", err)
	}
}

// TestGuestsOtherVolume mounts, by the guest's fstab, a filesystem of a second
// volume, and leaves out what is marked nofail; the metadata service answers.
func TestGuestsOtherVolume(t *testing.T) {
	testdisk.Need(t, "mmdebstrap", "mkfs.ext4", "ssh", "ssh-keygen")
	key := newKey(t)
	data := blank(t)
	data.Volume = "vol-0cccccccccccccccc"
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-L", "the data", data.Image).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	image := newImage(t, testdisk.GPTExt4, authorize(key),
		fstab("LABEL=the\\040data /srv/data ext4 ro,nosuid 0 2\nUUID=gone /none ext4 nofail 0 2\n/dev/xvdz /later ext4 noauto 0 2\ntmpfs /tmp tmpfs defaults 0 0\n"))
	rack := machine.Open(machine.Options{})
	s := guest(t, image, 22)
	s.Disks = []machine.Disk{data}
	s.Metadata = says("metadata")
	on(t, rack, s)
	got := login(t, rack.Address(s.Instance), key, "admin",
		"grep /srv/data /proc/mounts; exec 3<>/dev/tcp/169.254.169.254/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3")
	if !strings.Contains(got.stdout, "/srv/data ext4 ro,nosuid") || !strings.HasSuffix(got.stdout, "metadata") {
		t.Errorf("%+v\n%s", got, rack.Console(s.Instance))
	}
	if !strings.Contains(rack.Console(s.Instance), "/none is not mounted") || !strings.Contains(rack.Console(s.Instance), "/boot/efi") {
		t.Errorf("the console does not say what is left out:\n%s", rack.Console(s.Instance))
	}
}

func TestConsoleIsBounded(t *testing.T) {
	testdisk.Need(t)
	rack := machine.Open(machine.Options{})
	s := helper(t, 23)
	old := strings.Repeat("0123456789abcde\n", 8<<10)
	if err := os.WriteFile(filepath.Join(s.Dir, "console.log"), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	on(t, rack, s)
	got := rack.Console(s.Instance)
	if len(got) > 64<<10 || !strings.Contains(got, "boots\n") || !strings.HasPrefix(old, got[1:16]) && len(got) < 60<<10 {
		t.Errorf("%d bytes, ending in %q", len(got), got[max(0, len(got)-100):])
	}
}

// TestFirstProcessAlone: without a lab at the other end, or with nonsense from
// it, a first process ends.
func TestFirstProcessAlone(t *testing.T) {
	testdisk.Need(t)
	for name, text := range map[string]string{"nothing": "", "nonsense": "]]]", "half a plan": `{"Kind":"gue`} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "/proc/self/exe")
		cmd.Args, cmd.ExtraFiles = []string{"regain-machine", t.TempDir()}, []*os.File{read}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, err = write.WriteString(text)
		if err = errors.Join(err, write.Close(), read.Close()); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
