package linuxroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// escape writes a field as fstab(5) wants it.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(" \t\n\\#", s[i]) >= 0 {
			fmt.Fprintf(&b, `\%03o`, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func TestEscapesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringMatching(`[a-z0-9 \t\n\\#é-]{1,20}`).Draw(t, "field")
		if got := unescape(escape(want)); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestAnyFieldsComeBack(t *testing.T) {
	field := rapid.StringMatching(`[A-Za-z0-9._=:@+ \\-]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		label := strings.TrimSpace(field.Draw(t, "label")) + "x"
		point := "/" + strings.Trim(field.Draw(t, "point"), ". ") + "x"
		options := rapid.SliceOfN(rapid.SampledFrom([]string{"ro", "nofail", "subvol=@", `ctx="a,b"`, "x-systemd.automount"}), 1, 4).Draw(t, "options")
		blank := rapid.SampledFrom([]string{" ", "\t", " \t "})
		line := "LABEL=" + escape(label) + blank.Draw(t, "b1") + escape(point) + blank.Draw(t, "b2") + "ext4" + blank.Draw(t, "b3") + strings.Join(options, ",") + "\n"
		mounts, problems := parseFstab([]byte(line), "f")
		if len(problems) > 0 || len(mounts) != 1 {
			t.Fatalf("%q: %v, %v", line, mounts, problems)
		}
		if m := mounts[0]; m.Spec.Value != label || m.Point != point || !slices.Equal(m.Options, options) {
			t.Fatalf("%q: %+v", line, m)
		}
	})
}

// TestLastOptionCounts: of options given twice mount(8) takes the last.
func TestLastOptionCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"auto", "noauto", "ro"}), 1, 6).Draw(t, "options")
		want := true
		for _, w := range words {
			if w != "ro" {
				want = w == "auto"
			}
		}
		if got := (Mount{Options: words}).Automatic(); got != want {
			t.Fatalf("%q: %v", words, got)
		}
		values := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 5).Draw(t, "values")
		var m Mount
		for _, v := range values {
			m.Options = append(m.Options, fmt.Sprintf("commit=%d", v))
		}
		if got, ok := m.Option("commit"); !ok || got != fmt.Sprint(values[len(values)-1]) {
			t.Fatalf("%q: %q", m.Options, got)
		}
	})
}

// TestUnitNamesComeBack: systemd-escape(1) turns a path into a name, and we turn it back.
func TestUnitNamesAsSystemd(t *testing.T) {
	systemdEscape := program(t, "systemd-escape")
	for _, p := range []string{"/", "/home", "/srv/a-b", "/srv/a b", "/caf\u00e9/x", "/a/.hidden", "/with\\backslash", "/x:y_z.w"} {
		name := strings.TrimSuffix(strings.TrimSpace(string(output(t, nil, systemdEscape, "-p", p))), "\n")
		if got := unescapeUnit(name); got != p {
			t.Errorf("%q is unit %q, which we read as %q", p, name, got)
		}
	}
}
