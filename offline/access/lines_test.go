package access

import (
	"slices"
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/sshkey"
)

const (
	one = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f one@example"
	two = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/ two@example"
)

func public(t testing.TB, text string) sshkey.Public {
	t.Helper()
	key, err := sshkey.ParsePublicInput([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAddKey(t *testing.T) {
	expiry := []sshkey.Option{{Name: "expiry-time", Value: []byte("20400101"), HasValue: true}}
	for _, c := range []struct {
		name, old string
		first     bool
		options   []sshkey.Option
		want      string
	}{
		{"empty", "", false, nil, "# regain run r\n" + one + "\n"},
		{"after a line", two + "\n", false, nil, two + "\n# regain run r\n" + one + "\n"},
		{"after a line without its end", two, false, nil, two + "\n# regain run r\n" + one + "\n"},
		{"CRLF", two + "\r\n", false, nil, two + "\r\n# regain run r\r\n" + one + "\r\n"},
		{"first", two, true, nil, "# regain run r\n" + one + "\n" + two},
		{"first of none", "", true, nil, "# regain run r\n" + one + "\n"},
		{"with an option", "", false, expiry, "# regain run r\nexpiry-time=\"20400101\" " + one + "\n"},
		{"bytes of any kind", "\xff\x00\n", false, nil, "\xff\x00\n# regain run r\n" + one + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := addKey([]byte(c.old), Wish{Key: public(t, one), Options: c.options, Run: "r"}, c.first)
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestWithoutPrevious(t *testing.T) {
	for name, c := range map[string]struct {
		data, want string
		runs       []string
	}{
		"none":                   {two + "\n", two + "\n", nil},
		"one":                    {"# regain run a\n" + two + "\n", "", []string{"a"}},
		"the kept one":           {"# regain run a\n" + one + "\n", "# regain run a\n" + one + "\n", []string{"a"}},
		"between others":         {two + "\n# regain run a\n" + two + "\n# end\n", two + "\n# end\n", []string{"a"}},
		"two":                    {"# regain run a\n" + two + "\n# regain run b\n" + two + "\n", "", []string{"a", "b"}},
		"with options":           {"# regain run a\nexpiry-time=\"20200101\" " + two + "\n", "", []string{"a"}},
		"CRLF":                   {"# regain run a\r\n" + two + "\r\n" + one + "\r\n", one + "\r\n", []string{"a"}},
		"without the last end":   {"# regain run a\n" + two, "", []string{"a"}},
		"a marker alone":         {"# regain run a\n", "# regain run a\n", nil},
		"a line between":         {"# regain run a\n\n" + two + "\n", "# regain run a\n\n" + two + "\n", nil},
		"a marker without a run": {"# regain run \n" + two + "\n", "# regain run \n" + two + "\n", nil},
		"a sentence":             {"# regain run by hand\n" + two + "\n", "# regain run by hand\n" + two + "\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var runs []string
			for _, p := range previousIn("/f", []byte(c.data)) {
				runs = append(runs, p.Run)
			}
			if !slices.Equal(runs, c.runs) {
				t.Errorf("runs %q, want %q", runs, c.runs)
			}
			if got := string(withoutPrevious([]byte(c.data), public(t, one))); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestPlainName(t *testing.T) {
	for name, want := range map[string]bool{
		"admin": true, "ec2-user": true, "a.b_c": true, "X9": true,
		"": false, "a b": false, "a*": false, "!a": false, "a,b": false, "a\"": false, "j\xf6rg": false, "a/b": false, "a@b": false, "a#": false,
	} {
		if got := plainName(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

func TestOwns(t *testing.T) {
	for _, c := range []struct {
		home, path string
		want       bool
	}{
		{"/home/a", "/home/a", true}, {"/home/a", "/home/a/.ssh/x", true}, {"/home/a", "/home/ab", false},
		{"/home/a", "/home", false}, {"/home/a", "/", false}, {"", "/home/a", false}, {"", "/", false},
	} {
		if got := (owner{home: c.home}).owns(c.path); got != c.want {
			t.Errorf("%q owns %q: %t", c.home, c.path, got)
		}
	}
}

func TestOwnTakesNoPrivileges(t *testing.T) {
	f := editable{&offline.File{Mode: 0o6755, UID: 7, GID: 7}}
	f.own(7, 8)
	if f.Mode != 0o6755 || f.GID != 7 {
		t.Errorf("the owner's own file was changed: %o %d", f.Mode, f.GID)
	}
	f.own(8, 9)
	if f.Mode != 0o755 || f.UID != 8 || f.GID != 9 {
		t.Errorf("%o %d:%d", f.Mode, f.UID, f.GID)
	}
}

// FuzzWithoutPrevious: what no run has marked is never lost.
func FuzzWithoutPrevious(f *testing.F) {
	f.Add([]byte("# regain run a\n"+two+"\n"), []byte(one+"\n"))
	f.Add([]byte("# regain run a"), []byte(two))
	f.Add([]byte("\xff\r\n# regain run a\r\n"+two), []byte("\n"))
	key := public(f, one)
	f.Fuzz(func(t *testing.T, before, after []byte) {
		data := slices.Concat(before, []byte("\n# regain run x\n"+two+"\n"), after)
		got := withoutPrevious(data, key)
		if len(got) > len(data)-len(two) {
			t.Fatalf("the marked key stays: %q", got)
		}
		if len(previousIn("", before)) == 0 && len(previousIn("", after)) == 0 && string(got) != string(slices.Concat(before, []byte("\n"), after)) {
			t.Fatalf("got %q of %q", got, data)
		}
	})
}
