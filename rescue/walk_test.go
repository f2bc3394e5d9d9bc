package rescue_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
)

// walk notes everything about every file of the image but its times: type,
// mode, owner, links, attributes, content.
func walk(t *testing.T, img *testdisk.Image) map[string]string {
	t.Helper()
	var files map[string]string
	err := img.View(func(root string) error {
		files = walkDir(t, root)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// private are the directories in which logins of the tests leave traces.
var private = []string{"/var/log", "/var/lib/systemd", "/run", "/dev", "/lost+found"}

func walkDir(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(p, root), "/")
		for _, skip := range private {
			if name == skip && d.IsDir() {
				return filepath.SkipDir
			}
		}
		if strings.HasPrefix(filepath.Base(p), ".bash_history") || name == "/home/admin/.cache" {
			return nil
		}
		files[name] = describe(t, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func describe(t *testing.T, p string) string {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		t.Fatal(err)
	}
	content := ""
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if strings.Contains(p, "/usr/") { // large, and no change of size or time goes unseen
			content = fmt.Sprintf("%d bytes %d.%09d", st.Size, st.Mtim.Sec, st.Mtim.Nsec)
			break
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		content = fmt.Sprintf("%d bytes %x", len(data), sha256.Sum256(data))
	case unix.S_IFLNK:
		content, _ = os.Readlink(p)
	}
	nlink := uint64(st.Nlink)
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		nlink = 0 // counts subdirectories
	}
	return fmt.Sprintf("%o %d:%d links %d %s %s", st.Mode, st.Uid, st.Gid, nlink, xattrs(t, p), content)
}

func xattrs(t *testing.T, p string) string {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, err := unix.Llistxattr(p, buf)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name := range strings.SplitSeq(strings.TrimRight(string(buf[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value := make([]byte, 1<<16)
		n, err := unix.Lgetxattr(p, name, value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s=%x", name, value[:n]))
	}
	return strings.Join(all, " ")
}

func wantSame(t *testing.T, was, is map[string]string) {
	t.Helper()
	if diff := cmp.Diff(was, is); diff != "" {
		t.Errorf("the tree is not as it was (-was +is):\n%s", diff)
	}
}

// wantOnlyChanged: every difference is a change that the report shows, and the
// other way round.
func wantOnlyChanged(t *testing.T, was, is map[string]string, report offline.Report) {
	t.Helper()
	shown := map[string]bool{}
	for _, c := range report.Changes {
		shown[c.Path] = true
		if was[c.Path] == is[c.Path] {
			t.Errorf("%s is reported as changed and is not", c.Path)
		}
	}
	for p := range is {
		if was[p] != is[p] && !shown[p] {
			t.Errorf("%s changed without being reported: %q -> %q", p, was[p], is[p])
		}
	}
	for p := range was {
		if _, there := is[p]; !there && !shown[p] {
			t.Errorf("%s vanished without being reported", p)
		}
	}
}
