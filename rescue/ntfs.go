package rescue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/block"
	"github.com/seed-77750964/regain/rescue/mount"
)

// windowsMark is what every Windows has, and no other partition of its disk.
const windowsMark = "/Windows/System32/config/SOFTWARE"

// ntfs lists the contents that are NTFS.
func (p *Patient) ntfs() []int {
	var list []int
	for i, c := range p.disk.Contents {
		if c.Superblock != nil && c.Superblock.Type == block.NTFS {
			list = append(list, i)
		}
	}
	return list
}

// MayBeLinux tells whether there may be a Linux to let a key into: there is a
// filesystem that can be one's, and no Windows is the one system that is found. What
// holds neither is refused for what it is.
func (p *Patient) MayBeLinux(ctx context.Context) bool {
	if p.disk == nil {
		return true
	}
	ofLinux := func(i int) bool { return p.disk.Contents[i].Superblock.Type != block.VFAT }
	if !slices.ContainsFunc(p.candidates(), ofLinux) {
		return false
	}
	return len(p.ntfs()) == 0 || p.chooseRoot(ctx) != nil || !p.root.windows
}

// chooseWindows finds the one Windows among the filesystems, after no Linux was
// found, for these reasons. Where there is but one NTFS, Tree will see whether it is.
func (p *Patient) chooseWindows(ctx context.Context, causes []error) error {
	list := p.ntfs()
	if len(list) == 1 && len(causes) == 0 {
		p.root, p.chosen = choice{content: list[0], windows: true}, true
		return nil
	}
	var found []int
	for _, i := range list {
		err := p.peek(ctx, i, subvolume{}, func(v *offline.Volume) error {
			is, err := isWindows(v)
			if is {
				found = append(found, i)
			}
			return err
		})
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
			causes = append([]error{err}, causes...) // it names what is in the way
		} else if err != nil {
			causes = append(causes, err)
		}
	}
	switch len(found) {
	case 0:
		return p.nothingToOpen(causes)
	case 1:
		p.root, p.chosen = choice{content: found[0], windows: true}, true
		return nil
	}
	refusal := p.severalRoots("Windows", found)
	refusal.Hint = "name the partition of the right one with --device, as in --device /dev/nvme1n1p2 (losetup --partscan gives an image partitions)"
	return refusal
}

func isWindows(v *offline.Volume) (bool, error) {
	_, err := v.Stat(windowsMark)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, offline.ErrNotDir) {
		return false, nil
	}
	if err != nil { // a path of two meanings, or one that leads elsewhere
		return false, &Refusal{"windows-path", fmt.Sprintf("cannot tell whether this is a Windows: %v", err), "look at that path from a Windows, and put it in order"}
	}
	return true, nil
}

// windowsTree is the tree of the Windows that chooseRoot has found. Windows has
// its other filesystems at drive letters, where nothing lies that is looked at.
func (p *Patient) windowsTree(ctx context.Context, m *mounts, v *offline.Volume) (*Tree, error) {
	is, err := isWindows(v)
	if err == nil && !is {
		err = p.nothingToOpen(nil)
	}
	if err != nil {
		return nil, errors.Join(err, v.Close(), m.close(ctx))
	}
	at := p.root.content
	return &Tree{
		Volume: v, mounts: m, at: map[string]int{"/": at}, Warnings: slices.Clone(p.warnings),
		Filesystems: p.filesystems(map[int]string{at: "root"}, map[int]string{at: "/"}),
	}, nil
}

// openNTFS has ntfs-3g serve a filesystem that Windows has left in order.
func (m *mounts) openNTFS(ctx context.Context, content int) (*offline.Volume, error) {
	c := m.p.disk.Contents[content]
	loop, err := m.loop(ctx, content)
	if err != nil {
		return nil, err
	}
	if err := mount.ProbeNTFS(ctx, loop.Path); err != nil {
		return nil, m.p.refuseNTFS(c, err)
	}
	if sb := c.Superblock; sb.DirtyKnown && sb.Dirty { // ntfs-3g would not mind
		return nil, &Refusal{"dirty", fmt.Sprintf("%s is marked to be checked by Windows: %s", m.p.device(c), offline.Printable(sb.Why)),
			"start the instance, let Windows check the volume and come up, and stop it without force"}
	}
	n, err := mount.OpenNTFS(ctx, loop.Path, !m.write[content])
	if err != nil {
		return nil, m.p.refuseNTFS(c, err)
	}
	m.ntfs = append(m.ntfs, n)
	v, err := offline.OpenNTFS(n.Root)
	if err != nil {
		unix.Close(n.Root)
	}
	return v, err
}

// refuseNTFS says what to do instead.
func (p *Patient) refuseNTFS(c block.Content, err error) error {
	code, advice := mount.NTFSAdvice(err)
	if code == "" {
		return fmt.Errorf("cannot open %s: %w", p.device(c), err)
	}
	return &Refusal{code, fmt.Sprintf("cannot open %s: %v", p.device(c), err), advice}
}

// shows tells whether the volume is as the change leaves it.
func shows(v *offline.Volume, c offline.Change) (bool, error) {
	if len(c.Patches) == 0 {
		now, err := v.Snapshot(c.Path, offline.MaxAccount)
		return err == nil && now.Shows(c.After), err
	}
	now, err := v.SnapshotAttributes(c.Path)
	if err != nil || !now.Equal(c.After) {
		return false, err
	}
	r, err := v.Open(c.Path)
	if err != nil {
		return false, err
	}
	defer r.Close()
	for _, p := range c.Patches {
		is := make([]byte, len(p.After))
		if _, err := r.ReadAt(is, p.Offset); err != nil {
			return false, err
		}
		if !bytes.Equal(is, p.After) {
			return false, nil
		}
	}
	return true, nil
}
