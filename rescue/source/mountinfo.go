package source

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// mountEntry is a line of /proc/thread-self/mountinfo (proc_pid_mountinfo(5)).
type mountEntry struct {
	id     uint64
	number string // "259:1"; btrfs and network filesystems have made-up ones
	root   string // which directory of the filesystem is mounted
	point  string
	fstype string
	source string
}

func readMounts(path string) ([]mountEntry, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read mount table: %w", err)
	}
	mounts, err := parseMountinfo(string(b))
	if err != nil {
		return nil, fmt.Errorf("cannot read mount table %s: %w", path, err)
	}
	return mounts, nil
}

// parseMountinfo fails on a line it does not understand: a guard that overlooks
// a mount is none.
func parseMountinfo(text string) (mounts []mountEntry, err error) {
	for line := range strings.Lines(text) {
		head, tail, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " - ")
		left, right := strings.Split(head, " "), strings.Split(tail, " ")
		if !ok || len(left) < 6 || len(right) < 2 {
			return nil, fmt.Errorf("line %q is not understood", line)
		}
		id, err := strconv.ParseUint(left[0], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("line %q is not understood", line)
		}
		mounts = append(mounts, mountEntry{
			id: id, number: left[2], root: unescape(left[3]), point: unescape(left[4]),
			fstype: right[0], source: unescape(right[1]),
		})
	}
	return mounts, nil
}

// unescape undoes the kernel's octal escapes for blank, tab, newline and
// backslash (fs/seq_file.c mangle_path).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// readSwaps lists the paths of /proc/swaps. Swap files are in it as well; they
// lie on filesystems that are mounted.
func readSwaps(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) { // a kernel without swap
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read list of swap areas: %w", err)
	}
	var out []string
	for i, line := range strings.Split(string(b), "\n") {
		if fields := strings.Fields(line); i > 0 && len(fields) > 0 {
			out = append(out, unescape(fields[0]))
		}
	}
	return out, nil
}
