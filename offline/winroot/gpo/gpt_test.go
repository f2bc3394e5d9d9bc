package gpo_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/winroot/gpo"
)

const (
	pair = "[{42B5FAAE-6536-11D2-AE5A-0000F87571E3}{40B6664F-4972-11D1-A7CA-0000F87571E3}]"

	// The registry, security and audit extensions, with their tools.
	registry = "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"
	security = "[{827D319E-6EAC-11D2-A4EA-00C04F79F83A}{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}]"
	audit    = "[{F3CCC681-B74C-4060-9F26-CD84525DCA2A}{0F3F3735-573D-9804-99E4-AB2A69BA5FD4}]"
)

func TestAddToGPT(t *testing.T) {
	file := func(extensions, version string) string {
		return "[General]\ngPCFunctionalityVersion=2\ngPCUserExtensionNames=" + registry + "\ngPCMachineExtensionNames=" + extensions + "\nVersion=" + version + "\nx=é\n"
	}
	tools := func(tools ...string) string {
		return registry + "[{42b5faae-6536-11d2-ae5a-0000f87571e3}" + strings.Join(tools, "") + "]" + audit
	}
	const ours, low, high = "{40B6664F-4972-11D1-A7CA-0000F87571E3}", "{0F6B957D-509E-11D1-A7CC-0000F87571E3}", "{40B66650-4972-11D1-A7CA-0000F87571E3}"
	for name, tt := range map[string]struct{ before, after string }{
		"in order":                  {file(registry+security+audit, "3"), file(registry+pair+security+audit, "4")},
		"first":                     {file(audit, "0"), file(pair+audit, "1")},
		"last":                      {file(registry, "1"), file(registry+pair, "2")},
		"others out of order":       {file(audit+registry+security, "1"), file(pair+audit+registry+security, "2")},
		"empty list":                {file("", "1"), file(pair, "2")},
		"there already":             {file(registry+pair, "9"), file(registry+pair, "10")},
		"there in lower case":       {file(strings.ToLower(pair), "9"), file(strings.ToLower(pair), "10")},
		"with another tool":         {file(tools(low), "9"), file(tools(low, ours), "10")},
		"before another tool":       {file(tools(low, high), "9"), file(tools(low, ours, high), "10")},
		"without a tool":            {file(tools(), "9"), file(tools(ours), "10")},
		"others without a tool":     {file("[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}]", "9"), file("[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}]"+pair, "10")},
		"user half":                 {file("", "196613"), file(pair, "196614")},
		"machine half wraps":        {file("", "262143"), file(pair, "196609")},
		"greatest":                  {file("", "4294967295"), file(pair, "4294901761")},
		"with a sign":               {file("", "-65535"), file(pair, "-65534")},
		"no list":                   {"[General]\nVersion=1\n", "[General]\nVersion=2\ngPCMachineExtensionNames=" + pair + "\n"},
		"no version":                {"[General]\n\n[x]\n", "[General]\ngPCMachineExtensionNames=" + pair + "\nVersion=1\n\n[x]\n"},
		"no section":                {"[x]\nVersion=7", "[x]\nVersion=7\n[General]\ngPCMachineExtensionNames=" + pair + "\nVersion=1"},
		"white space stays":         {"[general]\n version =  7 \ngpcmachineextensionnames= \n", "[general]\n version =  8 \ngpcmachineextensionnames=" + pair + " \n"},
		"a comment is not a key":    {"[General]\n;Version=7\nVersion=1\n", "[General]\n;Version=7\nVersion=2\ngPCMachineExtensionNames=" + pair + "\n"},
		"the same key elsewhere":    {"[x]\nVersion=7\n[General]\nVersion=1\n", "[x]\nVersion=7\n[General]\nVersion=2\ngPCMachineExtensionNames=" + pair + "\n"},
		"the second of two is dead": {"[General]\nVersion=1\nVersion=5\n", "[General]\nVersion=2\nVersion=5\ngPCMachineExtensionNames=" + pair + "\n"},
	} {
		for encoding, encode := range map[string]func(string) []byte{
			"8-bit":  func(s string) []byte { return []byte(dos(s)) },
			"UTF-16": func(s string) []byte { return wide(dos(s)) },
		} {
			t.Run(name+" in "+encoding, func(t *testing.T) {
				p, err := gpo.Add(gpo.Policy{GPT: encode(tt.before)}, script)
				if err != nil || !bytes.Equal(p.GPT, encode(tt.after)) {
					t.Fatalf("the file is now\n%q\n%v", p.GPT, err)
				}
			})
		}
	}
}

func TestAddRefusesGPT(t *testing.T) {
	for name, gpt := range map[string]string{
		"no list of extensions": "[General]\ngPCMachineExtensionNames={42B5FAAE-6536-11D2-AE5A-0000F87571E3}\n",
		"nothing in brackets":   "[General]\ngPCMachineExtensionNames=[]\n",
		"rubbish behind":        "[General]\ngPCMachineExtensionNames=" + pair + "x\n",
		"no number":             "[General]\nVersion=x\n",
		"too great a number":    "[General]\nVersion=4294967296\n",
		"UTF-8 with a mark":     "\xef\xbb\xbf[General]\n",
	} {
		if p, err := gpo.Add(gpo.Policy{GPT: []byte(gpt)}, script); err == nil {
			t.Errorf("%s: the file is now %q", name, p.GPT)
		}
	}
}

// TestAddAfterHalf adds again after a run that ended between the two files: the version must be new to Windows.
func TestAddAfterHalf(t *testing.T) {
	first, err := gpo.Add(gpo.Policy{GPT: []byte("[General]\nVersion=1\ngPCMachineExtensionNames=" + pair + "\n")}, script)
	if err != nil {
		t.Fatal(err)
	}
	second, err := gpo.Add(gpo.Policy{GPT: first.GPT}, script)
	if err != nil || !strings.Contains(string(second.GPT), "Version=3") {
		t.Errorf("gpt.ini is %q, %v", second.GPT, err)
	}
}

func TestMachineOff(t *testing.T) {
	for gpt, want := range map[string]bool{
		"":                                     false,
		"[General]\r\nVersion=1\r\n":           false,
		"[General]\r\nOptions=0\r\n":           false,
		"[General]\r\nOptions=1\r\n":           false,
		"[General]\r\nOptions=2\r\n":           true,
		"[general]\r\n options = 3\r\n":        true,
		"[Other]\r\nOptions=2\r\n":             false,
		"[General]\r\nOptions=010\r\n":         true, // ten
		"[General]\r\nOptions=two\r\n":         false,
		"\xff\xfe[":                            false,
		"[General]\r\n;Options=2\r\n":          false,
		string(wide("[General]\nOptions=2\n")): true,
	} {
		if got := gpo.MachineOff([]byte(gpt)); got != want {
			t.Errorf("%q: %v", gpt, got)
		}
	}
}
