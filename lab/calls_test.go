package lab

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"

	"github.com/seed-77750964/regain/lab/wire"
)

func TestEntries(t *testing.T) {
	object := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/bucket/key", nil)
	for name, tt := range map[string]struct {
		call      *wire.Call
		resources []string
		mutating  bool
	}{
		"instances": {query("StopInstances", "InstanceId.1", "i-0123456789abcdef0", "Force", "true"), []string{"i-0123456789abcdef0"}, true},
		"attach":    {query("AttachVolume", "InstanceId", "i-0123456789abcdef0", "VolumeId", "vol-0123456789abcdef0", "Device", "/dev/sdf"), []string{"i-0123456789abcdef0", "vol-0123456789abcdef0"}, true},
		"describe":  {query("DescribeInstances", "Filter.1.Value.1", "secret"), nil, false},
		"dry run":   {query("RunInstances", "DryRun", "true"), nil, false},
		"parameter": {&wire.Call{Service: "ssm", Action: "PutParameter", JSON: []byte(`{"Name":"/a/key","Value":"secret"}`)}, []string{"/a/key"}, true},
		"command":   {&wire.Call{Service: "ssm", Action: "SendCommand", JSON: []byte(`{"InstanceIds":["i-1"],"Parameters":{"commands":["secret"]}}`)}, []string{"i-1"}, true},
		"object":    {&wire.Call{Service: "s3", Action: "PutObject", HTTP: object}, []string{"bucket/key"}, true},
		"unread":    {&wire.Call{Service: "ec2"}, nil, false},
	} {
		e := entry(tt.call, start)
		if !slices.Equal(e.Resources, tt.resources) || e.Mutating != tt.mutating {
			t.Errorf("%s: %v, %v; want %v, %v", name, e.Resources, e.Mutating, tt.resources, tt.mutating)
		}
	}
}

func TestCallLogSurvivesATornLine(t *testing.T) {
	state := t.TempDir()
	if entries, err := ReadCalls(state); err != nil || len(entries) != 0 {
		t.Errorf("without a log: %v, %v", entries, err)
	}
	add := func(id string) {
		t.Helper()
		l, err := openCalls(state)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := l.file.Close(); err != nil {
				t.Error(err)
			}
		}()
		if err := l.add(Entry{Time: start, ID: id, Outcome: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	add("a")
	data, err := os.ReadFile(callsPath(state))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(callsPath(state), append(data, data[:len(data)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	add("b")
	entries, err := ReadCalls(state)
	if err != nil || len(entries) != 2 || entries[0].ID != "a" || entries[1].ID != "b" {
		t.Errorf("got %+v, %v", entries, err)
	}
}
