package rescue

import (
	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/linuxroot"
)

// layoutCandidates describes the volume's filesystems to the planner of mounts.
func (p *Patient) layoutCandidates() []linuxroot.Candidate {
	var list []linuxroot.Candidate
	for i, c := range p.disk.Contents {
		cand := linuxroot.Candidate{
			PartUUID: c.Partition.UUID, PartLabel: c.Partition.Name, PartType: c.Partition.TypeGUID,
			Partition: c.Partition.Number, Volume: p.VolumeID, Root: i == p.root.content,
		}
		if sb := c.Superblock; sb != nil {
			cand.UUID, cand.Label, cand.Type = sb.UUID, sb.Label, string(sb.Type)
		}
		list = append(list, cand)
	}
	return list
}

// filesystems is the report's list of what is on the volume.
func (p *Patient) filesystems(roles, points map[int]string) []offline.Filesystem {
	var list []offline.Filesystem
	for i, c := range p.disk.Contents {
		f := offline.Filesystem{Device: p.Name, Partition: c.Partition.Number, Role: roles[i], Mountpoint: points[i], Size: c.Partition.Size}
		if sb := c.Superblock; sb != nil {
			f.Type, f.UUID, f.Label = string(sb.Type), offline.Printable(sb.UUID), offline.Printable(sb.Label)
			f.Dirty = sb.DirtyKnown && sb.Dirty
			f.Note = offline.Printable(sb.Why)
		}
		if c.Err != nil {
			f.Note = offline.Printable(c.Err.Error())
		}
		list = append(list, f)
	}
	return list
}
