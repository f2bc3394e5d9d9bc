package mount_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/mount"
)

const (
	childImage = "REGAIN_TEST_CHILD_IMAGE"
	childNTFS  = "REGAIN_TEST_CHILD_NTFS"
)

// TestMain lets the test binary play the process that gets killed.
func TestMain(m *testing.M) {
	if testdisk.InGuest() {
		guestMain()
	}
	if path := os.Getenv(childImage); path != "" {
		fmt.Println(holdMounted(path))
		select {}
	}
	if path := os.Getenv(childNTFS); path != "" {
		fmt.Println(holdNTFS(path))
		select {}
	}
	os.Exit(m.Run())
}

// holdMounted mounts the image, leaves a file open in it, and tells the loop's path.
func holdMounted(path string) string {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err.Error()
	}
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	loop, err := mount.AttachLoop(ctx, f, 0, info.Size(), false)
	if err != nil {
		return err.Error()
	}
	fd, err := mount.Detached(loop.Path, mount.Options{Type: "ext4"})
	if err != nil {
		return err.Error()
	}
	if _, err := unix.Openat(fd, "open", unix.O_CREAT|unix.O_WRONLY, 0o600); err != nil {
		return err.Error()
	}
	return loop.Path
}

// A killed process leaves no mount and no loop device, and the filesystem was
// unmounted, not dropped: its journal is empty.
func TestKilledProcessLeavesNothing(t *testing.T) {
	testdisk.Need(t, "e2fsck")
	path := image(t, "ext4")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childImage+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "/dev/loop") {
		t.Fatalf("child says %q, %v", line, err)
	}
	if strings.Contains(mountinfo(t), strings.TrimSpace(line)+" ") {
		t.Error("the mount shows in the mount table")
	}
	if backing(t, path) == nil {
		t.Fatal("no loop device while the child lives")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // says that it was killed
	for end := time.Now().Add(time.Minute); backing(t, path) != nil; {
		if time.Now().After(end) {
			t.Fatalf("still attached: %v", backing(t, path))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if out := run(t, "e2fsck", "-fn", path); strings.Contains(out, "recover") {
		t.Errorf("e2fsck says %s", out)
	}
}
