package rescue_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/acl"
)

// node is everything about one name of a tree but its times.
type node struct {
	kind     string
	mode     uint32
	uid, gid uint32
	links    uint64
	label    string
	acl      string
	attrs    string // all other attributes
	flags    string
	data     string // content, a link's target, a device's number
}

// traces are the files that a login of the tests writes to.
var traces = []string{"/var/log/lastlog", "/var/log/wtmp", "/var/log/btmp", "/var/log/faillog", "/lost+found"}

// memory keeps what a look at a file has shown until its inode changes: ctime
// cannot be set back (inode(7)).
type memory map[string]remembered

type remembered struct {
	ino   uint64
	ctime unix.Timespec
	node
}

// survey reads a whole tree.
func survey(t *testing.T, root string) map[string]node {
	t.Helper()
	return memory{}.survey(t, root)
}

func (m memory) survey(t *testing.T, root string) map[string]node {
	t.Helper()
	nodes := map[string]node{}
	err := filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(p, root), "/")
		if !slices.Contains(traces, name) {
			nodes[name] = m.look(t, name, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func (m memory) look(t *testing.T, name, p string) node {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		t.Fatal(err)
	}
	if known := m[name]; known.ino != st.Ino || known.ctime != st.Ctim {
		m[name] = remembered{st.Ino, st.Ctim, look(t, p, st)}
	}
	return m[name].node
}

func look(t *testing.T, p string, st unix.Stat_t) node {
	t.Helper()
	n := node{mode: st.Mode & 0o7777, uid: st.Uid, gid: st.Gid, links: uint64(st.Nlink)}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		n.kind, n.flags = "file", inodeFlags(t, p)
		if strings.Contains(p, "/usr/") || st.Size > 16<<20 { // programs and ballast
			n.data = fmt.Sprintf("%d bytes of %d.%09d", st.Size, st.Mtim.Sec, st.Mtim.Nsec)
			break
		}
		var data []byte
		data, err = os.ReadFile(p)
		n.data = string(data)
	case unix.S_IFDIR:
		n.kind, n.links, n.flags = "dir", 0, inodeFlags(t, p) // links: counts subdirectories
	case unix.S_IFLNK:
		n.kind = "link"
		n.data, err = os.Readlink(p)
	default:
		n.kind, n.data = "special", fmt.Sprintf("%o %x", st.Mode, st.Rdev)
	}
	if err != nil {
		t.Fatal(err)
	}
	n.takeAttributes(t, p)
	return n
}

func (n *node) takeAttributes(t *testing.T, p string) {
	t.Helper()
	for pair := range strings.SplitSeq(xattrs(t, p), " ") {
		name, hex, _ := strings.Cut(pair, "=")
		var value []byte
		if _, err := fmt.Sscanf(hex, "%x", &value); err != nil && hex != "" {
			t.Fatal(err)
		}
		switch name {
		case "":
		case offline.XattrLabel:
			n.label = string(value)
		case offline.XattrACL:
			list, err := acl.Decode(value)
			if err != nil {
				t.Fatal(err)
			}
			n.acl = fmt.Sprint(list)
		default:
			n.attrs += pair + " "
		}
	}
}

func inodeFlags(t *testing.T, p string) string {
	t.Helper()
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return ""
	}
	return map[uint32]string{offline.FlagImmutable: "i", offline.FlagAppend: "a", offline.FlagImmutable | offline.FlagAppend: "ia"}[all&(offline.FlagImmutable|offline.FlagAppend)]
}

// differences tells in one line for each name what has become of it. block is
// what a run adds to a key file: it shows as {key}, and pub alone as {pub}.
func differences(was, is map[string]node, short *strings.Replacer) []string {
	var out []string
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, p := range slices.Sorted(maps.Keys(names)) {
		a, before := was[p]
		b, after := is[p]
		switch {
		case !after:
			out = append(out, p+": gone")
		case !before:
			out = append(out, p+": new "+b.whole(short))
		case a != b:
			out = append(out, p+": "+strings.Join(a.changes(b, short), ", "))
		}
	}
	return out
}

func (n node) whole(short *strings.Replacer) string {
	text := fmt.Sprintf("%s %04o %d:%d", n.kind, n.mode, n.uid, n.gid)
	for _, s := range []string{short.Replace(n.label), n.acl, n.attrs, n.flags} {
		if s != "" {
			text += " " + s
		}
	}
	if n.kind == "dir" {
		return text
	}
	if data := short.Replace(n.data); data == "{key}\n" {
		return text + " {key}"
	} else {
		return text + fmt.Sprintf(" %q", data)
	}
}

func (n node) changes(m node, short *strings.Replacer) []string {
	var out []string
	say := func(what, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s %s -> %s", what, a, b))
		}
	}
	say("kind", n.kind, m.kind)
	say("mode", fmt.Sprintf("%04o", n.mode), fmt.Sprintf("%04o", m.mode))
	say("owner", fmt.Sprintf("%d:%d", n.uid, n.gid), fmt.Sprintf("%d:%d", m.uid, m.gid))
	say("links", fmt.Sprint(n.links), fmt.Sprint(m.links))
	say("label", short.Replace(n.label), short.Replace(m.label))
	say("acl", n.acl, m.acl)
	say("attributes", n.attrs, m.attrs)
	say("flags", n.flags, m.flags)
	if n.data == m.data {
		return out
	}
	old, now := short.Replace(n.data), short.Replace(m.data)
	switch {
	case now == old+"{key}\n":
		return append(out, "+{key}")
	case strings.HasPrefix(now, old):
		return append(out, fmt.Sprintf("+%q", now[len(old):]))
	case strings.HasSuffix(now, old):
		return append(out, fmt.Sprintf("%q+", now[:len(now)-len(old)]))
	}
	return append(out, fmt.Sprintf("%q -> %q", old, now))
}
