package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-77750964/regain/controller"
	"github.com/seed-77750964/regain/offline"
)

// Patient is an instance to be rescued. The zero Patient is a running Linux
// instance of one volume whose login is locked; what is set differs from that.
type Patient struct {
	Instance   controller.Instance // fields that are not empty replace the usual ones
	Attributes controller.Attributes
	Volume     controller.Volume   // the root volume, likewise
	Others     []controller.Volume // data volumes; Attachments[0] names device and flag
	Group      *controller.Group
	// Keep leaves DeleteOnTermination of the root volume off.
	Keep bool

	Persistent    bool             // a Spot instance that can be stopped
	StuckStopping bool             // stops only when forced
	Broken        bool             // its root does not boot
	Refusal       *offline.Problem // the agent refuses the volume
	AgentDies     int              // so many times in the middle of its work
	Closed        bool             // nothing answers at port 22

	UserData []byte

	groups []string // security groups of what Launch made
}

// AddInstance makes an instance, as it has been running for long.
func (c *Cloud) AddInstance(p Patient) (id string) {
	c.outside(func() { id = c.add(p) })
	return id
}

func (c *Cloud) add(p Patient) string {
	i := &instance{Instance: c.usual(p.Instance), attributes: p.Attributes, patient: p, journal: map[string]undo{}}
	if i.attributes.Shutdown == "" {
		i.attributes.Shutdown = "stop"
	}
	i.public = i.PublicIP != "" && !i.Elastic
	if i.State == controller.Stopped && i.public {
		i.PublicIP = ""
	}
	c.instances[i.ID] = i
	if i.RootDeviceType == "ebs" {
		root := c.plug(i, p.Volume, i.RootDevice, !p.Keep)
		root.broken = p.Broken
		root.files = map[string]string{keysFile: "ssh-ed25519 AAAA lost\n", configFile: "PubkeyAuthentication no"}
		if i.Platform == controller.Windows {
			root.files = map[string]string{settingsFile: "doNothing"}
		}
	}
	for _, v := range p.Others {
		a := v.Attachments[0]
		v.Attachments = nil
		c.plug(i, v, a.Device, a.DeleteOnTermination)
	}
	if g := p.Group; g != nil {
		if c.groups[g.Name] == nil {
			c.groups[g.Name] = &group{g.Min, g.Desired, map[string]string{}}
		}
		c.groups[g.Name].lifecycle[i.ID] = g.Lifecycle
	}
	return i.ID
}

// usual fills in what an instance is like if nothing else is said.
func (c *Cloud) usual(i controller.Instance) controller.Instance {
	or(&i.ID, func() string { return c.id("i") })
	for field, value := range map[*string]string{
		&i.State: controller.Running, &i.Type: "t3.micro", &i.Platform: "linux", &i.Details: "Linux/UNIX", &i.Architecture: "x86_64",
		&i.BootMode: "uefi-preferred", &i.Zone: ZoneA, &i.VPC: VPC, &i.Subnet: SubnetA, &i.RootDevice: "/dev/xvda", &i.RootDeviceType: "ebs", &i.KeyName: "lost",
	} {
		or(field, func() string { return value })
	}
	or(&i.PrivateIP, c.address)
	i.Tags = maps.Clone(i.Tags)
	if i.Tags == nil {
		i.Tags = map[string]string{"Name": "patient"}
	}
	if i.Launched.IsZero() {
		i.Launched = c.now.Add(-30 * 24 * time.Hour)
	}
	i.Devices = nil
	return i
}

func or(field *string, value func() string) {
	if *field == "" {
		*field = value()
	}
}

// plug makes a volume that is attached.
func (c *Cloud) plug(i *instance, v controller.Volume, device string, deleted bool) *volume {
	or(&v.ID, func() string { return c.id("vol") })
	or(&v.Zone, func() string { return i.Zone })
	or(&v.Type, func() string { return "gp3" })
	if v.GiB == 0 {
		v.GiB = 8
	}
	v.State, v.Tags = inUse, maps.Clone(v.Tags)
	v.Attachments = append(slices.Clone(v.Attachments), controller.Attachment{Instance: i.ID, Device: device, State: attached, DeleteOnTermination: deleted})
	made := &volume{Volume: v}
	c.volumes[v.ID] = made
	i.plugged = append(i.plugged, made)
	return made
}

// Lose makes an instance stop answering Systems Manager, for good.
func (c *Cloud) Lose(id string) {
	c.outside(func() {
		i := c.instances[id]
		i.lost = true
		c.unplug(i)
	})
}

// Kill terminates an instance as its owner would, whatever protects it.
func (c *Cloud) Kill(id string) {
	c.outside(func() { c.terminate(c.instances[id]) })
}
