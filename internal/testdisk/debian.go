package testdisk

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Suite is a Debian release by its code name.
type Suite string

// The releases that tests run on.
const (
	Bookworm Suite = "bookworm" // Debian 12, OpenSSH 9.2
	Trixie   Suite = "trixie"   // Debian 13, OpenSSH 10.0
)

// A Flavour says how much of a system a root holds.
type Flavour string

const (
	// Small is openssh-server, PAM and the user: enough for a chroot.
	Small Flavour = "small"
	// Full boots: it adds systemd, a kernel with its initramfs and cloud-init.
	Full Flavour = "full"
)

//go:embed recipe/essential.sh
var essentialHook string

//go:embed recipe/customize.sh
var customizeHook string

var packages = map[Flavour][]string{
	Small: {"openssh-server", "sudo"},
	Full: {
		"openssh-server", "sudo", "systemd-sysv", "dbus", "udev", "iproute2",
		"cloud-init", "linux-image-cloud-amd64", "xfsprogs", "btrfs-progs", "dosfstools",
	},
}

// recipe is the mmdebstrap command without the hooks, the suite and the target.
func recipe(flavour Flavour) []string {
	return []string{
		"--quiet", "--variant=minbase", "--format=tar",
		"--include=" + strings.Join(packages[flavour], ","),
		`--aptopt=Acquire::Languages "none"`,
		"--dpkgopt=force-unsafe-io",
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
	}
}

// Tarball is the path of a Debian root as a tar file, built by mmdebstrap from
// the Debian mirror the first time. The user is admin (uid and gid 1000), made
// as cloud-init makes it, with a locked password and an authorized key whose
// private half nobody has; root's key line holds cloud-init's forced command.
func Tarball(ctx context.Context, suite Suite, flavour Flavour) (string, error) {
	args := recipe(flavour)
	id := key(strings.Join(args, " "), essentialHook, customizeHook)
	return cached(fmt.Sprintf("root-%s-%s-%s.tar", suite, flavour, id), func(tmp string) error {
		return debootstrap(ctx, args, suite, tmp)
	})
}

// Directory is Tarball unpacked. It is shared and must not be changed.
func Directory(ctx context.Context, suite Suite, flavour Flavour) (string, error) {
	tarball, err := Tarball(ctx, suite, flavour)
	if err != nil {
		return "", err
	}
	name := strings.TrimSuffix(filepath.Base(tarball), ".tar")
	return cached(name, func(tmp string) error { return unpack(ctx, tarball, tmp) })
}

func debootstrap(ctx context.Context, args []string, suite Suite, target string) error {
	hooks, err := os.MkdirTemp("", "testdisk-hooks-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for the hooks: %w", err)
	}
	defer os.RemoveAll(hooks)
	for name, text := range map[string]string{"essential": essentialHook, "customize": customizeHook} {
		path := filepath.Join(hooks, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			return fmt.Errorf("cannot write a hook: %w", err)
		}
		args = append(args, fmt.Sprintf("--%s-hook=%s \"$1\"", name, path))
	}
	return run(ctx, "mmdebstrap", append(args, string(suite), target)...)
}

// unpack keeps owners, modes and capabilities, whatever the host calls them.
func unpack(ctx context.Context, tarball, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the root: %w", err)
	}
	return run(ctx, "tar", "-C", dir, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf", tarball)
}

// run ends a program with the context and puts its output into the error.
func run(ctx context.Context, name string, args ...string) error {
	_, err := output(ctx, name, args...)
	return err
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("cannot run %s: %w\n%s", name, err, tail(stdout.String()+stderr.String(), 4000))
	}
	return stdout.String(), nil
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}
