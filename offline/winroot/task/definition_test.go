package task_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seed-77750964/regain/offline/winroot/task"
)

func TestParse(t *testing.T) {
	boot := []task.Trigger{{Kind: "BootTrigger", Enabled: true}}
	exec := []task.Action{{Kind: "Exec", Command: "cmd.exe", Arguments: arguments}}
	for name, tt := range map[string]struct {
		file []byte
		want task.Definition
	}{
		"disabled":       {wide(sample(disabled)), task.Definition{Enabled: false, Stated: true, Triggers: boot, Actions: exec}},
		"enabled":        {wide(sample(enabled)), task.Definition{Enabled: true, Stated: true, Triggers: boot, Actions: exec}},
		"not said":       {wide(sample("")), task.Definition{Enabled: true, Triggers: boot, Actions: exec}},
		"UTF-8":          {[]byte(sample(disabled)), task.Definition{Enabled: false, Stated: true, Triggers: boot, Actions: exec}},
		"UTF-8 with BOM": {[]byte("\ufeff" + sample(disabled)), task.Definition{Enabled: false, Stated: true, Triggers: boot, Actions: exec}},
		"by number":      {wide(sample("<Enabled> 0 </Enabled>")), task.Definition{Enabled: false, Stated: true, Triggers: boot, Actions: exec}},
		"boot trigger off": {
			wide(strings.Replace(sample(disabled), "<Enabled>true", "<Enabled>false", 1)),
			task.Definition{Stated: true, Triggers: []task.Trigger{{Kind: "BootTrigger"}}, Actions: exec},
		},
		"another kind of trigger": {
			wide(strings.ReplaceAll(sample(disabled), "BootTrigger", "LogonTrigger")),
			task.Definition{Stated: true, Triggers: []task.Trigger{{Kind: "LogonTrigger", Enabled: true}}, Actions: exec},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := task.Parse(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(task.Definition{})); diff != "" {
				t.Error(diff)
			}
			if !got.InitializesInstance() {
				t.Error("it does not initialize the instance")
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"empty":               {nil, "no element"},
		"not a task":          {[]byte("<a/>"), "not of a task"},
		"8-bit":               {[]byte(strings.Replace(sample(disabled), "Author", "Aut\xe9ur", 1)), "neither UTF-16"},
		"broken UTF-16":       {append(wide(sample(disabled)), 0x00, 0xD8), "broken UTF-16"},
		"odd UTF-16":          {append(wide(sample(disabled)), 0x20), "broken UTF-16"},
		"DTD":                 {wide(strings.Replace(sample(disabled), "<Task ", `<!DOCTYPE Task [<!ENTITY e "true">]><Task `, 1)), "document type"},
		"entity":              {wide(sample("<Enabled>&e;</Enabled>")), "entity"},
		"comment in the word": {wide(sample("<Enabled>fa<!-- -->lse</Enabled>")), "neither true nor false"},
		"element in the word": {wide(sample("<Enabled><Enabled>false</Enabled></Enabled>")), "neither true nor false"},
		"no word":             {wide(sample("<Enabled/>")), "neither true nor false"},
		"escaped word":        {wide(sample("<Enabled>fals&#101;</Enabled>")), "neither true nor false"},
		"twice":               {wide(sample(disabled + disabled)), "twice"},
		"settings twice":      {wide(strings.Replace(sample(disabled), "<Actions", "<Settings><Enabled>true</Enabled></Settings><Actions", 1)), "settings twice"},
		"cut off":             {wide(sample(disabled)[:700]), "unexpected EOF"},
		"second root":         {wide(sample(disabled) + `<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"/>`), "not one Task"},
		"deep":                {wide(`<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">` + strings.Repeat("<a>", 40)), "more elements"},
		"wide":                {wide(`<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">` + strings.Repeat("<a/>", 5000)), "more elements"},
		"large":               {make([]byte, 1<<20+1), "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := task.Parse(tt.file)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
			if _, err := task.Enable(tt.file); err == nil {
				t.Error("enabled all the same")
			}
		})
	}
}

func TestEnable(t *testing.T) {
	for name, tt := range map[string]struct{ file, want []byte }{
		"disabled":  {wide(sample(disabled)), wide(sample(enabled))},
		"by number": {wide(sample("<Enabled> 0</Enabled>")), wide(sample("<Enabled> true</Enabled>"))},
		"UTF-8":     {[]byte("\ufeff" + sample(disabled)), []byte("\ufeff" + sample(enabled))},
		"no mark":   {wide(sample(disabled))[2:], wide(sample(enabled))[2:]},
		"already":   {wide(sample(enabled)), wide(sample(enabled))},
		"not said":  {wide(sample("")), wide(sample(""))},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := task.Enable(tt.file)
			if err != nil || !bytes.Equal(got, tt.want) {
				t.Errorf("the file is now\n%s\n%v", got, err)
			}
		})
	}
}

// TestEnableChangesOneWord puts any text around the word, and finds it again.
func TestEnableChangesOneWord(t *testing.T) {
	safe := rapid.StringMatching(`[^<>&\x00-\x1f\x7f-\x9f\x{d800}-\x{dfff}\x{fffd}-\x{ffff}]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		comment := strings.ReplaceAll(safe.Draw(t, "comment"), "-", "")
		description := "<Description>" + safe.Draw(t, "description") + "</Description>"
		build := func(word string) []byte {
			s := sample("<!--" + comment + "-->" + "<Enabled>\r\n\t" + word + " </Enabled>")
			return wide(strings.Replace(s, "<URI>", description+"<URI>", 1))
		}
		got, err := task.Enable(build("false"))
		if err != nil || !bytes.Equal(got, build("true")) {
			t.Fatalf("the file is now\n%s\n%v", got, err)
		}
		if again, err := task.Enable(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("a second edit is no no-op: %v", err)
		}
	})
}

func FuzzEnable(f *testing.F) {
	for _, state := range []string{disabled, enabled, ""} {
		f.Add(wide(sample(state)))
		f.Add([]byte(sample(state)))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		after, err := task.Enable(file)
		if err != nil {
			return
		}
		d, err := task.Parse(after)
		if err != nil || !d.Enabled {
			t.Errorf("after the edit: %+v, %v", d, err)
		}
		if len(after) > len(file)+6 || len(after) < len(file)-4 {
			t.Errorf("%d bytes became %d", len(file), len(after))
		}
	})
}
