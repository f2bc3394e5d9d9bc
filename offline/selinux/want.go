package selinux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/seed-77750964/regain/offline"
)

// Want is the label that a new file at the canonical path must carry; empty
// when the system has no policy, or has it disabled on a tree without labels.
// In this order: the label of the .ssh directory above it, where that is right;
// the policy's file contexts; the type that every policy gives to ssh's files;
// the type of the directory that holds it, as the kernel would give it.
func Want(v *offline.Volume, s State, c *Contexts, p string, kind offline.Kind) (string, error) {
	if !s.Installed || s.Mode == Disabled && !s.Labelled {
		return "", nil
	}
	label, err := sshDirLabel(v, p)
	if err != nil {
		return "", err
	}
	if label == "" {
		label, _ = c.Lookup(p, kind)
	}
	if label == "" {
		label = builtin(p)
	}
	if label == "" {
		if label, err = parentLabel(v, p); err != nil {
			return "", err
		}
	}
	if label = withLevel(label, s.MLS); label == "" {
		return "", fmt.Errorf("cannot find the SELinux label for %q: no rule, and its directory has none", p)
	}
	return label, nil
}

// sshDirLabel is the label of the nearest .ssh above p, if sshd may read its type.
func sshDirLabel(v *offline.Volume, p string) (string, error) {
	for dir := path.Dir(p); dir != "/"; dir = path.Dir(dir) {
		if path.Base(dir) != ".ssh" {
			continue
		}
		label, err := v.Label(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil
		case err != nil:
			return "", err
		case Type(label) == sshHome:
			return label, nil
		}
		return "", nil
	}
	return "", nil
}

func builtin(p string) string {
	switch {
	case strings.Contains(p+"/", "/.ssh/"):
		return "system_u:object_r:" + sshHome
	case strings.HasPrefix(p, "/etc/"):
		return "system_u:object_r:etc_t"
	}
	return ""
}

// parentLabel takes the type of the nearest directory that exists and has a label.
func parentLabel(v *offline.Volume, p string) (string, error) {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		label, err := v.Label(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if t := Type(label); t != "" {
			return "system_u:object_r:" + t, nil
		}
		if dir == "/" {
			return "", nil
		}
	}
}
