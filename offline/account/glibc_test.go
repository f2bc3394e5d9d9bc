package account

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// need ends the test when a program is missing: by skipping, or by failing where CI says that nothing may be skipped.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("REGAIN_MUST_RUN") == "1" {
		t.Fatalf("%s is missing and REGAIN_MUST_RUN is set", program)
	}
	t.Skipf("%s is missing", program)
	return ""
}

// glibcScript lets the C library's own parsers read three files and prints what they see, bytes as Latin-1.
const glibcScript = `
import ctypes as c, json, sys
L = c.CDLL("libc.so.6"); P = c.POINTER; s = c.c_char_p
class Pw(c.Structure): _fields_ = [("name", s), ("pw", s), ("uid", c.c_uint32), ("gid", c.c_uint32), ("gecos", s), ("home", s), ("shell", s)]
class Gr(c.Structure): _fields_ = [("name", s), ("pw", s), ("gid", c.c_uint32), ("mem", P(s))]
class Sp(c.Structure): _fields_ = [("name", s), ("pw", s)] + [(n, c.c_long) for n in ("lst", "min", "max", "warn", "inact", "expire")] + [("flag", c.c_ulong)]
def read(path, fn, typ, show):
    L.fopen.restype = c.c_void_p; f = c.c_void_p(L.fopen(path.encode(), b"r")); g = getattr(L, fn); g.restype = P(typ); out = {}
    while True:
        p = g(f)
        if not p: return out
        out.setdefault(t(p.contents.name), show(p.contents))
def t(b): return (b or b"").decode("latin-1")
def mem(m):
    out = []
    while m[len(out)]: out.append(t(m[len(out)]))
    return out
d = sys.argv[1] + "/"
print(json.dumps({
  "passwd": read(d + "passwd", "fgetpwent", Pw, lambda p: [t(p.pw), str(p.uid), str(p.gid), t(p.gecos), t(p.home), t(p.shell)]),
  "group": read(d + "group", "fgetgrent", Gr, lambda p: [t(p.pw), str(p.gid)] + mem(p.mem)),
  "shadow": read(d + "shadow", "fgetspent", Sp, lambda p: [t(p.pw)] + [str(getattr(p, n)) for n in ("lst", "min", "max", "warn", "inact", "expire")]),
}))`

type entries map[string]map[string][]string // file, name, the other fields

func glibc(t *testing.T, files map[string]string) entries {
	t.Helper()
	python, dir := need(t, "python3"), t.TempDir()
	for _, name := range []string{"passwd", "group", "shadow"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(python, "-c", glibcScript, dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	var seen entries
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// ours lists what we accept in the same form.
func ours(db *DB) entries {
	seen := entries{"passwd": {}, "group": {}, "shadow": {}}
	for _, u := range db.users {
		seen["passwd"][latin1(u.Name)] = []string{latin1(u.Password), fmt.Sprint(u.UID), fmt.Sprint(u.GID), latin1(u.GECOS), latin1(u.Home), latin1(u.Shell)}
	}
	for _, g := range db.groups {
		row := []string{latin1(g.Password), fmt.Sprint(g.GID)}
		for _, m := range g.Members {
			row = append(row, latin1(m))
		}
		seen["group"][latin1(g.Name)] = row
	}
	for _, s := range db.shadows {
		row := []string{latin1(s.Password)}
		for _, n := range []int64{s.LastChange, s.Min, s.Max, s.Warn, s.Inactive, s.Expire} {
			row = append(row, fmt.Sprint(n))
		}
		seen["shadow"][latin1(s.Name)] = row
	}
	return seen
}

func latin1(s string) string {
	runes := make([]rune, 0, len(s))
	for _, c := range []byte(s) {
		runes = append(runes, rune(c))
	}
	return string(runes)
}

// odd are values that fields take in the hostile lines below.
var odd = []string{"", "0", "7", "1000", "0100", " 5", "5 ", "+5", "-1", "-7", "4294967294", "4294967295", "4294967296", "99999999999999999999", "2147483647", "2147483648", "x", "0x10", "1e3", "5\r", "\xe9"}

// variants returns lines with each odd value in each field but the name, with fields missing and added, and with odd ends.
// N stands for a name of its own.
func variants(line string) []string {
	var out []string
	fields := strings.Split(line, ":")
	for i := 1; i < len(fields); i++ {
		for _, v := range odd {
			changed := slices.Clone(fields)
			changed[i] = v
			out = append(out, strings.Join(changed, ":"))
		}
	}
	for i := 1; i < len(fields)+3; i++ {
		out = append(out, strings.Join(slices.Concat(fields, []string{"", "", ""})[:i], ":"))
	}
	return append(out, line, line+"\r", " "+line, "\t#"+line, "#"+line, "\v"+line, strings.Replace(line, "a,b", "a,, b,c ,", 1))
}

// TestWhateverWeAcceptGlibcReadsTheSameWay is the promise of strict reading: we may refuse more than glibc, never less, and
// we never read other values.
func TestWhateverWeAcceptGlibcReadsTheSameWay(t *testing.T) {
	files, n := map[string]string{}, 0
	for file, line := range map[string]string{"passwd": "N:x:1:1:g:/h:/s", "group": "N:x:1:a,b", "shadow": "N:!:1:2:3:4:5:6:"} {
		var b strings.Builder
		for _, v := range variants(line) {
			n++
			b.WriteString(strings.Replace(v, "N", fmt.Sprintf("n%d", n), 1) + "\n")
		}
		files[file] = b.String() + "+\n-x:::::::\n:x:1:1:g:/h:/s\n\n"
	}
	theirs := glibc(t, files)
	mine := ours(Parse([]byte(files["passwd"]), []byte(files["shadow"]), []byte(files["group"]), nil))
	accepted := 0
	for file, rows := range mine {
		for name, row := range rows {
			accepted++
			got, ok := theirs[file][name]
			if !ok {
				t.Errorf("%s: glibc refuses %s, we read %q", file, name, row)
			} else if diff := cmp.Diff(got, row); diff != "" {
				t.Errorf("%s: %s differs (-glibc +us):\n%s", file, name, diff)
			}
		}
	}
	if accepted < 60 || n < 300 {
		t.Errorf("only %d of %d lines accepted: the test has lost its subject", accepted, n)
	}
	t.Logf("%d lines, %d accepted by us", n, accepted)
}
