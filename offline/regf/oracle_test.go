package regf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/hive"
)

// TestGeneratedTrees makes hives of any tree with hivexregedit and reads them, and
// compares with what was asked for and with what hivexregedit says is there.
func TestGeneratedTrees(t *testing.T) {
	testdisk.Need(t, "hivexregedit")
	path := filepath.Join(t.TempDir(), "HIVE")
	read := 0
	for seed := range 12 {
		want := rapid.Custom(tree).Example(seed)
		writeFile(t, path, hive.Minimal())
		hive.Merge(t, path, "HIVE", regText(want))
		got := dump(t, openFile(t, path))
		read += len(got)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" {
			t.Errorf("tree %d: what was asked for and what is read differ (-want +got):\n%s", seed, diff)
		}
		if diff := cmp.Diff(exported(t, path), got, cmp.AllowUnexported(entry{})); diff != "" {
			t.Errorf("tree %d: hivexregedit and regf differ (-hivexregedit +regf):\n%s", seed, diff)
		}
	}
	if read < 200 {
		t.Errorf("only %d keys and values were compared", read)
	}
}

// tree draws keys, each below one drawn before, and values for them. Names have
// letters of each way to store a name, and none that regedit's format has a use for.
func tree(r *rapid.T) []entry {
	name := rapid.StringMatching(`[A-Za-z0-9 ._{}-]{1,12}|[a-zäßÿ]{1,8}|[Ωжa語😀]{1,6}`)
	paths := []string{""}
	entries := []entry{{typ: -1}}
	seen := map[string]bool{}
	fresh := func(path, name string) bool {
		id := strings.ToUpper(path + "\x00" + name)
		defer func() { seen[id] = true }()
		return !seen[id] && name == strings.TrimSpace(name)
	}
	for range rapid.IntRange(0, 60).Draw(r, "keys") {
		parent, name := rapid.SampledFrom(paths).Draw(r, "parent"), name.Draw(r, "key")
		if path := parent + `\` + name; fresh(path, "") && name != "" && name == strings.TrimSpace(name) {
			paths = append(paths, path)
			entries = append(entries, entry{key: path, typ: -1})
		}
	}
	for range rapid.IntRange(0, 60).Draw(r, "values") {
		key := rapid.SampledFrom(paths).Draw(r, "of")
		name := rapid.OneOf(name, rapid.StringMatching(`[a-z"\\=]{1,6}`)).Draw(r, "value")
		if rapid.IntRange(0, 9).Draw(r, "default") == 0 {
			name = ""
		}
		if !fresh(key, "v"+name) {
			continue
		}
		data := rapid.SliceOfN(rapid.Byte(), 0, rapid.SampledFrom([]int{4, 8, 100, 3000}).Draw(r, "size")).Draw(r, "data")
		entries = append(entries, entry{key, name, int64(rapid.IntRange(0, 12).Draw(r, "type")), string(data)})
	}
	sortEntries(entries)
	return entries
}

// regText says entries in the format of regedit; keys come after their parents.
func regText(entries []entry) string {
	var out strings.Builder
	for _, e := range entries {
		switch {
		case e.typ < 0:
			fmt.Fprintf(&out, "\n[HIVE%s]\n", e.key)
		case e.name == "":
			fmt.Fprintf(&out, "@=hex(%x):%s\n", e.typ, commas(e.data))
		default:
			fmt.Fprintf(&out, "%q=hex(%x):%s\n", e.name, e.typ, commas(e.data))
		}
	}
	return out.String()
}

func commas(data string) string {
	return strings.ReplaceAll(fmt.Sprintf("% x", data), " ", ",")
}

// exported is what hivexregedit finds in the hive.
func exported(t testing.TB, path string) []entry {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "hivexregedit", "--export", "--prefix", "HIVE", path, `\`).Output()
	if err != nil {
		t.Fatal(err)
	}
	var entries []entry
	key := ""
	for _, line := range strings.Split(string(bytes.ReplaceAll(out, []byte("\r"), nil)), "\n") {
		line = utf8Line(line)
		switch {
		case strings.HasPrefix(line, "["):
			key = strings.TrimSuffix(strings.TrimPrefix(line, `[HIVE`), "]")
			key = strings.TrimSuffix(key, `\`)
			entries = append(entries, entry{key: key, typ: -1})
		case strings.HasPrefix(line, `"`) || strings.HasPrefix(line, "@"):
			entries = append(entries, exportedValue(t, key, line))
		}
	}
	sortEntries(entries)
	return entries
}

// cutName splits before the equals sign: @ or a quoted name.
func cutName(line string) (name, rest string, ok bool) {
	if rest, ok = strings.CutPrefix(line, "@="); ok {
		return "", rest, true
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '"':
			rest, ok = strings.CutPrefix(line[i+1:], "=")
			return b.String(), rest, ok
		case '\\':
			i++
		}
		if i < len(line) {
			b.WriteByte(line[i])
		}
	}
	return "", "", false
}

// utf8Line undoes what Perl does to a name without letters beyond U+00FF.
func utf8Line(line string) string {
	if utf8.ValidString(line) {
		return line
	}
	var latin1 []rune
	for _, c := range []byte(line) {
		latin1 = append(latin1, rune(c))
	}
	return string(latin1)
}

func exportedValue(t testing.TB, key, line string) entry {
	t.Helper()
	name, rest, ok := cutName(line)
	if number, is := strings.CutPrefix(rest, "dword:"); is {
		n, err := strconv.ParseUint(number, 16, 32)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return entry{key, name, 4, string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})}
	}
	kind, text, typed := strings.Cut(strings.TrimPrefix(rest, "hex("), "):")
	typ, err := strconv.ParseInt(kind, 16, 64)
	data, err2 := hex.DecodeString(strings.ReplaceAll(text, ",", ""))
	if !ok || !typed || err != nil || err2 != nil {
		t.Fatalf("cannot read %q: %v, %v", line, err, err2)
	}
	return entry{key, name, typ, string(data)}
}
