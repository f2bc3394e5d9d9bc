package agentconf

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// seed adds the scenarios of some directories, in each encoding.
func seed(f *testing.F, add func([]byte), dirs ...string) {
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
		if err != nil || len(files) == 0 {
			f.Fatal(dir, err)
		}
		for _, file := range files {
			s := readScenario(f, file)
			for _, encode := range encodings {
				add(encode(s.in))
			}
		}
	}
}

// checkEdit holds for any bytes: a refusal with a code, or an edit that leaves a file
// which needs no other, and which parse still reads.
func checkEdit(t *testing.T, data []byte, insert bool, edit editor, parse func(string) error) {
	before := bytes.Clone(data)
	got, err := edit(data, insert)
	if !bytes.Equal(data, before) {
		t.Fatal("the input was written to")
	}
	if err != nil {
		if r := (*Refusal)(nil); !errors.As(err, &r) || r.Code == "" || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
			t.Fatalf("%q", err)
		}
		return
	}
	if got.Already != bytes.Equal(got.Before, got.After) {
		t.Fatalf("already %v, but %q became %q", got.Already, got.Before, got.After)
	}
	text, err := decode("", got.After)
	if err != nil {
		t.Fatal(err)
	}
	if err := parse(text.s); err != nil {
		t.Fatalf("%v: %q", err, text.s)
	}
	again, err := edit(got.After, false)
	if err != nil || !again.Already || !bytes.Equal(again.After, got.After) {
		t.Fatalf("again: %v, already %v", err, again.Already)
	}
}

func FuzzEC2Config(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) }, "ec2config")
	f.Fuzz(func(t *testing.T, data []byte) {
		checkEdit(t, data, false, editors["ec2config"], func(s string) error {
			d := xml.NewDecoder(strings.NewReader(s))
			d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
			var v xmlSettings
			if err := d.Decode(&v); err != nil {
				return err
			}
			for _, p := range v.Plugins {
				if strings.EqualFold(strings.TrimSpace(p.State), "Enabled") {
					return nil
				}
			}
			return errors.New("no plugin is enabled")
		})
		Mask(EC2Config, data)
	})
}

func FuzzLaunchConfig(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) }, "launchconfig")
	f.Fuzz(func(t *testing.T, data []byte) {
		checkEdit(t, data, false, editors["launchconfig"], func(s string) error {
			var v struct{ AdminPasswordType string } // names match without case
			err := json.Unmarshal([]byte(s), &v)
			if err == nil && !strings.EqualFold(v.AdminPasswordType, "Random") {
				err = errors.New(v.AdminPasswordType)
			}
			return err
		})
		Mask(EC2LaunchV1, data)
	})
}

func FuzzAgentConfig(f *testing.F) {
	for _, insert := range []bool{false, true} {
		seed(f, func(b []byte) { f.Add(b, insert) }, "agentconfig")
	}
	f.Fuzz(func(t *testing.T, data []byte, insert bool) {
		checkEdit(t, data, insert, EditAgentConfig, func(s string) error {
			var n yaml.Node
			return yaml.Unmarshal([]byte(asYAML(s)), &n)
		})
		_, _ = AgentTasks(data) // must come back
	})
}

func FuzzUserData(f *testing.F) {
	seed(f, func(b []byte) { f.Add(b) }, "agentconfig")
	f.Add([]byte("<powershell>sysprep.exe</powershell><script>x</script><persist>true</persist>"))
	f.Add([]byte(tasksFile))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, agent := range []Agent{EC2Config, EC2LaunchV1, EC2LaunchV2} {
			u := ReadUserData(agent, true, data)
			if text, err := decode("", data); err == nil && len(data) <= maxUserData && callsSysprep(text.s) && !u.Sysprep {
				t.Fatal("sysprep overlooked")
			}
		}
	})
}

// FuzzMask puts foreign text around a password: it is not shown, whatever stands there.
func FuzzMask(f *testing.F) {
	f.Add("x: ", "\ny: 1\n", false)
	f.Add("{", "}", true)
	f.Add("# x\nlist:\n- ", "\n- 1", false)
	f.Add("{\"a\": [{", ",\"b\": 1}]}", true)
	f.Fuzz(func(t *testing.T, before, after string, isJSON bool) {
		member := "\npassword: hunter2hunter2"
		if isJSON {
			member = `"adminPassword": "hunter2hunter2"`
		}
		file := before + member + after
		var v any
		if yaml.Unmarshal([]byte(file), &v) != nil || !isSecretValue(v) {
			return // the text around makes something else of it
		}
		if got := Mask(EC2LaunchV2, []byte(file)); strings.Contains(got, "hunter2hunter2") {
			t.Fatalf("%q shows %q", file, got)
		}
	})
}

// isSecretValue says whether the password still is all of a password's value.
func isSecretValue(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if s, ok := value.(string); ok && (key == "password" || key == "adminPassword") && strings.HasPrefix(s, "hunter2hunter2") {
				return true
			}
			if isSecretValue(value) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if isSecretValue(item) {
				return true
			}
		}
	}
	return false
}
