package rescue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/block"
	"github.com/seed-77750964/regain/rescue/mount"
)

// settle bounds how long closing waits for the kernel to let a filesystem go.
const settle = 30 * time.Second

type subvolume struct {
	path string
	id   uint64
}

// mounts are the loop devices of one opening, one for each filesystem in use.
type mounts struct {
	p     *Patient
	write map[int]bool // contents that are opened for writing
	loops map[int]*mount.Loop
	ntfs  []*mount.NTFS
	stale []string // warnings: filesystems shown without their journal
}

func newMounts(p *Patient, write map[int]bool) *mounts {
	return &mounts{p: p, write: write, loops: map[int]*mount.Loop{}}
}

// mountable are the types that may hold a part of a Linux tree.
var mountable = []block.Type{block.Ext2, block.Ext3, block.Ext4, block.XFS, block.Btrfs, block.VFAT}

func (m *mounts) open(ctx context.Context, content int, sub subvolume) (fd int, err error) {
	c := m.p.disk.Contents[content]
	loop, err := m.loop(ctx, content)
	if err != nil {
		return -1, err
	}
	o := mount.Options{Type: string(c.Superblock.Type), ReadOnly: !m.write[content], Subvolume: sub.path, SubvolumeID: sub.id}
	fd, err = mount.Detached(loop.Path, o)
	if errors.Is(err, mount.ErrNeedsReplay) && o.ReadOnly {
		m.stale = append(m.stale, fmt.Sprintf("%s (%s) was not unmounted cleanly; its journal is not replayed to look, so what is seen may be stale", m.p.device(c), o.Type))
		o.NoRecovery = true
		fd, err = mount.Detached(loop.Path, o)
	}
	if err != nil {
		return -1, m.explain(c, err)
	}
	return fd, nil
}

func (m *mounts) loop(ctx context.Context, content int) (*mount.Loop, error) {
	if l := m.loops[content]; l != nil {
		return l, nil
	}
	c := m.p.disk.Contents[content]
	size := c.Partition.Size - c.Partition.Size%512
	l, err := mount.AttachLoop(ctx, m.p.source.File, c.Partition.Start, size, !m.write[content])
	if err != nil {
		return nil, err
	}
	m.loops[content] = l
	return l, nil
}

// explain names the feature that the helper's kernel lacks, where that is it.
func (m *mounts) explain(c block.Content, err error) error {
	lacks := mount.Missing(string(c.Superblock.Type), c.Superblock.Incompat)
	if len(lacks) == 0 {
		return fmt.Errorf("cannot open %s: %w", m.p.device(c), err)
	}
	return &Refusal{Code: "kernel-feature",
		Text: fmt.Sprintf("cannot open %s: the helper's kernel lacks %q for %s: %v", m.p.device(c), lacks, c.Superblock.Type, err),
		Hint: "use a helper with a kernel that has it"}
}

// close ends every ntfs-3g and detaches every loop. The descriptors on the mounts must be closed.
func (m *mounts) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settle)
	defer cancel()
	var errs []error
	for _, n := range m.ntfs {
		errs = append(errs, n.Close(ctx))
	}
	m.ntfs = nil
	for _, l := range m.loops {
		errs = append(errs, l.Detach(ctx))
	}
	m.loops = map[int]*mount.Loop{}
	if len(m.write) > 0 { // the next look must come from the disk itself
		errs = append(errs, mount.Flush(m.p.source.File))
	}
	return errors.Join(errs...)
}

// staleness names the filesystems that are shown without their journal.
func (m *mounts) staleness() []string {
	if m == nil {
		return nil
	}
	return m.stale
}

// volume opens a filesystem as a tree of its own.
func (m *mounts) volume(ctx context.Context, content int, sub subvolume) (*offline.Volume, error) {
	if m.p.disk.Contents[content].Superblock.Type == block.NTFS {
		return m.openNTFS(ctx, content)
	}
	fd, err := m.open(ctx, content, sub)
	if err != nil {
		return nil, err
	}
	v, err := offline.OpenVolume(fd)
	if err != nil {
		unix.Close(fd)
	}
	return v, err
}

// candidates are the contents that may be mounted, the likely roots first:
// larger filesystems before smaller ones.
func (p *Patient) candidates() []int {
	var list []int
	for i, c := range p.disk.Contents {
		if c.Superblock != nil && slices.Contains(mountable, c.Superblock.Type) {
			list = append(list, i)
		}
	}
	return list
}
