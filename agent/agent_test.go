package agent

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/journal"
)

var noon = time.Date(2026, 11, 22, 15, 53, 0, 0, time.FixedZone("CET", 3600))

func TestNewRun(t *testing.T) {
	id, err := NewRun(noon, bytes.NewReader([]byte{0x3f, 0xa2, 0xc1}))
	if id != "20261122T145300Z-3fa2c1" || err != nil || journal.CheckID(id) != nil {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := NewRun(noon, strings.NewReader("")); err == nil {
		t.Error("a run without randomness")
	}
}

// Whatever goes wrong, the report is complete and names the reason.
func TestEveryEndHasAReport(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone.raw")
	wrapped := filepath.Join(dir, "disk.qcow2")
	if err := os.WriteFile(wrapped, append([]byte("QFI\xfb\x00\x00\x00\x03"), make([]byte, 4096)...), 0o600); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, tt := range map[string]struct {
		ctx     context.Context
		task    offline.Task
		outcome offline.Outcome
		code    string
	}{
		"usage":       {context.Background(), offline.Task{Command: Inspect}, offline.Refused, "usage"},
		"no image":    {context.Background(), offline.Task{Command: Inspect, Image: gone}, offline.Refused, "no-source"},
		"no store":    {context.Background(), offline.Task{Command: Rescue, Image: gone, StateDir: dir}, offline.Refused, "usage"},
		"not raw":     {context.Background(), offline.Task{Command: Rescue, Image: wrapped, StateDir: dir}, offline.Refused, "source"},
		"no volume":   {context.Background(), offline.Task{Command: Inspect, Volume: "vol-0123456789abcdef0"}, offline.Refused, "no-volume"},
		"volume id":   {context.Background(), offline.Task{Command: Inspect, Volume: "vol-xyz"}, offline.Refused, "usage"},
		"no journal":  {context.Background(), offline.Task{Command: Undo, Image: gone, Run: "r", StateDir: dir + "/none"}, offline.Refused, "unknown-run"},
		"interrupted": {cancelled, offline.Task{Command: Inspect, Volume: "vol-0123456789abcdef0", Wait: time.Hour}, offline.Failed, "interrupted"},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Do(tt.ctx, tt.task, Env{Now: func() time.Time { return noon }})
			if err == nil || report.Outcome != tt.outcome || report.Error == nil || report.Error.Code != tt.code {
				t.Errorf("%+v, %v, want %s and %s", report, err, tt.outcome, tt.code)
			}
			if report.Schema != offline.Schema || report.Command != tt.task.Command || report.Findings == nil || report.Run == "" && name != "usage" {
				t.Errorf("incomplete: %+v", report)
			}
		})
	}
}

// A fault in the program says whether something was left on the volume.
func TestAFaultAsksTheJournal(t *testing.T) {
	state, err := journal.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { state.Close() })
	for _, id := range []string{"open", "done"} {
		if err := state.Begin(id, noon, journal.Patient{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.Record("done", noon, journal.Done); err != nil {
		t.Fatal(err)
	}
	for run, left := range map[string]bool{"open": true, "done": false, "never-begun": false} {
		w := &work{task: offline.Task{Command: Rescue, Image: "d", Run: run, StateDir: "/s"}, state: state}
		err := w.crashed("boom", nil)
		var failure *rescue.Failure
		if !errors.As(err, &failure) || failure.Left != left || left != strings.Contains(failure.Hint, "regain-agent undo --image d --run "+run) {
			t.Errorf("run %s: %+v", run, failure)
		}
		if report := w.ended(err); report.Outcome != offline.Failed || report.Error.Code != "internal" {
			t.Errorf("report %+v", report)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { panic("boom") }

func TestAFaultIsReported(t *testing.T) {
	report, err := Do(context.Background(), offline.Task{Command: Inspect, Image: "d"}, Env{Random: broken{}})
	var crash *Crash
	if !errors.As(err, &crash) || len(crash.Stack) == 0 || report.Error.Code != "internal" {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestOnlyARescueMakesTheStateDirectory(t *testing.T) {
	for _, tt := range []struct {
		task offline.Task
		made bool
	}{
		{offline.Task{Command: Inspect}, false}, {offline.Task{Command: Diagnose}, false}, {offline.Task{Command: Undo}, false},
		{offline.Task{Command: Rescue, DryRun: true}, false}, {offline.Task{Command: Rescue}, true},
	} {
		w := &work{task: tt.task}
		w.task.StateDir = filepath.Join(t.TempDir(), "state")
		err := w.openState()
		if _, stat := os.Stat(w.task.StateDir); (stat == nil) != tt.made || (err != nil) != (tt.task.Command == Undo) {
			t.Errorf("%+v: %v, %v", tt.task, err, stat)
		}
		if err := w.closeState(); err != nil {
			t.Error(err)
		}
	}
}
