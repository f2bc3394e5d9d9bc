package testdisk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// A Guest is one program that is alone on a Debian kernel in QEMU, as its first
// process: for drivers that the kernel of this machine does not have. The program
// begins with EnterGuest and ends with LeaveGuest.
type Guest struct {
	Suite   Suite
	Modules []string          // that EnterGuest and LoadModule can load
	Program string            // a static binary
	Files   map[string]string // others, by their names in the guest's root, and where they are
	Disks   []string          // raw images, which it can write to: /dev/vda, /dev/vdb…
}

const (
	guestModules = "modules"
	guestDone    = "guest: leaves"
)

// InGuest tells a program whether it is the first process.
func InGuest() bool { return os.Getpid() == 1 }

// Run boots the kernel and returns what the program has written once it has left.
// An end without that is an error.
func (g Guest) Run(ctx context.Context) (console string, err error) {
	if runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("cannot boot a kernel on %s: %w", runtime.GOARCH, errors.ErrUnsupported)
	}
	kernel, err := kernelOf(ctx, g.Suite, g.Modules)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "testdisk-guest-")
	if err != nil {
		return "", fmt.Errorf("cannot make a directory for the initramfs: %w", err)
	}
	defer os.RemoveAll(dir)
	initrd := filepath.Join(dir, "initrd")
	if err := g.initramfs(kernel, initrd); err != nil {
		return "", fmt.Errorf("cannot make the initramfs: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	console, err = output(ctx, "qemu-system-x86_64", g.arguments(filepath.Join(kernel, "vmlinuz"), initrd)...)
	if err == nil && !strings.Contains(console, guestDone) {
		err = fmt.Errorf("the guest has not come to its end:\n%s", tail(console, 4000))
	}
	return console, err
}

func (g Guest) arguments(kernel, initrd string) []string {
	accel := os.Getenv("REGAIN_QEMU_ACCEL")
	if accel == "" {
		accel = "tcg,thread=multi"
	}
	cmdline := "console=ttyS0 quiet loglevel=4 mitigations=off panic=-1"
	list := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
		// One processor, since emulated ones that share a busy one wait for each other.
		// Without cmpxchg16b: the emulation of QEMU 7.2 now and then leaves wrong flags
		// behind it, and the kernel's allocator ends in a double fault.
		"-machine", "pc", "-accel", accel, "-cpu", "Westmere,-cx16", "-smp", "1", "-m", "1024",
		"-kernel", kernel, "-initrd", initrd, "-append", cmdline,
	}
	for _, disk := range g.Disks {
		list = append(list, "-drive", "if=virtio,format=raw,file="+strings.ReplaceAll(disk, ",", ",,"))
	}
	return list
}

// initramfs writes the archive that the kernel unpacks: the program as /init, and
// the modules.
func (g Guest) initramfs(kernel, path string) error {
	var a archive
	a.add("dev", 0o40755, nil)
	a.add(guestModules, 0o40755, nil)
	a.add("dev/console", 0o20600, nil)
	for _, name := range g.Modules {
		data, err := os.ReadFile(filepath.Join(kernel, moduleFile(name)))
		if err != nil {
			return err
		}
		a.add(guestModules+"/"+moduleFile(name), 0o100644, data)
	}
	files := maps.Clone(g.Files)
	if files == nil {
		files = map[string]string{}
	}
	files["init"] = g.Program
	for name, at := range files {
		data, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		a.add(name, 0o100755, data)
	}
	a.add("TRAILER!!!", 0, nil)
	return os.WriteFile(path, a.Bytes(), 0o600)
}

// archive is one of cpio's, in the form that the kernel wants (its
// Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	bytes.Buffer
	entries int
}

func (a *archive) add(name string, mode int, data []byte) {
	a.entries++
	major, minor := 0, 0
	if mode&0o170000 == 0o20000 { // the console
		major, minor = 5, 1
	}
	a.WriteString("070701")
	for _, field := range []int{a.entries, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0} {
		fmt.Fprintf(a, "%08x", field)
	}
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(data)
	a.pad()
}

func (a *archive) pad() { a.Write(make([]byte, -a.Len()&3)) }

func moduleFile(name string) string { return name + ".ko.xz" }

// kernelOf is a directory with the kernel of a Debian release, vmlinuz, and these
// modules of it. The first time the package is downloaded from the Debian mirror.
func kernelOf(ctx context.Context, suite Suite, modules []string) (string, error) {
	args := []string{
		"--quiet", "--variant=extract", "--format=directory", "--include=linux-image-cloud-amd64",
		`--aptopt=Acquire::Languages "none"`, string(suite),
	}
	name := fmt.Sprintf("kernel-%s-%s", suite, key(strings.Join(append(args, modules...), " ")))
	return cached(name, func(tmp string) error {
		all := tmp + ".all"
		if err := run(ctx, "mmdebstrap", append(args, all)...); err != nil {
			return errors.Join(err, os.RemoveAll(all))
		}
		return errors.Join(pickKernel(all, tmp, modules), os.RemoveAll(all))
	})
}

func pickKernel(from, to string, modules []string) error {
	wanted := map[string]string{"vmlinuz-*": "vmlinuz"}
	for _, name := range modules {
		wanted[moduleFile(name)] = moduleFile(name)
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	err := filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		for pattern, name := range wanted {
			if is, err := filepath.Match(pattern, entry.Name()); err != nil || !is {
				continue
			}
			delete(wanted, pattern)
			return os.Rename(path, filepath.Join(to, name))
		}
		return nil
	})
	if err == nil && len(wanted) > 0 {
		err = fmt.Errorf("cannot find %v in the kernel's package: %w", wanted, os.ErrNotExist)
	}
	return err
}

// BuildStatic builds a static program with go's build or "test -c".
func BuildStatic(ctx context.Context, path, pkg string, command ...string) error {
	args := append(command, "-o", path, pkg)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
