package gpo_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline/winroot/gpo"
)

const script = "regain-20261122T155300Z-3fa2c1.cmd"

func wide(s string) []byte {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// dos writes a text with Windows' line ends, and OURS for the name of the script.
func dos(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "OURS", script), "\n", "\r\n")
}

func TestAddScript(t *testing.T) {
	for name, tt := range map[string]struct{ before, after string }{
		"other sections":     {"\n[Logon]\n0CmdLine=a.bat\n0Parameters=\n", "\n[Logon]\n0CmdLine=a.bat\n0Parameters=\n\n[Startup]\n0CmdLine=OURS\n0Parameters=\n"},
		"behind others":      {"\n[Startup]\n0CmdLine=a.bat\n0Parameters=/x\n1CmdLine=b\n", "\n[Startup]\n0CmdLine=a.bat\n0Parameters=/x\n1CmdLine=b\n2CmdLine=OURS\n2Parameters=\n"},
		"before a section":   {"[startup]\n0cmdline=a\n\n\n[Shutdown]\n0CmdLine=z\n", "[startup]\n0cmdline=a\n1CmdLine=OURS\n1Parameters=\n\n\n[Shutdown]\n0CmdLine=z\n"},
		"empty section":      {"[Startup]\n\n[Shutdown]\n", "[Startup]\n0CmdLine=OURS\n0Parameters=\n\n[Shutdown]\n"},
		"no last line end":   {"[Startup]\n0CmdLine=a\n0Parameters=", "[Startup]\n0CmdLine=a\n0Parameters=\n1CmdLine=OURS\n1Parameters="},
		"no line end at all": {"[Logon]", "[Logon]\n\n[Startup]\n0CmdLine=OURS\n0Parameters="},
		"only a comment":     {"[Startup]\n;x\n", "[Startup]\n;x\n0CmdLine=OURS\n0Parameters=\n"},
		"first of two":       {"[Startup]\n0CmdLine=a\n[Startup]\n0CmdLine=b\n", "[Startup]\n0CmdLine=a\n1CmdLine=OURS\n1Parameters=\n[Startup]\n0CmdLine=b\n"},
		"foreign names":      {"[Startup]\n0CmdLine=äÿ漢.bat\n", "[Startup]\n0CmdLine=äÿ漢.bat\n1CmdLine=OURS\n1Parameters=\n"},
	} {
		for encoding, encode := range map[string]func(string) []byte{
			"8-bit":  func(s string) []byte { return []byte(dos(s)) },
			"UTF-16": func(s string) []byte { return wide(dos(s)) },
		} {
			t.Run(name+" in "+encoding, func(t *testing.T) {
				p, err := gpo.Add(gpo.Policy{Scripts: encode(tt.before)}, script)
				if err != nil || !bytes.Equal(p.Scripts, encode(tt.after)) {
					t.Fatalf("the file is now\n%q\n%v", p.Scripts, err)
				}
				again, err := gpo.Add(p, script)
				if err != nil || !bytes.Equal(again.Scripts, p.Scripts) || !bytes.Equal(again.GPT, p.GPT) {
					t.Errorf("added twice, the files are\n%q\n%q\n%v", again.Scripts, again.GPT, err)
				}
			})
		}
	}
}

func TestAddScriptKeepsBareLineFeeds(t *testing.T) {
	p, err := gpo.Add(gpo.Policy{Scripts: []byte("[Startup]\n0CmdLine=a\n")}, script)
	if want := "[Startup]\n0CmdLine=a\n1CmdLine=" + script + "\n1Parameters=\n"; err != nil || string(p.Scripts) != want {
		t.Errorf("the file is now %q, %v", p.Scripts, err)
	}
}

func TestAddMakesFiles(t *testing.T) {
	p, err := gpo.Add(gpo.Policy{}, script)
	if err != nil {
		t.Fatal(err)
	}
	if want := wide(dos("[Startup]\n0CmdLine=OURS\n0Parameters=\n")); !bytes.Equal(p.Scripts, want) {
		t.Errorf("scripts.ini is %q", p.Scripts)
	}
	want := dos("[General]\ngPCFunctionalityVersion=2\ngPCMachineExtensionNames=" + pair + "\nVersion=1\n")
	if string(p.GPT) != want {
		t.Errorf("gpt.ini is %q", p.GPT)
	}
}

func TestAddRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ scripts, want string }{
		"a gap":                 {"[Startup]\n0CmdLine=a\n2CmdLine=b\n", "gap"},
		"a gap at zero":         {"[Startup]\n1CmdLine=b\n", "gap"},
		"an empty command":      {"[Startup]\n0CmdLine=\n0Parameters=\n", "gap"},
		"parameters alone":      {"[Startup]\n0CmdLine=a\n1Parameters=x\n", "gap"},
		"UTF-16 without a mark": {"[\x00S\x00", "zero bytes"},
		"half a character":      {"\xff\xfe[\x00S", "half a character"},
		"UTF-8 with a mark":     {"\xef\xbb\xbf[Startup]\n", "byte order mark"},
		"UTF-16BE":              {"\xfe\xff\x00[", "byte order mark"},
		"a stray return":        {"[Startup]\n\r", "carriage return"},
		"too large":             {strings.Repeat("\n", 64<<10+1), "limit"},
	} {
		_, err := gpo.Add(gpo.Policy{Scripts: []byte(tt.scripts)}, script)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "a.bat", "-x.cmd", "a b.cmd", "a\n.cmd", `..\x.cmd`, "ä.cmd"} {
		if _, err := gpo.Add(gpo.Policy{}, name); err == nil {
			t.Errorf("the name %q was taken", name)
		}
	}
}

// drawINI makes files of the pieces that matter, well formed or not.
func drawINI(t *rapid.T) []byte {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"[Startup]", "[startup] ", "[General]", "[Logon]", "[", "]", "=", ";", "; x", "", " ", "\t", "\r", "é", "漢",
			"0CmdLine=a.bat", "0Parameters=", "0parameters=-x", "1CmdLine=b", "1Parameters=", "2CMDLINE=c", "00CmdLine=d", "CmdLine=e",
			"Version=7", "version = 65535", "gPCMachineExtensionNames=", "gPCFunctionalityVersion=2",
		}),
		rapid.StringMatching(`[a-z0-9=\[\]; ]{0,6}`),
	)
	end := rapid.SampledFrom([]string{"\r\n", "\r\n", "\r\n", "\n"})
	var b strings.Builder
	for _, s := range rapid.SliceOfN(piece, 0, 14).Draw(t, "lines") {
		b.WriteString(s + end.Draw(t, "end"))
	}
	text := b.String()
	if rapid.Bool().Draw(t, "no last line end") {
		text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	}
	if rapid.Bool().Draw(t, "wide") {
		return wide(text)
	}
	return []byte(text)
}

// TestAddOnlyAdds: what others have written is there, before and behind what was added, and a second time adds nothing.
func TestAddOnlyAdds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkAdded(t, drawINI(t)) })
}

type failer interface{ Fatalf(string, ...any) }

func checkAdded(t failer, before []byte) {
	p, err := gpo.Add(gpo.Policy{Scripts: before}, script)
	if err != nil || bytes.Contains(before, []byte("regain-")) {
		return
	}
	again, err := gpo.Add(p, script)
	if err != nil || !bytes.Equal(again.Scripts, p.Scripts) || !bytes.Equal(again.GPT, p.GPT) {
		t.Fatalf("added twice, %q is %q and then %q, %v", before, p.Scripts, again.Scripts, err)
	}
	same := 0
	for same < len(before) && before[same] == p.Scripts[same] {
		same++
	}
	if rest := before[same:]; len(p.Scripts) <= len(before) || !bytes.HasSuffix(p.Scripts, rest) {
		t.Fatalf("%q became %q", before, p.Scripts)
	}
}

func FuzzAdd(f *testing.F) {
	for _, s := range []string{"", "[Startup]\n0CmdLine=a\n", "\r\n[Startup]\r\n", "[Logon]"} {
		f.Add([]byte(s), []byte("[General]\r\nVersion=65535\r\n"))
		f.Add(wide(s), []byte("[General]\ngPCMachineExtensionNames="+pair))
	}
	f.Fuzz(func(t *testing.T, scripts, gpt []byte) {
		checkAdded(t, scripts)
		p, err := gpo.Add(gpo.Policy{GPT: gpt, Scripts: scripts}, script)
		if err != nil {
			return
		}
		if again, err := gpo.Add(p, script); err != nil || !bytes.Equal(again.GPT, p.GPT) {
			t.Errorf("added twice, gpt.ini %q is %q and then %q, %v", gpt, p.GPT, again.GPT, err)
		}
	})
}
