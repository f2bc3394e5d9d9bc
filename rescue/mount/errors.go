package mount

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// The reasons on which callers decide; an *Error wraps one of them or none.
var (
	// ErrNoDriver means that the helper's kernel does not have the filesystem.
	ErrNoDriver = errors.New("the helper's kernel does not have this filesystem")
	// ErrFeature means that the filesystem uses something that the helper's kernel does not know.
	ErrFeature = errors.New("the filesystem needs a feature that the helper's kernel does not have")
	// ErrNeedsReplay means that the journal has to be replayed, which a read-only device forbids.
	ErrNeedsReplay = errors.New("the journal must be replayed first and the device is read-only")
	// ErrReadOnlyDevice means that a writable mount of a read-only device was asked for.
	ErrReadOnlyDevice = errors.New("the device is read-only")
	// ErrDamaged means that the driver found the filesystem's structures broken.
	ErrDamaged = errors.New("the filesystem is damaged")
	// ErrIncomplete means that a btrfs of several devices lacks one of them.
	ErrIncomplete = errors.New("the filesystem spans several devices and not all are here")
	// ErrNoSubvolume means that there is no btrfs subvolume of that name or number.
	ErrNoSubvolume = errors.New("there is no such subvolume")
	// ErrWrongDevice means that the kernel mounted another device with the same identity.
	ErrWrongDevice = errors.New("the kernel mounted another copy of this filesystem")
)

// Error tells why a device could not be mounted.
type Error struct {
	Device   string
	Type     string
	Reason   error    // one of the sentinels of this package, or nil
	Err      error    // what the system call said
	Messages []string // what the kernel, or ntfs-3g, said, unquoted: foreign labels may be in it
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot mount %s as %s: ", e.Device, e.Type)
	if e.Reason != nil {
		fmt.Fprintf(&b, "%v: ", e.Reason)
	}
	fmt.Fprintf(&b, "%v", e.Err)
	said := " (kernel: "
	if e.Type == "ntfs" {
		said = " (ntfs-3g: "
	}
	for i, m := range e.Messages {
		fmt.Fprintf(&b, "%s%q", [2]string{said, ", "}[min(i, 1)], m)
	}
	if len(e.Messages) > 0 {
		b.WriteByte(')')
	}
	return b.String()
}

// Unwrap gives errors.Is the reason and the errno.
func (e *Error) Unwrap() []error {
	if e.Reason == nil {
		return []error{e.Err}
	}
	return []error{e.Reason, e.Err}
}

// reason reads the driver's errno, and its words where the errno says too little.
func reason(o Options, err error, messages []string) error {
	said := func(words ...string) bool {
		return slices.ContainsFunc(messages, func(m string) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(m), w) })
		})
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return nil
	}
	switch errno {
	case syscall.ENODEV:
		return ErrNoDriver
	case syscall.EUCLEAN, syscall.EBADMSG: // the kernel's EFSCORRUPTED and EFSBADCRC
		return ErrDamaged
	case syscall.EACCES:
		return ErrReadOnlyDevice
	case syscall.EROFS:
		return readOnlyReason(o, said("recovery", "replay", "write access unavailable"), said("feature", "couldn't mount rdwr"))
	}
	return spokenReason(o, errno, said)
}

func readOnlyReason(o Options, replay, feature bool) error {
	switch {
	case feature:
		return ErrFeature
	case o.ReadOnly || replay:
		return ErrNeedsReplay
	}
	return ErrReadOnlyDevice
}

func spokenReason(o Options, errno syscall.Errno, said func(...string) bool) error {
	switch {
	case o.Type == "btrfs" && said("log replay required"): // EIO, where the others give EROFS
		return ErrNeedsReplay
	case o.Type == "btrfs" && said("is missing", "missing devices", "unable to find"):
		return ErrIncomplete
	case o.Type == "btrfs" && errno == syscall.ENOENT && (o.Subvolume != "" || o.SubvolumeID != 0):
		return ErrNoSubvolume
	case said("feature", "without config_", "v4 filesystem", "unsupported", "unrecognized mount option", "not supported"):
		return ErrFeature
	case o.Type == ntfs3 && errno == syscall.EINVAL: // what it says of all that it does not like
		return ErrDamaged
	case said("corrupt", "checksum", "bad superblock", "can't find"):
		return ErrDamaged
	}
	return nil
}
