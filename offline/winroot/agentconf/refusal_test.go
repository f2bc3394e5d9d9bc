package agentconf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		file, in, want, hint string
	}{
		"plugin missing": {
			"ec2config", "<a/>", "cannot use Config.xml: no plugin Ec2SetPassword in it",
			"EC2Config sets no password without that plugin",
		},
		"not JSON": {
			"launchconfig", "{", "cannot use LaunchConfig.json: not a JSON object",
			"takes its defaults in place of a file that it cannot read: a random password",
		},
		"repeated key": {
			"launchconfig", "{\"a\x1b\": 1}", "cannot use LaunchConfig.json: not a JSON object", "",
		},
		"repeated odd key": {
			"launchconfig", "{\"\\u001b[1m\": 1,\n\"\\u001B[1M\": 2}", `cannot use LaunchConfig.json: line 2: the key \x1b[1M stands twice, if only in another case`,
			"remove one of the two",
		},
		"absent task": {
			"agentconfig", "config: []", "cannot use agent-config.yml: no task setAdminAccount in it: the agent sets no password",
			"allow the task to be added",
		},
		"tab": {
			"agentconfig", "config:\n- stage: preReady\n\ttasks:\n", "cannot use agent-config.yml: line 3: indented with a tab, which YAML does not allow",
			"put spaces in place of the tab",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := editors[tt.file]([]byte(tt.in), false)
			var r *Refusal
			if !errors.As(err, &r) || r.Error() != tt.want || !strings.Contains(r.Hint, tt.hint) {
				t.Errorf("%v, hint %q", err, r.Hint)
			}
		})
	}
}

// TestErrorsTellNoSecret has a password where the parsers' own messages quote the file.
func TestErrorsTellNoSecret(t *testing.T) {
	for _, in := range []string{
		"password: *hunter2", "password: &hunter2 &x y", "password: !hunter2!x y", `password: "\hunter2"`, "password: @hunter2", "password: [hunter2", "%hunter2\n",
		"data: hunter2\ndata: hunter2", "password:\n\thunter2", "- password: `hunter2", "x: hunter2: hunter2", "hunter2", "<<: hunter2", "? hunter2",
		`{"adminPassword": hunter2}`, `{"adminPassword": "hunter2}`, `{"adminPassword": "\hunter2"}`, `{"adminPassword": "hunter2"} hunter2`,
		`{"adminPasswordType": ["hunter2"], "adminPassword": "hunter2"}`, `{"adminPassword": "hunter2", "ADMINPASSWORD": "hunter2"}`,
		"<a>&hunter2;</a>", "<hunter2></a>", "<a hunter2></a>", "<a>hunter2", "<a/>hunter2", "<!DOCTYPE hunter2>", "<?xml version='hunter2'?>", "<?xml version='1.0' encoding='hunter2'?><a>",
	} {
		for name, edit := range editors {
			edited, err := edit([]byte(in), true)
			if told := fmt.Sprintf("%v %+v", err, edited.Notes); strings.Contains(told, "hunter2") {
				t.Errorf("%s: %q: %s", name, in, told)
			}
		}
		if tasks, err := AgentTasks([]byte(in)); strings.Contains(fmt.Sprint(tasks, err), "hunter2") {
			t.Errorf("%q: %v %v", in, tasks, err)
		}
		for _, agent := range []Agent{EC2Config, EC2LaunchV1, EC2LaunchV2} {
			if u := ReadUserData(agent, true, []byte("tasks: "+in)); strings.Contains(fmt.Sprint(u), "hunter2") {
				t.Errorf("%s: %q: %v", agent, in, u)
			}
		}
	}
}
