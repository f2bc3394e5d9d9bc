package testdisk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Tree is a Debian root in a directory, to be changed at will: /etc, /home,
// /root, /var and the rest are private copies. Of /usr it holds what an
// examination looks at (sshd, shells, PAM modules, os-release); the rest is added
// from the cache, read-only, when its sshd runs.
type Tree struct {
	Dir string // the root
	usr string // a complete /usr
}

// usrParts are the parts of /usr that a Tree holds, as globs below the root.
var usrParts = []string{
	"usr/sbin/sshd", "usr/lib/openssh", "usr/sbin/nologin", "usr/lib/os-release", "usr/lib/*/security",
	"usr/bin/sh", "usr/bin/dash", "usr/bin/bash", "usr/bin/rbash", "usr/bin/false", "usr/bin/true",
}

// NewTree copies a Debian root of the small flavour into dir, which is made. It
// takes a few hundredths of a second, except the first time.
func NewTree(ctx context.Context, dir string, suite Suite) (*Tree, error) {
	base, err := Directory(ctx, suite, Small)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the tree: %w", err)
	}
	parts, err := treeParts(base)
	if err != nil {
		return nil, err
	}
	cp := exec.CommandContext(ctx, "cp", append([]string{"-a", "--parents", "-t", dir}, parts...)...)
	cp.Dir = base
	if out, err := cp.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot copy the tree: %w\n%s", err, out)
	}
	return &Tree{Dir: dir, usr: filepath.Join(base, "usr")}, nil
}

// leftOut are the parts of the root that a Tree does not copy whole: /usr, and
// dpkg's lists of files, which nothing here reads and which are most of the files.
var leftOut = []string{"usr", "var/lib/dpkg/info"}

func treeParts(base string) ([]string, error) {
	parts, err := wholeParts(base, "")
	if err != nil {
		return nil, err
	}
	for _, glob := range usrParts {
		found, err := filepath.Glob(filepath.Join(base, glob))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			parts = append(parts, f[len(base)+1:])
		}
	}
	return parts, nil
}

// wholeParts are the names in and below dir that hold nothing of what is left out.
func wholeParts(base, dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(base, dir))
	if err != nil {
		return nil, fmt.Errorf("cannot list the root: %w", err)
	}
	var parts []string
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case slices.Contains(leftOut, name):
		case slices.ContainsFunc(leftOut, func(l string) bool { return strings.HasPrefix(l, name+"/") }):
			below, err := wholeParts(base, name)
			if err != nil {
				return nil, err
			}
			parts = append(parts, below...)
		default:
			parts = append(parts, name)
		}
	}
	return parts, nil
}

// bind puts the tree at root and completes its /usr, the tree's own files first.
func (tr *Tree) bind(root string) error {
	if err := unix.Mount(tr.Dir, root, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot bind the tree: %w", err)
	}
	// overlayfs splits its options at commas and its directories at colons, and
	// both may be part of a temporary directory's name: name them by descriptor.
	own, err := os.Open(filepath.Join(tr.Dir, "usr"))
	if err != nil {
		return fmt.Errorf("cannot open the tree's /usr: %w", err)
	}
	defer own.Close()
	rest, err := os.Open(tr.usr)
	if err != nil {
		return fmt.Errorf("cannot open the complete /usr: %w", err)
	}
	defer rest.Close()
	options := fmt.Sprintf("lowerdir=/proc/self/fd/%d:/proc/self/fd/%d", own.Fd(), rest.Fd())
	if err := unix.Mount("overlay", filepath.Join(root, "usr"), "overlay", unix.MS_RDONLY, options); err != nil {
		return fmt.Errorf("cannot complete /usr: %w", err)
	}
	return nil
}
