package machine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
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

func instanceID(t *testing.T) string {
	return fmt.Sprintf("i-0%x", sha256.Sum256([]byte(t.Name())))[:19]
}

func newKey(t *testing.T) string {
	t.Helper()
	key, err := testdisk.NewKey(t.Context(), t.TempDir(), "key", "ed25519")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newImage(t *testing.T, layout testdisk.Layout, changes ...testdisk.Mutation) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	if _, err := testdisk.NewImage(t.Context(), path, testdisk.Bookworm, testdisk.Small, layout, changes...); err != nil {
		t.Fatal(err)
	}
	return path
}

func authorize(key string) testdisk.Mutation {
	return func(root string) error {
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, "home/admin/.ssh/authorized_keys"), public, 0o600)
	}
}

func write(name, text string) testdisk.Mutation {
	return func(root string) error { return os.WriteFile(filepath.Join(root, name), []byte(text), 0o644) }
}

func remove(name string) testdisk.Mutation {
	return func(root string) error { return os.RemoveAll(filepath.Join(root, name)) }
}

func fstab(lines string) testdisk.Mutation {
	return func(root string) error {
		f, err := os.OpenFile(filepath.Join(root, "etc/fstab"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(lines)
		return errors.Join(err, f.Close())
	}
}

// spoil leaves the superblock of an ext4 and destroys what it points to.
func spoil(t *testing.T, image string) string {
	t.Helper()
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, 4<<20), 4096)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return image
}

func view(t *testing.T, image string, layout testdisk.Layout, name, want string) {
	t.Helper()
	err := (&testdisk.Image{Path: image, Layout: layout}).View(func(root string) error {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err == nil && !strings.Contains(string(got), want) {
			err = fmt.Errorf("%s holds %q, want %q in it", name, got, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// wantClean asks the filesystem's own checker.
func wantClean(t *testing.T, image string, layout testdisk.Layout) {
	t.Helper()
	if layout != testdisk.BareExt4 {
		return // the partitions are checked through the next boot and wantCensus
	}
	if out, err := exec.CommandContext(t.Context(), "e2fsck", "-fn", image).CombinedOutput(); err != nil {
		t.Errorf("e2fsck: %v\n%s", err, out)
	}
}

type loginResult struct {
	ok             bool
	stdout, stderr string
}

// login runs the host's ssh from the host's network.
func login(t *testing.T, address, key, user string, command ...string) loginResult {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	if len(command) == 0 {
		command = []string{"id", "-un"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"-F", "/dev/null", "-i", key, "-p", port, "-T", "-n", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", user + "@" + host, "--"}
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, "ssh", append(args, command...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return loginResult{err == nil, stdout.String(), stderr.String()}
}

func wantLogin(t *testing.T, rack *machine.Rack, instance, key, user string) {
	t.Helper()
	got := login(t, rack.Address(instance), key, user)
	if !got.ok || strings.TrimSpace(got.stdout) != user {
		t.Errorf("login: %+v\nconsole:\n%s", got, rack.Console(instance))
	}
}

// census is what a machine could leave behind on this host.
func census(t *testing.T) []string {
	t.Helper()
	var all []string
	mine := "/" + strings.SplitN(t.Name(), "/", 2)[0] // all temporary files have it in their path
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, l := range loops {
		file, _ := os.ReadFile(l)
		if strings.Contains(string(file), mine) {
			all = append(all, l+" "+string(file))
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if point := strings.Fields(line)[4]; strings.Contains(point, mine) {
			all = append(all, "mount "+point)
		}
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if i.Name == machine.InterfaceOf(instanceID(t)) || i.Name == machine.InterfaceOf(second(t)) {
			all = append(all, "interface "+i.Name)
		}
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, l := range lines {
		text, _ := os.ReadFile(l)
		if name, dir, _ := strings.Cut(string(text), "\x00"); name == "regain-machine" && strings.Contains(dir, mine) {
			all = append(all, "process "+l)
		}
	}
	slices.Sort(all)
	return all
}

func wantCensus(t *testing.T, before []string) {
	t.Helper()
	var after []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if after = census(t); slices.Equal(before, after) {
			return
		}
	}
	t.Errorf("left behind: before\n%s\nafter\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
}
