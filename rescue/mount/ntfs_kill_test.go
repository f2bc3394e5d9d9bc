package mount_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/rescue/mount"
)

// holdNTFS mounts the image, leaves a file open in it, and tells the loop's path.
func holdNTFS(path string) string {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	loop, err := mount.AttachLoop(ctx, f, 0, size, false)
	if err != nil {
		return err.Error()
	}
	n, err := mount.OpenNTFS(ctx, loop.Path, false)
	if err != nil {
		return err.Error()
	}
	fd, err := unix.Openat(n.Root, "open", unix.O_CREAT|unix.O_WRONLY, 0o600)
	if err == nil {
		_, err = unix.Write(fd, []byte("written"))
	}
	return errors.Join(err, errors.New(loop.Path)).Error()
}

// A killed process leaves no mount, no ntfs-3g and no loop device, and what it
// wrote is on a volume that was unmounted, not dropped.
func TestKilledProcessLeavesNoNTFS(t *testing.T) {
	img := ntfsImage(t)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childNTFS+"="+img.Path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	device := strings.TrimSpace(line)
	if err != nil || !strings.HasPrefix(device, "/dev/loop") {
		t.Fatalf("child says %q, %v", line, err)
	}
	if len(served(t, device)) != 1 {
		t.Fatal("no ntfs-3g while the child lives")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // says that it was killed
	for end := time.Now().Add(time.Minute); served(t, device) != nil || backing(t, img.Path) != nil; {
		if time.Now().After(end) {
			t.Fatalf("still there: %q, %q", served(t, device), backing(t, img.Path))
		}
		time.Sleep(5 * time.Millisecond)
	}
	loop := attach(t, img.Path, true)
	if err := mount.ProbeNTFS(deadline(t), loop.Path); err != nil {
		t.Error(err)
	}
	if out := run(t, "ntfscat", img.Path, "open"); out != "written" {
		t.Errorf("ntfscat reads %q", out)
	}
}

// The same when it is killed while ntfs-3g still starts.
func TestKilledWhileMountingNTFS(t *testing.T) {
	img := ntfsImage(t)
	for delay := range 12 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childNTFS+"="+img.Path)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(5+3*delay) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait() // says that it was killed
		for end := time.Now().Add(time.Minute); backing(t, img.Path) != nil; {
			if time.Now().After(end) {
				t.Fatalf("after %d: still attached: %q", delay, backing(t, img.Path))
			}
			time.Sleep(5 * time.Millisecond)
		}
		run(t, "ntfs-3g.probe", "--readwrite", img.Path)
	}
}
