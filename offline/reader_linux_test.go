package offline_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/seed-77750964/regain/offline"
)

// A Reader gives what ReadFile gives, on the disk and in a preview.
func TestReader(t *testing.T) {
	img := windowsImage(t)
	onNTFS(t, img, func(v *offline.Volume, _ string) {
		hive, err := v.SnapshotAttributes(software)
		if err != nil {
			t.Fatal(err)
		}
		preview := v.Preview([]offline.Change{
			{Path: "/new", After: offline.NTFSFile([]byte("new"))}, {Path: runOnce},
			{Path: software, Before: hive, After: hive, Patches: []offline.Patch{{Offset: 2, Before: []byte("ve"), After: []byte("VE")}}},
		})
		for _, c := range []struct {
			v    *offline.Volume
			path string
			err  error
		}{
			{v, software, nil}, {v, agentConfig, nil}, {preview, software, nil}, {preview, "/NEW", nil},
			{preview, runOnce, fs.ErrNotExist}, {v, "/new", fs.ErrNotExist}, {v, "/Windows", offline.ErrNotRegular},
		} {
			r, err := c.v.Open(c.path)
			if !errors.Is(err, c.err) {
				t.Errorf("%s: %v", c.path, err)
			}
			if err != nil {
				continue
			}
			want, err := c.v.ReadFile(c.path, hiveSize)
			got, err2 := io.ReadAll(io.NewSectionReader(r, 1, r.Size()))
			if err := errors.Join(err, err2, r.Close()); err != nil || !bytes.Equal(got, want[1:]) {
				t.Errorf("%s: %d bytes, %v", c.path, len(got), err)
			}
		}
	})
}
