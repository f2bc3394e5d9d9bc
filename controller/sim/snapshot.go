package sim

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/controller"
)

// Snapshot is all that there is in an account, in a form that can be compared
// deeply. What every stop changes is left out: the state's reason, the time of
// the launch, and automatic public addresses.
type Snapshot struct {
	Instances  map[string]controller.Instance // that are not terminated
	Attributes map[string]controller.Attributes
	Volumes    map[string]controller.Volume
	Files      map[string]map[string]string // of root volumes
	Groups     map[string]Group
	Backups    map[string]controller.Backup
	Parts      map[string]controller.Part
	Objects    []string         // bucket/key
	Parameters map[string]int64 // their versions
}

// Group is an Auto Scaling group.
type Group struct {
	Min, Desired int
	Lifecycle    map[string]string // by instance
}

// Snapshot takes one.
func (c *Cloud) Snapshot() (s Snapshot) {
	c.outside(func() {
		s = Snapshot{
			map[string]controller.Instance{}, map[string]controller.Attributes{}, map[string]controller.Volume{}, map[string]map[string]string{},
			map[string]Group{}, map[string]controller.Backup{}, map[string]controller.Part{}, nil, map[string]int64{},
		}
		for id, i := range c.instances {
			if i.State == controller.Terminated {
				continue
			}
			d := c.describe(i)
			d.StateCode, d.StateReason, d.Launched = "", "", time.Time{}
			if i.public {
				d.PublicIP = "automatic"
			}
			s.Instances[id], s.Attributes[id] = d, i.attributes
		}
		for id, v := range c.volumes {
			s.Volumes[id] = v.describe()
			if v.files != nil {
				s.Files[id] = maps.Clone(v.files)
			}
		}
		for name, g := range c.groups {
			s.Groups[name] = Group{g.min, g.desired, maps.Clone(g.lifecycle)}
		}
		c.rest(&s)
	})
	return s
}

func (c *Cloud) rest(s *Snapshot) {
	for id, b := range c.backups {
		s.Backups[id] = b.describe()
	}
	for id, p := range c.parts {
		s.Parts[id] = p.describe()
	}
	for bucket, objects := range c.objects {
		for key := range objects {
			s.Objects = append(s.Objects, bucket+"/"+key)
		}
	}
	slices.Sort(s.Objects)
	for name, p := range c.parameters {
		s.Parameters[name] = int64(len(p.versions))
	}
}

// Leftovers are the ids of what carries a tag of a run, or an object with the
// run in its key. An empty run means any.
func (s Snapshot) Leftovers(run string) []string {
	var ids []string
	add := func(id string, tags map[string]string) {
		if tagged(tags, controller.TagRun, run) {
			ids = append(ids, id)
		}
	}
	for id, i := range s.Instances {
		if i.State != controller.ShuttingDown {
			add(id, i.Tags)
		}
	}
	for id, v := range s.Volumes {
		if len(v.Attachments) == 0 || s.Instances[v.Attachments[0].Instance].State != controller.ShuttingDown {
			add(id, v.Tags)
		}
	}
	for id, b := range s.Backups {
		add(id, b.Tags)
	}
	for id, p := range s.Parts {
		add(id, p.Tags)
	}
	for _, o := range s.Objects {
		if strings.Contains(o, run) {
			ids = append(ids, o)
		}
	}
	slices.Sort(ids)
	return ids
}

// Downtime is how long an instance was down because it was stopped.
func (c *Cloud) Downtime(id string) (d time.Duration) {
	c.outside(func() { d = c.instances[id].down })
	return d
}
