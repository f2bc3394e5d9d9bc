package agent

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/rescue/source"
)

// TestFindWaitsForWhatLetsGo: what a killed run has left on a volume goes by
// itself; what stays is refused.
func TestFindWaitsForWhatLetsGo(t *testing.T) {
	testdisk.Need(t, "losetup")
	image := filepath.Join(t.TempDir(), "disk.raw")
	if err := os.WriteFile(image, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		t.Fatal(err)
	}
	device := strings.TrimSpace(string(out))
	w := &work{}
	var refusal *source.Refusal
	before := time.Now()
	if _, err := w.find(t.Context(), source.Request{Image: image, Write: true}); !errors.As(err, &refusal) || time.Since(before) < settling {
		t.Errorf("%v, after %s", err, time.Since(before))
	}
	freed := make(chan error)
	go func() {
		<-time.After(4 * look)
		freed <- exec.Command("losetup", "--detach", device).Run()
	}()
	src, err := w.find(t.Context(), source.Request{Image: image, Write: true})
	if freed := <-freed; err != nil || freed != nil {
		t.Fatal(err, freed)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}
