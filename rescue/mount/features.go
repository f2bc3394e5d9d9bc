package mount

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// KernelFeatures lists what the loaded driver says of itself in sysfs. For btrfs
// that is every feature it can mount; for ext only the few that depend on its
// version and configuration. For other types it is errors.ErrUnsupported: their
// drivers publish nothing.
func KernelFeatures(fstype string) ([]string, error) {
	return kernelFeatures("/sys", fstype)
}

func kernelFeatures(sys, fstype string) ([]string, error) {
	driver := map[string]string{"ext2": "ext4", "ext3": "ext4", "ext4": "ext4", "btrfs": "btrfs"}[fstype]
	if driver == "" {
		return nil, fmt.Errorf("cannot list features of %s: %w", fstype, errors.ErrUnsupported)
	}
	entries, err := os.ReadDir(sys + "/fs/" + driver + "/features")
	if err != nil {
		return nil, fmt.Errorf("cannot list features of %s: %w", fstype, err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// neverMounted are ext features that no mainline kernel mounts: compression
// was never merged, dirdata is Lustre's, a journal_dev holds no files.
var neverMounted = []string{"compression", "dirdata", "journal_dev"}

// Missing returns those incompatible features of a superblock, named as
// mke2fs -O and /sys/fs/btrfs/features name them, that the helper's kernel
// surely does not have. What cannot be known before mounting is not in it:
// nothing for xfs, and for ext only casefold (CONFIG_UNICODE) and bits without
// a name.
func Missing(fstype string, incompat []string) []string {
	return missing("/sys", fstype, incompat)
}

func missing(sys, fstype string, incompat []string) (out []string) {
	known, err := kernelFeatures(sys, fstype)
	if err != nil {
		return nil
	}
	for _, f := range incompat {
		listed := slices.Contains(known, f)
		nameless := strings.HasPrefix(f, "incompat:")
		switch {
		case listed:
		case fstype == "btrfs", nameless, f == "casefold", slices.Contains(neverMounted, f):
			out = append(out, f)
		}
	}
	return out
}
