package agentconf

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// dress is a random encoding and line end.
func dress(t *rapid.T) func(string) []byte {
	names := []string{"utf-8", "utf-8 bom", "utf-16le", "utf-16be"}
	encode := encodings[rapid.SampledFrom(names).Draw(t, "encoding")]
	end := lineEnds[rapid.SampledFrom(slices.Sorted(maps.Keys(lineEnds))).Draw(t, "line ends")]
	return func(s string) []byte { return encode(end(s)) }
}

// wantSplice says that the files differ in one place only, and there by part of the
// old and of the new token.
func wantSplice(t *rapid.T, edit Edit, old, now []byte) {
	t.Helper()
	a, b := edit.Before, edit.After
	from := 0
	for from < min(len(a), len(b)) && a[from] == b[from] {
		from++
	}
	end := 0
	for end < min(len(a), len(b))-from && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	if !bytes.Contains(old, a[from:len(a)-end]) || !bytes.Contains(now, b[from:len(b)-end]) {
		t.Fatalf("%q became %q", a[from:len(a)-end], b[from:len(b)-end])
	}
	if len(b)-len(a) != len(now)-len(old) {
		t.Fatalf("%d bytes became %d", len(a), len(b))
	}
}

// plain takes the mark away, which is no part of the words of a splice.
func plain(encode func(string) []byte, s string) []byte {
	b := encode(s)
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		b = bytes.TrimPrefix(b, []byte(mark))
	}
	return b
}

// undress is the text of a file, for the parsers of the standard library.
func undress(t *rapid.T, data []byte) string {
	text, err := decode("", data)
	if err != nil {
		t.Fatal(err)
	}
	return text.s
}

var words6 = rapid.StringMatching(`[a-zé#:{},"'<&\\ \n-]{0,6}`)

type xmlPlugin struct {
	Name  string
	State string
}

type xmlSettings struct {
	XMLName xml.Name    `xml:"Ec2ConfigurationSettings"`
	Plugins []xmlPlugin `xml:"Plugins>Plugin"`
	Other   string      `xml:"GlobalSettings>Other"`
}

func TestEC2ConfigChangesOneWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := xmlSettings{XMLName: xml.Name{Local: "Ec2ConfigurationSettings"}, Other: words6.Draw(t, "other")}
		for range rapid.IntRange(0, 4).Draw(t, "plugins") {
			want.Plugins = append(want.Plugins, xmlPlugin{"x" + words6.Draw(t, "name"), words6.Draw(t, "state")})
		}
		at := rapid.IntRange(0, len(want.Plugins)).Draw(t, "at")
		want.Plugins = slices.Insert(want.Plugins, at, xmlPlugin{"Ec2SetPassword", "Disabled"})
		in, err := xml.MarshalIndent(want, "", rapid.SampledFrom([]string{"", "  ", "\t"}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		encode := dress(t)
		edit, err := EditEC2Config(encode(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + string(in)))
		if err != nil {
			t.Fatal(err)
		}
		wantSplice(t, edit, plain(encode, "Disabled"), plain(encode, "Enabled"))
		want.Plugins[at].State = "Enabled"
		var got xmlSettings
		if err := xml.Unmarshal([]byte(undress(t, edit.After)), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestLaunchConfigChangesOneValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			want["x"+strings.ToLower(words6.Draw(t, "key"))] = rapid.SampledFrom([]any{true, nil, "a,{\"}", []any{1.5, map[string]any{"b": "c"}}, map[string]any{}}).Draw(t, "value")
		}
		key := rapid.SampledFrom([]string{"adminPasswordType", "AdminPasswordType", "ADMINPASSWORDTYPE", ""}).Draw(t, "key")
		if key != "" {
			want[key] = "DoNothing"
		}
		in, err := json.MarshalIndent(want, "", rapid.SampledFrom([]string{"", " ", "    ", "\t"}).Draw(t, "indent"))
		if rapid.Bool().Draw(t, "on one line") {
			in, err = json.Marshal(want)
		}
		if err != nil {
			t.Fatal(err)
		}
		encode := dress(t)
		edit, err := EditLaunchConfig(encode(string(in)))
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			wantSplice(t, edit, plain(encode, "DoNothing"), plain(encode, "Random"))
		} else if key = "adminPasswordType"; bytes.Contains(edit.After, plain(encode, "AdminP")) {
			key = "AdminPasswordType"
		}
		want[key] = "Random"
		var got map[string]any
		if err := json.Unmarshal([]byte(undress(t, edit.After)), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if again, err := EditLaunchConfig(edit.After); err != nil || !again.Already {
			t.Fatalf("again: %v, %v", err, again.Already)
		}
	})
}

type mapping = map[string]any

// drawConfig is a random agent-config.yml, without setAdminAccount.
func drawConfig(t *rapid.T) mapping {
	var stages []any
	for _, name := range []string{"boot", "preReady", "postReady"} {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		tasks := []any{mapping{"task": "startSsm"}}
		for range rapid.IntRange(0, 3).Draw(t, "tasks") {
			tasks = append(tasks, rapid.SampledFrom([]mapping{
				{"task": "activateWindows", "inputs": mapping{"activation": mapping{"type": "amazon"}}},
				{"task": "executeScript", "inputs": []any{mapping{"frequency": "once", "content": words6.Draw(t, "script")}}},
				{"task": "x" + words6.Draw(t, "name")},
			}).Draw(t, "task"))
		}
		stages = append(stages, mapping{"stage": name, "tasks": tasks})
	}
	if len(stages) == 0 {
		stages = []any{mapping{"stage": "network", "tasks": []any{mapping{"task": "setHostName"}}}}
	}
	return mapping{"version": "1.0", "config": stages}
}

func render(t *rapid.T, config mapping) string {
	var b bytes.Buffer
	switch style := rapid.SampledFrom([]string{"json", "json line", "block", "compact"}).Draw(t, "style"); style {
	case "json":
		e := json.NewEncoder(&b)
		e.SetIndent("", rapid.SampledFrom([]string{" ", "    ", "\t"}).Draw(t, "indent"))
		_ = e.Encode(config) // into memory
	case "json line":
		_ = json.NewEncoder(&b).Encode(config)
	default:
		e := yaml.NewEncoder(&b)
		e.SetIndent(rapid.IntRange(2, 6).Draw(t, "indent"))
		if style == "compact" {
			e.CompactSeqIndent()
		}
		_ = e.Encode(config)
	}
	var back mapping
	if yaml.Unmarshal(b.Bytes(), &back) != nil || !cmp.Equal(back, config) {
		t.Skip("the library does not read what it writes")
	}
	return b.String()
}

func adminAccount(kind string) mapping {
	return mapping{"task": "setAdminAccount", "inputs": mapping{"password": mapping{"type": kind}}}
}

// preReadyOf finds the stage, or puts it first.
func preReadyOf(config mapping) mapping {
	for _, stage := range config["config"].([]any) {
		if s := stage.(mapping); s["stage"] == "preReady" {
			return s
		}
	}
	s := mapping{"stage": "preReady", "tasks": []any{}}
	config["config"] = slices.Insert(config["config"].([]any), 0, any(s))
	return s
}

func TestAgentConfigChangesOneTask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawConfig(t)
		insert := rapid.Bool().Draw(t, "insert")
		var stage mapping
		at := 0
		if !insert {
			stage = preReadyOf(want)
			at = rapid.IntRange(0, len(stage["tasks"].([]any))).Draw(t, "at")
			stage["tasks"] = slices.Insert(stage["tasks"].([]any), at, any(adminAccount("doNothing")))
		}
		encode := dress(t)
		in := encode(render(t, want))
		edit, err := EditAgentConfig(in, insert)
		if err != nil {
			t.Fatalf("%v in %s", err, undress(t, in))
		}
		if insert {
			stage = preReadyOf(want)
			stage["tasks"] = slices.Insert(stage["tasks"].([]any), 0, any(adminAccount("random")))
		} else {
			wantSplice(t, edit, plain(encode, "doNothing"), plain(encode, "random"))
			stage["tasks"].([]any)[at] = adminAccount("random")
		}
		var got mapping
		if err := yaml.Unmarshal([]byte(undress(t, edit.After)), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s\n%s", d, undress(t, edit.After))
		}
		if again, err := EditAgentConfig(edit.After, insert); err != nil || !again.Already {
			t.Fatalf("again: %v, %v", err, again.Already)
		}
	})
}
