// Package access decides the changes that let a key in: where it goes, which
// owners, modes, ACLs and labels must be set for sshd to accept it there, and
// the root-owned fallback where the home directory cannot serve. It tries each
// way on a preview of the volume and lets offline/sshd's verdict choose.
//
// It writes nothing: a plan is a list of offline.Change. It makes no keys.
package access

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/selinux"
)

// draft collects changes to a volume, one for each path.
type draft struct {
	v       *offline.Volume
	labels  *labels
	changes []offline.Change
	lift    map[string]bool // directories whose flags must be lifted to work in them
}

func newDraft(v *offline.Volume, l *labels) *draft {
	return &draft{v: v, labels: l, lift: map[string]bool{}}
}

// editable is a copy of a file, to be changed and set again.
type editable struct{ *offline.File }

// file is a copy of the file at the canonical path as the draft leaves it; nil:
// there is none.
func (d *draft) file(canonical string) (*editable, error) {
	for _, c := range d.changes {
		if c.Path == canonical {
			return edit(c.After.Clone()), nil
		}
	}
	f, err := d.v.Snapshot(canonical, offline.MaxKeys)
	return edit(f), err
}

func edit(f *offline.File) *editable {
	if f == nil {
		return nil
	}
	return &editable{f}
}

// set makes the file at the canonical path what after says.
func (d *draft) set(canonical string, after *offline.File, why string) error {
	for i := range d.changes {
		if d.changes[i].Path == canonical {
			d.changes[i].After = after
			d.changes[i].Why += "; " + why
			return nil
		}
	}
	before, err := d.v.Snapshot(canonical, offline.MaxKeys)
	if err != nil {
		return err
	}
	if before.Equal(after) {
		return nil
	}
	if before != nil && before.Kind == offline.Regular && d.linked(canonical) {
		why += " (its other names, hard links, keep the old file)"
	}
	d.changes = append(d.changes, offline.Change{Path: canonical, Before: before, After: after, Why: why})
	return d.openDirectory(path.Dir(canonical))
}

// openDirectory notes a directory whose immutable or append-only flag would
// stop the writer: files in it are replaced by rename.
func (d *draft) openDirectory(dir string) error {
	f, err := d.v.Snapshot(dir, offline.MaxKeys)
	if err != nil || f == nil || f.Flags == 0 {
		return err
	}
	d.lift[dir] = true
	return nil
}

// finish returns the changes in the order to apply them. Directories that are
// closed by a flag are opened first and closed again at the end, as changes of
// their own, so that the journal knows of it whenever the run is cut off.
func (d *draft) finish() ([]offline.Change, error) {
	var open, closing []offline.Change
	for dir := range d.lift {
		now, err := d.file(dir)
		if err != nil {
			return nil, err
		}
		was, err := d.v.Snapshot(dir, offline.MaxKeys)
		if err != nil {
			return nil, err
		}
		lifted := was.Clone()
		lifted.Flags = 0
		open = append(open, offline.Change{Path: dir, Before: was, After: lifted, Why: "lift the flag that forbids changes, for the time of the edit"})
		d.retarget(dir, lifted)
		bare := now.Clone()
		bare.Flags = 0
		closing = append(closing, offline.Change{Path: dir, Before: bare, After: now.File, Why: "put the flag back"})
	}
	byPath := func(a, b offline.Change) int { return strings.Compare(a.Path, b.Path) } // parents first
	slices.SortFunc(open, byPath)
	slices.SortFunc(closing, byPath)
	return slices.Concat(open, d.changes, closing), nil
}

// retarget lets a change of the directory's attributes start from the lifted
// state and end without flags; the closing change sets them again.
func (d *draft) retarget(dir string, lifted *offline.File) {
	for i := range d.changes {
		if d.changes[i].Path == dir {
			d.changes[i].Before = lifted
			d.changes[i].After = d.changes[i].After.Clone()
			d.changes[i].After.Flags = 0
		}
	}
}

// labels gives new files the SELinux label that the system's policy wants.
type labels struct {
	state    selinux.State
	contexts *selinux.Contexts
}

func (l *labels) want(v *offline.Volume, canonical string, kind offline.Kind) (string, error) {
	label, err := selinux.Want(v, l.state, l.contexts, canonical, kind)
	if err != nil {
		return "", fmt.Errorf("cannot label %q: %w", canonical, err)
	}
	return label, nil
}

// create adds a new file or directory with the label it must carry.
func (d *draft) create(canonical string, f *offline.File, why string) error {
	label, err := d.labels.want(d.v.Preview(d.changes), canonical, f.Kind)
	if err != nil {
		return err
	}
	f.Label = label
	return d.set(canonical, f, why)
}
