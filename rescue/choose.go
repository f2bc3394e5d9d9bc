package rescue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/block"
	"github.com/seed-77750964/regain/offline/linuxroot"
)

// topLevel is the id of a btrfs's top level, above all subvolumes (btrfs(5)).
const topLevel = 5

// look is what one filesystem turned out to be.
type look struct {
	content int
	class   linuxroot.Classification
	args    *linuxroot.Args // a boot filesystem's kernel command line
	subvol  subvolume
}

// chooseRoot mounts each filesystem read-only, one after the other, and finds
// the one Linux root among them, or else the one Windows.
func (p *Patient) chooseRoot(ctx context.Context) error {
	if p.chosen {
		return nil
	}
	if only, ok := p.onlyCandidate(); ok && len(p.ntfs()) == 0 {
		p.root, p.chosen = choice{content: only}, true
		return nil
	}
	looks, errs := p.lookAtAll(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	var roots []look
	for _, l := range looks {
		switch l.class.Class {
		case linuxroot.ClassRoot:
			roots = append(roots, l)
		case linuxroot.ClassUnsupported:
			return notARoot(p.device(p.disk.Contents[l.content]), l.class)
		}
	}
	switch len(roots) {
	case 0:
		return p.chooseWindows(ctx, errs)
	case 1:
		p.root, p.chosen = choice{content: roots[0].content, subvol: roots[0].subvol}, true
		return nil
	}
	var contents []int
	for _, r := range roots {
		contents = append(contents, r.content)
	}
	return p.severalRoots("Linux root", contents)
}

// onlyCandidate spares a look of its own where one filesystem alone can be the
// root: Tree will see whether it is. Which subvolume of a btrfs is meant must be
// looked up.
func (p *Patient) onlyCandidate() (content int, ok bool) {
	list := slices.DeleteFunc(p.candidates(), func(i int) bool { return p.disk.Contents[i].Superblock.Type == block.VFAT })
	if len(list) != 1 || p.disk.Contents[list[0]].Superblock.Type == block.Btrfs {
		return 0, false
	}
	return list[0], true
}

func (p *Patient) severalRoots(what string, roots []int) *Refusal {
	var names []string
	for _, i := range roots {
		names = append(names, p.device(p.disk.Contents[i]))
	}
	return &Refusal{Code: "several-roots",
		Text: fmt.Sprintf("%d filesystems hold a %s: %s", len(roots), what, strings.Join(names, ", ")),
		Hint: "mount the right one yourself and run again with --root DIR"}
}

// lookAtAll classifies the filesystems. Boot filesystems come first, since
// their kernel command line may name the root's subvolume.
func (p *Patient) lookAtAll(ctx context.Context) (looks []look, errs []error) {
	var boot *linuxroot.Args
	for _, i := range p.candidates() {
		if p.disk.Contents[i].Superblock.Type == block.Btrfs {
			continue
		}
		l, err := p.lookAt(ctx, i, subvolume{})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if l.args != nil {
			boot = l.args
		}
		looks = append(looks, l)
	}
	for _, i := range p.candidates() {
		if p.disk.Contents[i].Superblock.Type != block.Btrfs {
			continue
		}
		l, err := p.lookAtBtrfs(ctx, i, boot)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		looks = append(looks, l)
	}
	return looks, errs
}

// lookAt opens one filesystem read-only for a moment.
func (p *Patient) lookAt(ctx context.Context, i int, sub subvolume) (look, error) {
	l := look{content: i, subvol: sub}
	err := p.peek(ctx, i, sub, func(v *offline.Volume) error {
		l.class = linuxroot.Classify(v)
		if l.class.Class == linuxroot.ClassBoot {
			args, _ := linuxroot.KernelArgs(v)
			l.args = &args
		}
		return nil
	})
	return l, err
}

func (p *Patient) peek(ctx context.Context, i int, sub subvolume, f func(*offline.Volume) error) error {
	m := newMounts(p, nil)
	v, err := m.volume(ctx, i, sub)
	if err == nil {
		err = errors.Join(f(v), v.Close())
	}
	return errors.Join(err, m.close(ctx))
}

// lookAtBtrfs finds the subvolume that is /: the one that fstab or the kernel
// command line names, else the default one.
func (p *Patient) lookAtBtrfs(ctx context.Context, i int, boot *linuxroot.Args) (look, error) {
	var named linuxroot.Subvolume
	err := p.peek(ctx, i, subvolume{id: topLevel}, func(v *offline.Volume) error {
		var none error
		named, _, none = linuxroot.RootSubvolume(v, boot)
		_ = none // no subvolume is named: the default one is /
		return nil
	})
	if err != nil {
		return look{}, err
	}
	return p.lookAt(ctx, i, subvolume{named.Path, named.ID})
}
