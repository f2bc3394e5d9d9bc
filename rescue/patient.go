// Package rescue opens a foreign volume, finds out who may log in and why
// nobody can, puts a key in place, proves it through a fresh mount, and takes it
// all back on request. Of a Windows it has the launch agent set a new password in
// place of that. It puts the packages below it in order: offline/block reads the
// bytes, rescue/mount opens filesystems, offline/linuxroot recognises the system,
// offline/sshd gives the verdict, offline/access decides the changes, or
// offline/winroot both of a Windows, and rescue/journal keeps what undo needs.
//
// It does not talk to AWS, makes no keys itself, executes nothing, and prints
// nothing: the result is an offline.Report.
package rescue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/block"
	"github.com/seed-77750964/regain/rescue/source"
)

// Patient is a volume whose bytes are open, or a tree that somebody mounted.
type Patient struct {
	Name     string // the device, image or directory as the report names it
	VolumeID string

	source *source.Source
	disk   *block.Disk // nil for a tree

	root     choice // where / was found; set by the first Tree
	chosen   bool
	warnings []string
}

// choice is the filesystem that is /, kept so that every later mount takes the
// same one.
type choice struct {
	content int // index into disk.Contents
	subvol  subvolume
	windows bool
}

// Open takes over a source and reads what is on it. It writes nothing.
func Open(src *source.Source) (*Patient, error) {
	p := &Patient{Name: src.Path, VolumeID: src.VolumeID, source: src}
	if src.Kind == source.Tree {
		return p, nil
	}
	disk, err := block.Scan(src.File, src.Size)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read %s: %w", src.Path, err), src.Close())
	}
	p.disk = disk
	for _, w := range append(disk.Table.Warnings, disk.Warnings...) {
		p.warnings = append(p.warnings, offline.Printable(w))
	}
	return p, nil
}

// Close lets go of the source. Trees must be closed before.
func (p *Patient) Close() error { return p.source.Close() }

// Refusal is a volume that is not worked on, and what to do instead. Nothing
// has been changed.
type Refusal struct {
	Code string // stable
	Text string
	Hint string
}

func (r *Refusal) Error() string { return r.Text }

// nothingToOpen explains why no filesystem of the volume holds a Linux root, by
// what the volume does hold.
func (p *Patient) nothingToOpen(causes []error) error {
	for _, c := range p.disk.Contents {
		if c.Superblock == nil {
			continue
		}
		if r := refuseType(c); r != nil {
			return r
		}
	}
	err := errors.Join(causes...)
	if len(p.ntfs()) > 0 && err == nil {
		return &Refusal{"no-windows", fmt.Sprintf("no Windows found on %s: %s", p.Name, p.inventory()), "is this the root volume of the instance?"}
	}
	text := fmt.Sprintf("no Linux root filesystem found on %s: %s", p.Name, p.inventory())
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) { // it names what is lacking
		return fmt.Errorf("%s; %w", text, err)
	}
	if err != nil {
		text += fmt.Sprintf("; %v", err)
	}
	return &Refusal{Code: "no-root", Text: text, Hint: "is this the root volume, and is it whole? run regain-agent inspect for what is on it"}
}

func (p *Patient) inventory() string {
	var found []string
	for _, c := range p.disk.Contents {
		what := "unknown"
		if c.Superblock != nil {
			what = string(c.Superblock.Type)
		}
		if c.Err != nil {
			what = c.Err.Error()
		}
		found = append(found, fmt.Sprintf("%s (%s)", partitionName(c.Partition.Number), what))
	}
	if len(p.disk.Table.Partitions) == 0 && p.disk.Contents[0].Superblock == nil && p.disk.Contents[0].Err == nil {
		return "it holds no partition table and no filesystem that regain knows"
	}
	return "it holds " + strings.Join(found, ", ")
}

func partitionName(number int) string {
	if number == 0 {
		return "the whole device"
	}
	return fmt.Sprintf("partition %d", number)
}

// refuseType names the containers and systems that this version does not open.
func refuseType(c block.Content) *Refusal {
	at, sb := partitionName(c.Partition.Number), c.Superblock
	switch sb.Type {
	case block.LUKS:
		return &Refusal{"luks", fmt.Sprintf("%s is encrypted with LUKS (UUID %s)", at, offline.Printable(sb.UUID)),
			"open it by hand (cryptsetup open), mount it, and run again with --root DIR"}
	case block.LVM2:
		return &Refusal{"lvm", fmt.Sprintf("%s is an LVM physical volume (UUID %s)", at, offline.Printable(sb.UUID)),
			"activate it by hand (vgchange -ay), mount the root volume, and run again with --root DIR"}
	case block.LinuxRAID:
		return &Refusal{"md", fmt.Sprintf("%s is a member of an md array (UUID %s)", at, offline.Printable(sb.UUID)),
			"assemble it by hand (mdadm --assemble), mount it, and run again with --root DIR"}
	case block.ReFS:
		return &Refusal{"refs", at + " is ReFS: a Windows volume, but not one to start from", "is this the root volume of the instance?"}
	case block.BitLocker:
		return &Refusal{"bitlocker", at + " is encrypted with BitLocker", "its key may lie in the instance's NitroTPM, and then opens it nowhere else: have the running Windows decrypt it first, say through Session Manager (manage-bde -off C:)"}
	case block.SwSuspend:
		return &Refusal{"hibernated", at + " holds the memory of a hibernated system", "resume and shut down the system, or remove its hibernation image, first: an edit would be overwritten by what the memory remembers"}
	}
	return nil
}

// device is the path under which errors and reports name a filesystem.
func (p *Patient) device(c block.Content) string {
	if c.Partition.Number == 0 {
		return p.Name
	}
	return fmt.Sprintf("%s partition %d", p.Name, c.Partition.Number)
}
