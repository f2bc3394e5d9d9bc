package access

import (
	"bytes"
	"path"

	"github.com/seed-77750964/regain/offline"
)

// keyFiles are the files in which runs may have left keys for the user.
func (dc *Decider) keyFiles(w Wish) []string {
	var files []string
	paths, err := dc.system.KeyPaths(w.User.Name)
	if err == nil {
		for _, p := range paths {
			if canonical, err := dc.v.Realpath(p.Path); err == nil {
				files = append(files, canonical)
			}
		}
	}
	return append(files, path.Join(fallbackDir, w.User.Name))
}

// previous lists the keys that earlier runs have left for the user.
func (dc *Decider) previous(w Wish) []Previous {
	var found []Previous
	seen := map[string]bool{}
	for _, file := range dc.keyFiles(w) {
		data, err := dc.v.ReadFile(file, offline.MaxKeys)
		if err != nil || seen[file] {
			continue // not there, or not a file: no run has written it
		}
		seen[file] = true
		found = append(found, previousIn(file, data)...)
	}
	return found
}

// revoke takes the keys of earlier runs out of every file they stand in.
func (dc *Decider) revoke(d *draft, w Wish) error {
	if !w.Revoke {
		return nil
	}
	for _, file := range dc.keyFiles(w) {
		f, err := d.file(file)
		if err != nil || f == nil || f.Kind != offline.Regular {
			continue
		}
		data := withoutPrevious(f.Data, w.Key)
		if bytes.Equal(data, f.Data) {
			continue
		}
		f.Data = data
		if err := d.set(file, f.File, "revoke the keys of earlier runs"); err != nil {
			return err
		}
	}
	return nil
}
