package linuxroot

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCompareVersionsIsAnOrder(t *testing.T) {
	version := rapid.StringMatching(`[a-c0-9.-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := version.Draw(t, "a"), version.Draw(t, "b"), version.Draw(t, "c")
		ab, ba, bc, ac := compareVersions(a, b), compareVersions(b, a), compareVersions(b, c), compareVersions(a, c)
		if (ab < 0) != (ba > 0) || (ab == 0) != (ba == 0) {
			t.Fatalf("%q, %q: %d and %d", a, b, ab, ba)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Fatalf("%q <= %q <= %q, and yet %d", a, b, c, ac)
		}
	})
}

func TestArgumentsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.StringMatching(`[a-z.=/,@ -]{0,8}[a-z]`), 0, 6).Draw(t, "arguments")
		var b strings.Builder
		for _, arg := range want {
			fmt.Fprintf(&b, "%q ", arg)
		}
		if got := splitArgs(b.String()); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

// TestMenuPaths: an entry is found by its position and by its title, however
// the menu is nested.
func TestMenuPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cfg strings.Builder
		var numbers, titles []string // of each entry
		for i := range rapid.IntRange(1, 5).Draw(t, "items") {
			if !rapid.Bool().Draw(t, "submenu") {
				fmt.Fprintf(&cfg, "menuentry 'e%d' {\nlinux /k n=%d\n}\n", i, len(numbers))
				numbers, titles = append(numbers, fmt.Sprint(i)), append(titles, fmt.Sprintf("e%d", i))
				continue
			}
			fmt.Fprintf(&cfg, "submenu 'm%d' {\n", i)
			for j := range rapid.IntRange(1, 3).Draw(t, "inner") {
				fmt.Fprintf(&cfg, "  menuentry \"same\" {\n  linux /k n=%d\n  }\n", len(numbers))
				numbers, titles = append(numbers, fmt.Sprintf("%d>%d", i, j)), append(titles, "")
			}
			cfg.WriteString("}\n")
		}
		n := rapid.IntRange(0, len(numbers)-1).Draw(t, "default")
		for _, want := range []string{numbers[n], titles[n]} {
			entries := parseGrub([]byte(cfg.String()), "f", nil)
			markGrub(entries, want)
			i := slices.IndexFunc(entries, func(e Entry) bool { return e.Default })
			if want != "" && entries[i].Args[0] != fmt.Sprintf("n=%d", n) {
				t.Fatalf("%q is %+v, want number %d of\n%s", want, entries[i], n, cfg.String())
			}
		}
	})
}

func TestBootEntries(t *testing.T) {
	entries, problems := BootEntries(tree(t, map[string]string{"boot/grub/grub.cfg": ubuntuGrub}))
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %s %q %v", e.Title, e.Kernel, e.Initrd, e.Default))
	}
	want := []string{
		`Ubuntu /boot/vmlinuz-6.8 ["/boot/initrd.img-6.8"] true`,
		`Advanced options for Ubuntu>Ubuntu, with Linux 6.8 /boot/vmlinuz-6.8 [] false`,
		`Advanced options for Ubuntu>Ubuntu, with Linux 6.5 (recovery mode) /boot/vmlinuz-6.5 [] false`,
	}
	if !slices.Equal(got, want) || len(problems) > 0 {
		t.Errorf("%q, %v", got, problems)
	}
	entries, _ = BootEntries(tree(t, blsTree))
	if len(entries) != 2 || entries[0].ID != "aa-5.14.0-427.el9" || !slices.Equal(entries[1].Initrd, []string{"/initramfs-70.img"}) {
		t.Errorf("%+v", entries)
	}
}

func TestExpand(t *testing.T) {
	vars := map[string]string{"a": "1", "bc": "$a", "long": strings.Repeat("x", maxCommandLine)}
	for text, want := range map[string]string{
		"": "", "no": "no", "$a": "1", "${a}b": "1b", "$ab": "", "$bc": "$a", "x$a-$a.": "x1-1.", "${a": "1", "$": "", "$long$a": vars["long"],
	} {
		if got := expand(text, vars); got != want {
			t.Errorf("%q: %.40q, want %.40q", text, got, want)
		}
	}
}
