package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-77750964/regain/agent/key"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/access"
)

// rescueTask is a task that is fine; each case spoils it.
func rescueTask(spoil func(*offline.Task)) offline.Task {
	t := offline.Task{Command: Rescue, Run: "run-1", Image: "disk.raw", Store: "file:key"}
	spoil(&t)
	return t
}

func TestTasksThatCannotBeMeant(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*offline.Task)
		want  string
	}{
		"no command":        {func(t *offline.Task) { t.Command = "" }, `no command ""`},
		"unknown command":   {func(t *offline.Task) { t.Command = "cure" }, `no command "cure"`},
		"no source":         {func(t *offline.Task) { t.Image = "" }, "no source"},
		"two sources":       {func(t *offline.Task) { t.Device = "/dev/sdb" }, "--device and --image"},
		"wait for an image": {func(t *offline.Task) { t.Wait = time.Second }, "--wait"},
		"negative wait":     {func(t *offline.Task) { t.Image, t.Volume, t.Wait = "", "vol-0", -1 }, "--wait"},
		"instance":          {func(t *offline.Task) { t.Instance = "i-0/../../key" }, "not the id of an instance"},
		"user":              {func(t *offline.Task) { t.Users = []string{""} }, "needs a name"},
		"user twice":        {func(t *offline.Task) { t.Users = []string{"a", "b", "a"} }, "given twice"},
		"expired":           {func(t *offline.Task) { t.Expires = -time.Hour }, "future"},
		"run":               {func(t *offline.Task) { t.Run = "a/b" }, "not the id of a run"},
		"undo without run":  {func(t *offline.Task) { t.Command, t.Run = Undo, "" }, "--run is missing"},
		"repair":            {func(t *offline.Task) { t.Repair = "all,none" }, `"all"`},
		"key type":          {func(t *offline.Task) { t.KeyType = "dsa" }, "type of key"},
		"key and store":     {func(t *offline.Task) { t.PublicKey = someKey }, "exclude each other"},
		"accept":            {func(t *offline.Task) { t.Accept = "windows/hibernated" }, `--accept knows no "windows/hibernated"`},
		"agent":             {func(t *offline.Task) { t.WindowsAgent = "ec2launch" }, `no launch agent "ec2launch"`},
		"fallback key":      {func(t *offline.Task) { t.WindowsFallback = someKey }, "must be RSA"},
		"two ways":          {func(t *offline.Task) { t.WindowsFallback, t.WindowsAgent = "k", "ec2config" }, "exclude each other"},
		"ssm, no instance":  {func(t *offline.Task) { t.Store = "ssm" }, "give --instance"},
		"KMS key of a file": {func(t *offline.Task) { t.KMSKey = "k" }, "goes to a file"},
		"bad public key":    {func(t *offline.Task) { t.Store, t.PublicKey = "", "x" }, "cannot use public key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check(rescueTask(tt.spoil))
			var usage *UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a usage error with %q", err, tt.want)
			}
		})
	}
}

func TestTasksThatAreFine(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(*offline.Task)
		want key.Choice
	}{
		"file":             {func(*offline.Task) {}, key.Choice{File: "key"}},
		"default store":    {func(t *offline.Task) { t.Store, t.Instance = "", "i-0abc" }, key.Choice{Parameter: "/ec2rl/openssh/i-0abc/key"}},
		"named parameter":  {func(t *offline.Task) { t.Store, t.KMSKey = "ssm:/mine", "k" }, key.Choice{Parameter: "/mine"}},
		"key of one's own": {func(t *offline.Task) { t.Store, t.PublicKey, t.KeyType = "", someKey, "auto" }, key.Choice{}},
		"dry run":          {func(t *offline.Task) { t.Store, t.DryRun = "", true }, key.Choice{}},
		"inspect":          {func(t *offline.Task) { t.Store, t.Command = "", Inspect }, key.Choice{}},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := check(rescueTask(tt.make))
			if err != nil || j.choice != tt.want || j.task.StateDir != DefaultStateDir {
				t.Errorf("got %+v, %v, want store %+v", j, err, tt.want)
			}
		})
	}
}

func TestParseRepair(t *testing.T) {
	for text, want := range map[string]access.Repair{
		"": {}, "none": {None: true}, "all": {Fallback: true}, KeyFallback: {Fallback: true}, KeyFallback + ", " + KeyFallback: {Fallback: true},
	} {
		if got, _, err := ParseRepair(text); err != nil || got != want {
			t.Errorf("%q = %+v, %v", text, got, err)
		}
	}
	_, _, err := ParseRepair(KeyFallback + ",linux/other")
	var usage *UsageError
	if !errors.As(err, &usage) || !strings.Contains(usage.Hint, KeyFallback) {
		t.Errorf("an unknown id gives %v", err)
	}
}

func TestInside(t *testing.T) {
	dir := t.TempDir()
	patient, outside := filepath.Join(dir, "patient"), filepath.Join(dir, "patient-state")
	for _, d := range []string{patient, outside} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(patient, link); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, p := range []string{patient, patient + "/a/b", outside, outside + "/../patient/x", link + "/new/dir", dir, "/"} {
		got[strings.TrimPrefix(p, dir)] = inside(p, patient)
	}
	want := map[string]bool{
		"/patient": true, "/patient/a/b": true, "/patient-state": false, "/patient-state/../patient/x": true, "/link/new/dir": true, "": false, "/": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// One volume has one name, from wherever it is named.
func TestNamesAreSettled(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "disk.raw"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("disk.raw", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, name := range []string{"disk.raw", "./disk.raw", "link", filepath.Join(dir, "link")} {
		j, err := check(offline.Task{Command: Inspect, Run: "r", Image: name})
		if want := filepath.Join(dir, "disk.raw"); err != nil || j.task.Image != want {
			t.Errorf("%s is %s, %v, want %s", name, j.task.Image, err, want)
		}
	}
}
