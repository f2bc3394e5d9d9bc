package rescue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/linuxroot"
	"github.com/seed-77750964/regain/rescue/source"
)

// Tree is the patient's root with its other filesystems at their places.
type Tree struct {
	Volume      *offline.Volume
	Filesystems []offline.Filesystem
	Absent      []linuxroot.Absent
	Problems    []linuxroot.Problem
	Warnings    []string

	mounts *mounts        // nil for a directory
	at     map[string]int // mount point to content
}

// Close takes everything apart again, and waits until the kernel has let go.
func (t *Tree) Close(ctx context.Context) error {
	err := t.Volume.Close()
	if t.mounts == nil {
		return err
	}
	return errors.Join(err, t.mounts.close(ctx))
}

// Tree mounts the tree. write names the contents to mount read-write; nil:
// everything read-only, and no journal is replayed.
func (p *Patient) Tree(ctx context.Context, write map[int]bool) (*Tree, error) {
	if p.disk == nil {
		return p.openTree()
	}
	if err := p.chooseRoot(ctx); err != nil {
		return nil, err
	}
	m := newMounts(p, write)
	v, err := m.volume(ctx, p.root.content, p.root.subvol)
	if err != nil {
		return nil, errors.Join(err, m.close(ctx))
	}
	if p.root.windows {
		return p.windowsTree(ctx, m, v)
	}
	class := linuxroot.Classify(v)
	if class.Class != linuxroot.ClassRoot {
		return nil, errors.Join(p.notRoot(class), v.Close(), m.close(ctx))
	}
	t := &Tree{Volume: v, mounts: m, at: map[string]int{"/": p.root.content}}
	t.Warnings = append(append(t.Warnings, p.warnings...), class.Warnings...)
	t.assemble(ctx, p)
	t.Warnings = append(t.Warnings, m.stale...)
	return t, nil
}

// assemble mounts what fstab names below the root. What cannot be mounted is
// absent: the directory below its mount point is not what the system will see.
func (t *Tree) assemble(ctx context.Context, p *Patient) {
	mounts, problems := linuxroot.ReadFstab(t.Volume)
	layout := linuxroot.Plan(t.Volume, mounts, p.layoutCandidates())
	t.Problems = append(problems, layout.Problems...)
	roles := map[int]string{p.root.content: "root"}
	points := map[int]string{p.root.content: "/"}
	for _, place := range layout.Mounts {
		if place.Role == "efi" { // nothing that decides a login lies there
			t.Volume.MarkAbsent(place.Point)
			roles[place.Candidate], points[place.Candidate] = place.Role, place.Point
			continue
		}
		if err := t.place(ctx, place); err != nil {
			t.absent(linuxroot.Absent{Point: place.Point, Role: place.Role, Why: err.Error()})
			continue
		}
		if _, taken := points[place.Candidate]; !taken { // btrfs: the first place names the filesystem
			roles[place.Candidate], points[place.Candidate] = place.Role, place.Point
		}
	}
	t.finish(layout)
	for _, i := range layout.Swap {
		roles[i] = "swap"
	}
	t.Filesystems = p.filesystems(roles, points)
}

// finish adds what both kinds of source share: binds, and what is not here.
func (t *Tree) finish(layout linuxroot.Layout) {
	for _, b := range layout.Binds {
		if err := t.bind(b); err != nil {
			t.absent(linuxroot.Absent{Point: b.Point, Role: b.Role, Why: err.Error()})
		}
	}
	for _, a := range append(layout.Absent, linuxroot.HiddenHomes(t.Volume)...) {
		t.absent(a)
	}
}

// bind shows a directory at a second place, which lies on the same filesystem.
func (t *Tree) bind(b linuxroot.Bind) error {
	source, err := t.Volume.Realpath(b.Source)
	if err != nil {
		return err
	}
	content, ok := t.at[t.Volume.MountPoint(source)]
	if err := t.Volume.Bind(source, b.Point); err != nil {
		return err
	}
	if ok {
		t.at[b.Point] = content
	}
	return nil
}

func (t *Tree) absent(a linuxroot.Absent) {
	t.Volume.MarkAbsent(a.Point)
	t.Absent = append(t.Absent, a)
}

func (t *Tree) place(ctx context.Context, place linuxroot.Placed) error {
	fd, err := t.mounts.open(ctx, place.Candidate, subvolume{place.Subvolume.Path, place.Subvolume.ID})
	if err != nil {
		return err
	}
	if err := t.Volume.Mount(place.Point, fd); err != nil {
		return err
	}
	t.at[place.Point] = place.Candidate
	return nil
}

// openTree takes a directory as it is mounted. What fstab names and nobody
// mounted there is absent.
func (p *Patient) openTree() (*Tree, error) {
	root, err := source.Finder{}.OpenRoot(p.Name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	v, err := offline.OpenVolume(root.Take())
	if err != nil {
		return nil, err
	}
	t := &Tree{Volume: v}
	if err := t.takeSubmounts(root); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	class := linuxroot.Classify(v)
	if class.Class != linuxroot.ClassRoot {
		return nil, errors.Join(p.notTree(v, class), v.Close())
	}
	t.Warnings = append(t.Warnings, class.Warnings...)
	mounts, problems := linuxroot.ReadFstab(v)
	layout := linuxroot.Plan(v, mounts, nil)
	layout.Absent = slices.DeleteFunc(layout.Absent, func(a linuxroot.Absent) bool { return v.MountPoint(a.Point) == a.Point })
	t.Problems = append(problems, layout.Problems...)
	t.finish(layout)
	return t, nil
}

// takeSubmounts puts what somebody mounted below the directory at its place.
func (t *Tree) takeSubmounts(root *source.Root) error {
	t.Filesystems = []offline.Filesystem{{Device: root.Path, Role: "root", Mountpoint: "/"}}
	for _, s := range root.Submounts {
		if err := t.Volume.Mount(s.Path, s.Take()); err != nil {
			return err
		}
		t.Filesystems = append(t.Filesystems, offline.Filesystem{
			Device: offline.Printable(s.Source), Type: s.Type, Mountpoint: offline.Printable(s.Path), Role: linuxroot.RoleOf(s.Path),
		})
	}
	return nil
}

// notRoot explains a volume whose only candidate is no root.
func (p *Patient) notRoot(class linuxroot.Classification) error {
	if class.Refusal != "" {
		return notARoot(p.device(p.disk.Contents[p.root.content]), class)
	}
	return p.nothingToOpen(nil)
}

// notTree explains a directory that is no Linux root. A mounted Windows is not
// worked on: it would take its driver's word for access and case.
func (p *Patient) notTree(v *offline.Volume, class linuxroot.Classification) error {
	if is, _ := isWindows(v); is { // what cannot be looked at is none
		return &Refusal{Code: "windows-root", Text: fmt.Sprintf("%s holds a Windows, and is mounted already", p.Name), Hint: "unmount it, and name the volume, device or image instead of --root"}
	}
	return notARoot(p.Name, class)
}

func notARoot(where string, class linuxroot.Classification) error {
	if class.Refusal != "" {
		return &Refusal{Code: "unsupported-system", Text: fmt.Sprintf("%s holds %s", where, class.Refusal)}
	}
	return &Refusal{Code: "no-root", Text: fmt.Sprintf("%s holds no Linux root (no /etc, no /bin)", where), Hint: "is this the root of the system, not a part of it?"}
}
