package task_test

import (
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline/winroot/task"
)

func TestCheck(t *testing.T) {
	const id = "{6E7A8B90-1234-4321-ABCD-0123456789ab}"
	sound := func() task.Registration {
		file := wide(sample(disabled))
		crc, sha := sums(file)
		return task.Registration{
			Stores: task.Stores{File: file, Triggers: triggers(0x17, disarmedFlags, crc, 1), Hash: sha},
			Tree:   true, ID: id, Key: true, Path: `\Amazon EC2 Launch - Instance Initialization`,
			Actions: actions(arguments), Boot: []string{"{0}", strings.ToLower(id)},
		}
	}
	for _, tt := range []struct {
		want  string
		spoil func(*task.Registration)
	}{
		{"", func(*task.Registration) {}},
		{"task-absent", func(r *task.Registration) { r.Tree = false }},
		{"task-id-malformed", func(r *task.Registration) { r.ID = id[1:] }},
		{"task-key-missing", func(r *task.Registration) { r.Key = false }},
		{"task-path-differs", func(r *task.Registration) { r.Path = `\Other` }},
		{"task-not-at-boot", func(r *task.Registration) { r.Boot = nil }},
		{"task-action-foreign", func(r *task.Registration) { r.Actions = actions("InitializeDisks.ps1") }},
		{"task-triggers-short", func(r *task.Registration) { r.Triggers = nil }},
		{"task-triggers-version", func(r *task.Registration) { r.Triggers[0] = 0x18 }},
		{"task-boot-trigger-off", func(r *task.Registration) { r.Triggers = triggers(0x17, disarmedFlags, 0, 0) }},
		{"task-file-unreadable", func(r *task.Registration) { r.File = []byte("<") }},
		{"task-file-foreign", func(r *task.Registration) { r.File = wide(strings.Replace(sample(disabled), "Initialize", "X", 1)) }},
		{"task-file-not-at-boot", func(r *task.Registration) { r.File = wide(strings.ReplaceAll(sample(disabled), "Boot", "Logon")) }},
		{"task-path-differs task-not-at-boot", func(r *task.Registration) { r.Path, r.Boot = "x", nil }},
	} {
		r := sound()
		tt.spoil(&r)
		var codes []string
		for _, p := range r.Check() {
			codes = append(codes, p.Code)
		}
		if got := strings.Join(codes, " "); got != tt.want {
			t.Errorf("the problems are %q, want %q", got, tt.want)
		}
	}
	r := sound()
	r.File, r.Path = nil, ""
	if p := r.Check(); len(p) > 0 {
		t.Errorf("without its file: %v", p)
	}
}

func TestActions(t *testing.T) {
	for value, want := range map[string]bool{
		arguments: true,
		strings.ToUpper(arguments) + " -KEEPSCHEDULE": true,
		"-KeepSchedule": false,
		"":              false,
	} {
		if got := task.RunsScript(actions(value)); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
	if task.RunsScript([]byte("InitializeInstance.ps1")) {
		t.Error("8-bit text was taken for UTF-16")
	}
}
