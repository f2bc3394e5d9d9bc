package rescue_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/internal/testdisk"
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/rescue"
)

// filled leaves so many bytes of the volume free, and few file records.
func filled(spare int64) testdisk.Mutation {
	return func(root string) (err error) {
		name := filepath.Join(root, "pagefile.sys")
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		block := make([]byte, ntfsCluster)
		for err == nil {
			_, err = file.Write(block)
		}
		if !errors.Is(err, unix.ENOSPC) {
			return errors.Join(err, file.Close())
		}
		size, err := file.Seek(0, 1)
		return errors.Join(err, file.Truncate(size-spare), file.Close())
	}
}

// TestArmingAFullVolume: where there is no room for the start-up script, wherever
// that shows, all that was written is taken back.
func TestArmingAFullVolume(t *testing.T) {
	failed := 0
	for _, clusters := range []int64{0, 1, 3, 8, 40} {
		t.Run(fmt.Sprint(clusters), func(t *testing.T) {
			b := newWindowsBench(t)
			img := windowsDisk(t, server("2022"), filled(clusters*ntfsCluster))
			was := contents(t, img)
			report, err := b.rescue(img.Path, func(r *rescue.Request) { r.Fallback = fallbackKey(strings.Repeat("f", 512)) })
			wantSound(t, img)
			if err == nil {
				if report.Outcome != offline.Rescued {
					t.Errorf("%s", report.Outcome)
				}
				return
			}
			failed++
			var failure *rescue.Failure
			if !errors.Is(err, unix.ENOSPC) || errors.As(err, &failure) && failure.Left || report.Outcome != offline.Failed || len(report.Windows.Armed)+len(report.Changes) > 0 {
				t.Errorf("%v, %s, %+v", err, report.Outcome, report.Windows)
			}
			if got := differ(was, contents(t, img)); len(got) > 0 {
				t.Errorf("left %q", got)
			}
		})
	}
	if failed == 0 || failed == 5 {
		t.Errorf("%d of 5 failed", failed)
	}
}
