package rescue_test

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
	"github.com/seed-77750964/regain/rescue/source"
)

// windowsConsents are given to each rescue of a Windows that is cut off.
var windowsConsents = []string{"windows/service-disabled"}

// fallbackKey is the RSA key with this modulus, in hexadecimal. Nothing is ever
// decrypted with it: any odd number will do.
func fallbackKey(modulus string) *rsa.PublicKey {
	n, ok := new(big.Int).SetString(modulus, 16)
	if !ok {
		panic("no number")
	}
	return &rsa.PublicKey{N: n, E: 65537}
}

// TestKilledArming kills the arming of a Windows at its steps. Whenever: the volume
// is sound, undo brings back all that was, and a second run arms it; the undo of
// that one is killed, too.
func TestKilledArming(t *testing.T) {
	settings := "version: 1.0\r\nconfig:\r\n  - stage: preReady\r\n    tasks:\r\n      - task: setAdminAccount\r\n        inputs:\r\n          password:\r\n            type: doNothing\r\n"
	specified := `{"adminPasswordType":  "DoNothing", "handleUserData": false, "setWallpaper": true, "addDnsSuffixList": true, "extendBootVolumeSize": true}`
	for name, tt := range map[string]struct {
		machine windows.Machine
		modulus string
		least   int // steps
		stride  int // tries each of so many
	}{
		// The service, the settings and the mark of an earlier run: patch, edit, removal.
		"EC2Launch v2": {server("2022", windows.Agent{Kind: windows.EC2LaunchV2, Start: 4, Settings: &settings}), "", 8, 1},
		// Several patches of one hive, the task's file and the settings.
		"EC2Launch v1": {server("2019", windows.Agent{Kind: windows.EC2LaunchV1, Settings: &specified}), "", 8, 1},
		"EC2Config":    {server("2012 R2", windows.Agent{Kind: windows.EC2Config, Start: 4}), "", 6, 1},
		// Directories and files that are new, and files of the policy.
		"script": {server("2022"), strings.Repeat("f", 512), 12, 4},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWindowsBench(t)
			b.modulus = tt.modulus
			img := windowsDisk(t, tt.machine)
			was := contents(t, img)
			steps := 0
			for n := 0; ; n += tt.stride {
				disk, state := copyOf(t, img), filepath.Join(t.TempDir(), "state")
				killed := b.killed("rescue", disk.Path, state, "first", n)
				b.settled(disk)
				b.undoFirst(copyOf(t, disk), state, was, n)
				b.armAndUndo(disk, state, was, n)
				if !killed {
					break
				}
				steps += tt.stride
			}
			t.Logf("%d steps were cut off", steps)
			if steps < tt.least {
				t.Errorf("fewer than %d", tt.least)
			}
		})
	}
}

func copyOf(t *testing.T, img *testdisk.NTFSImage) *testdisk.NTFSImage {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.raw")
	if out, err := exec.Command("cp", "--sparse=always", img.Path, path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return &testdisk.NTFSImage{Path: path, Offset: img.Offset}
}

// settled waits until the ntfs-3g of a killed run has written all out and gone:
// until then the disk is in use.
func (b *bench) settled(img *testdisk.NTFSImage) {
	b.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		src, err := source.Finder{}.Open(b.t.Context(), source.Request{Image: img.Path, Write: true})
		if err == nil {
			if err := src.Close(); err != nil {
				b.t.Fatal(err)
			}
			break
		}
		var busy *source.Refusal
		if !errors.As(err, &busy) || time.Now().After(deadline) {
			b.t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
	}
	wantSound(b.t, img)
}

// undoFirst takes the run that was cut off back, on a copy. One that was cut off
// before it began has changed nothing.
func (b *bench) undoFirst(disk *testdisk.NTFSImage, state string, was map[string]string, n int) {
	b.t.Helper()
	records := filepath.Join(b.t.TempDir(), "state")
	if out, err := exec.Command("cp", "-r", state, records).CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	var refusal *rescue.Refusal
	if _, err := b.inState(records).undo(disk.Path, "first"); err != nil && (!errors.As(err, &refusal) || refusal.Code != "unknown-run") {
		b.t.Fatalf("kill at step %d: undo: %v", n, err)
	}
	wantSound(b.t, disk)
	if got := differ(was, contents(b.t, disk)); len(got) > 0 {
		b.t.Errorf("kill at step %d: undo of the first left %q", n, got)
	}
}

func (b *bench) armAndUndo(img *testdisk.NTFSImage, state string, was map[string]string, n int) {
	b.t.Helper()
	again := b.inState(state)
	report, err := again.rescue(img.Path, func(r *rescue.Request) {
		r.Run, r.Allow = "second", windowsConsents
		if b.modulus != "" && !b.finished(state) { // what is armed is not armed twice
			r.Fallback = fallbackKey(b.modulus)
		}
	})
	if err != nil || len(report.Windows.Armed) != 1 {
		b.t.Fatalf("kill at step %d: the second run: %v, %s %+v %+v", n, err, report.Outcome, report.Error, report.Windows)
	}
	run := "second"
	if report.Outcome == offline.Unchanged {
		run = "first" // it was killed after all was done
	}
	b.killed("undo", img.Path, state, run, n)
	b.settled(img)
	for range 2 {
		if _, err := again.undo(img.Path, run); err != nil {
			b.t.Fatalf("kill at step %d: undo: %v", n, err)
		}
	}
	wantSound(b.t, img)
	if got := differ(was, contents(b.t, img)); len(got) > 0 {
		b.t.Errorf("kill at step %d: undo left %q", n, got)
	}
}

// finished tells whether the first run came to its end.
func (b *bench) finished(state string) bool {
	b.t.Helper()
	run, err := b.inState(state).state.Load("first")
	return err == nil && !run.Open()
}
