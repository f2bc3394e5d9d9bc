package main

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/internal/testdisk/windows"
)

// TestArmingEndsAtEachStep ends the whole program while ntfs-3g serves it in the
// background. Whatever comes next, at once and without waiting, finds the volume in
// one of the two good states: as it was, or armed.
func TestArmingEndsAtEachStep(t *testing.T) {
	testdisk.Need(t, "mkntfs", "ntfs-3g", "hivexregedit")
	for _, step := range []string{"looking", "writing", "verifying"} {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			for _, next := range []string{"undo", "rescue"} {
				t.Run(fmt.Sprintf("%s/%s/%s", step, signal, next), func(t *testing.T) {
					t.Chdir(t.TempDir())
					img := plantWindows(t, "w.raw", windows.Agent{Kind: windows.EC2LaunchV2, Start: 4})
					rescue := []string{"rescue", "--image", img.Path, "--state-dir", "state", "--repair", "windows/service-disabled"}
					ended := signalAt(t, step, signal, append(rescue, "--run", "first"))
					if ended != -1 && ended != exitDone && ended != exitInterrupted {
						t.Errorf("exit code %d", ended)
					}
					if next == "rescue" {
						wantCode(t, exitDone, append(rescue, "--run", "second")...)
						wantCode(t, exitDone, "diagnose", "--image", img.Path)
						return
					}
					code, _, stderr := call(0, "undo", "--image", img.Path, "--state-dir", "state", "--run", "first")
					if code != exitDone && (code != exitFailed || ended == exitDone) { // a run that has not begun is not known
						t.Errorf("undo: exit code %d\n%s", code, stderr)
					}
					wantCode(t, exitFindings, "diagnose", "--image", img.Path)
				})
			}
		}
	}
}
