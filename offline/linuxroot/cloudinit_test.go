package linuxroot

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is what cloud-init itself made of a set of files (testdata/cloudinit/record.py).
type recorded struct {
	Files          map[string]string
	Merged         map[string]any
	Default        string
	Users          []string
	DisableRoot    bool `json:"disable_root"`
	DeleteHostKeys bool `json:"ssh_deletekeys"`
}

func TestCloudConfigAsCloudInit(t *testing.T) {
	data, err := os.ReadFile("testdata/cloudinit/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []recorded
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 150 {
		t.Fatalf("only %d cases", len(cases))
	}
	for i, c := range cases {
		v := tree(t, c.Files)
		got, _ := ReadCloudConfig(v)
		users := slices.Sorted(slices.Values(got.Users))
		if got.DefaultUser != c.Default || !slices.Equal(users, c.Users) || got.DisableRoot != c.DisableRoot || got.DeleteHostKeys != c.DeleteHostKeys {
			t.Errorf("case %d: %+v, want %q %q %v %v\n%s", i, got, c.Default, c.Users, c.DisableRoot, c.DeleteHostKeys, show(c.Files))
		}
		r := cloudReader{v: v}
		instance := r.instance()
		merged := jsonOf(t, mergeConfigs(append(instance, r.base())...))
		if diff := cmp.Diff(jsonOf(t, c.Merged), merged); diff != "" {
			t.Errorf("case %d: merged differs (-cloud-init +ours):\n%s\n%s", i, diff, show(c.Files))
		}
	}
}

func show(files map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b.WriteString("--- " + name + "\n" + files[name])
	}
	return b.String()
}

// jsonOf makes numbers comparable.
func jsonOf(t *testing.T, value any) (out any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCloudInstanceState(t *testing.T) {
	base := map[string]string{"etc/cloud/cloud.cfg": "users: [default]\nsystem_info: {default_user: {name: ubuntu}}\n"}
	ran := with(base, map[string]string{
		"var/lib/cloud/data/instance-id":             "i-1\n",
		"var/lib/cloud/instances/i-1/sem/config_ssh": "",
		"var/lib/cloud/instance":                     "-> /var/lib/cloud/instances/i-1",
		"var/lib/cloud/instances/i-1/user-data.txt":  "#!/bin/sh\necho users: [evil]\n",
	})
	for _, c := range []struct {
		name, instance string
		files          map[string]string
		touches        string
	}{
		{"same instance", "i-1", ran, ""},
		{"other instance", "i-2", ran, `last ran as "i-1": at "i-2"`},
		{"instance not told", "", ran, "on another instance"},
		{"never ran", "i-1", base, "as the first"},
		{"semaphore removed", "i-1", with(base, map[string]string{"var/lib/cloud/data/instance-id": "i-1"}), "has not finished"},
		{"id with slash", "i-1", with(base, map[string]string{"var/lib/cloud/data/instance-id": "../../etc"}), `last ran as "../../etc"`},
		{"disabled", "i-2", with(ran, map[string]string{"etc/cloud/cloud-init.disabled": ""}), ""},
		{"masked", "i-2", with(ran, map[string]string{"etc/systemd/system/cloud-init.service": "-> /dev/null"}), ""},
		{"no cloud-init", "i-2", map[string]string{"etc/": ""}, ""},
		{"host keys kept", "i-2", with(ran, map[string]string{"etc/cloud/cloud.cfg.d/k.cfg": "ssh_deletekeys: no"}), "key; lines"},
	} {
		cfg, _ := ReadCloudConfig(tree(t, c.files))
		got := cfg.TouchesKeys(c.instance)
		if c.touches == "" && got != "" || !strings.Contains(got, c.touches) {
			t.Errorf("%s: %q, want %q in it", c.name, got, c.touches)
		}
		if c.name != "no cloud-init" && cfg.DefaultUser != "ubuntu" {
			t.Errorf("%s: default user %q", c.name, cfg.DefaultUser)
		}
	}
}

func TestCloudConfigProblems(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'm'; i++ {
		prev := string(i - 1)
		bomb += string(i) + ": &" + string(i) + " [*" + strings.Repeat(prev+",*", 8) + prev + "]\n"
	}
	for name, text := range map[string]string{
		"broken":   "users: [default\n",
		"list":     "- a\n",
		"depth":    "a: " + deep,
		"bomb":     bomb,
		"self":     "a: &a [*a]\n",
		"template": "## template: jinja\nusers: [{{ x }}]\n",
		"script":   "#!/bin/sh\n",
		"huge":     strings.Repeat("#", 2<<20),
	} {
		v := tree(t, map[string]string{
			"etc/cloud/cloud.cfg":          "users: [default]\nsystem_info: {default_user: {name: admin}}\n",
			"etc/cloud/cloud.cfg.d/90.cfg": text,
		})
		cfg, problems := ReadCloudConfig(v)
		if len(problems) != 1 || problems[0].Path != "/etc/cloud/cloud.cfg.d/90.cfg" {
			t.Errorf("%s: problems %v", name, problems)
		}
		if cfg.DefaultUser != "admin" {
			t.Errorf("%s: the rest was lost: %+v", name, cfg)
		}
	}
}

func FuzzCloudConfig(f *testing.F) {
	f.Add([]byte("#cloud-config\nusers:\n- default\n- name: x\n  <<: {a: b}\nmerge_how: list(append)+dict(recurse_list)\n"))
	f.Add([]byte("a: &a [1, *a]\nuser: {name: n}\ndisable_root: 'yes'\n"))
	f.Add([]byte("merge_how: [{name: dict, settings: [replace]}, [list, append]]\nx: !!binary aGk=\n? [k]\n: v\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := parseYAML(data)
		if err != nil {
			return
		}
		merged := mergeConfigs(values, map[string]any{"users": []any{"default"}, "deep": map[string]any{"x": "y"}})
		var c CloudConfig
		c.fill(merged, values)
		if slices.Contains(c.Users, "") {
			t.Errorf("a user without a name: %q", c.Users)
		}
	})
}
