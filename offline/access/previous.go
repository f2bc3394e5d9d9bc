package access

import (
	"bytes"
	"path"
	"slices"

	"github.com/seed-77750964/regain/offline"
)

// keyFiles are the files in which runs may have left keys for the user: those
// that a run would write to.
func (dc *Decider) keyFiles(w Wish) []string {
	var files []string
	take := func(configured string, own owner) {
		canonical, err := dc.v.Realpath(configured)
		if err == nil && !slices.Contains(files, canonical) && dc.mayHaveWritten(configured, canonical, own) {
			files = append(files, canonical)
		}
	}
	paths, err := dc.system.KeyPaths(w.User.Name)
	if err != nil {
		paths = nil // the verdict says what is wrong with AuthorizedKeysFile
	}
	own := dc.ownerOf(w.User)
	for _, p := range paths {
		take(p.Path, own)
	}
	fallback := path.Join(fallbackDir, w.User.Name)
	if canonical, err := dc.v.Realpath(fallback); err == nil && canonical == fallback {
		take(fallback, owner{})
	}
	return files
}

func (dc *Decider) mayHaveWritten(configured, canonical string, own owner) bool {
	d := newDraft(dc.v, dc.labels)
	f, err := d.file(canonical)
	if err != nil || f == nil || f.Kind != offline.Regular {
		return false
	}
	if own.names(configured) && !own.owns(canonical) && d.mayFollow(canonical, own) != nil {
		return false
	}
	return d.mayAddTo(canonical, f, own) == nil
}

// previous lists the keys that earlier runs have left for the user.
func (dc *Decider) previous(w Wish) []Previous {
	var found []Previous
	for _, file := range dc.keyFiles(w) {
		data, err := dc.v.ReadFile(file, offline.MaxKeys)
		if err != nil {
			continue // it was read a moment ago
		}
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
