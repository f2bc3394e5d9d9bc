package controller

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// instanceChecks are about the instance and its volumes.
var instanceChecks = []check{
	{
		id: "terminated", title: "the instance is terminated",
		instead: "Its volumes may be left: attach one to another instance, and use regain-agent there",
		look: func(s *situation) []string {
			return when(gone(s.was.Instance.State), "instance %s is %s", s.was.Instance.ID, s.was.Instance.State)
		},
	},
	{
		id: "in-transition", title: "the instance is starting or stopping", note: true,
		instead: "A run waits for it first",
		look: func(s *situation) []string {
			state := s.was.Instance.State
			return when(state == Pending || state == Stopping, "instance %s is %s", s.was.Instance.ID, state)
		},
	},
	{
		id: "instance-store-root", title: "the root volume is an instance store",
		instead: "Such an instance cannot be stopped, and its root cannot be moved: get in through Session Manager or the serial console, or replace it",
		look: func(s *situation) []string {
			kind := s.was.Instance.RootDeviceType
			return when(kind != "" && kind != "ebs", "its root device is of the type %s", kind)
		},
	},
	{id: "root-missing", title: "the instance has no root volume", look: rootMissing,
		instead: "Attach it at that name, or let the run that took it bring it home: regain list"},
	{id: "root-attachment", title: "the root volume is not simply attached", look: rootAttachment,
		instead: "Wait until the attachment is settled, or settle it; then run again"},
	{
		id: "multi-attach", title: "the root volume can be attached several times",
		instead: "A Multi-Attach volume cannot be a boot volume (EBS User Guide): look what this instance boots from",
		look: func(s *situation) []string {
			return when(s.was.Volume.MultiAttach, "volume %s has Multi-Attach", s.was.Volume.ID)
		},
	},
	{
		id: "several-volumes", title: "the instance has other volumes", note: true,
		instead: "Only the root volume is moved to the helper. If the system or its home directories lie on several (LVM, RAID, a separate /home)," +
			" the agent says so, and everything is taken back",
		look: func(s *situation) []string {
			var ids []string
			for _, v := range s.was.Others {
				ids = append(ids, v.ID)
			}
			return when(len(ids) > 0, "besides the root volume there are %s", strings.Join(ids, ", "))
		},
	},
	{
		id: "instance-store-loss", title: "stopping loses the data of its instance store",
		flag: "--accept-instance-store-loss", usage: "the data on the instance's instance-store volumes may be lost",
		instead: "Save what is there first, if there is a way in",
		look: func(s *situation) []string {
			return when(s.stops() && s.was.InstanceStore, "instances of the type %s have instance-store volumes", s.was.Instance.Type)
		},
	},
	{
		id: "public-ip-change", title: "stopping changes its public address",
		flag: "--accept-ip-change", usage: "the instance may come back with another public address",
		instead: "What points to it (DNS, allow lists) has to follow; an Elastic IP stays. An instance with a second network interface comes back" +
			" without a public address: give it an Elastic IP first",
		look: func(s *situation) []string {
			i := s.was.Instance
			return when(s.stops() && i.PublicIP != "" && !i.Elastic, "%s is no Elastic IP, and is given back at the stop", i.PublicIP)
		},
	},
	{
		id: "scarce-capacity", title: "machines like it are often not to be had", note: true,
		instead: "While it is stopped EC2 may give its place to others; a start without capacity is tried for an hour, and regain resume tries again." +
			" An On-Demand Capacity Reservation for its type and zone, made before, keeps the place",
		look: func(s *situation) []string {
			return when(s.stops() && scarce.MatchString(s.was.Instance.Type), "it is a %s", s.was.Instance.Type)
		},
	},
	{
		id: "hibernated", title: "the instance may be hibernated",
		instead: "Its root volume holds a sleeping system that would not notice the repair: start it, stop it without hibernation, and run again",
		look: func(s *situation) []string {
			i := s.was.Instance
			return when(i.Hibernation && i.State == Stopped && i.StateCode != plainStop,
				"hibernation is enabled, and the reason of its state is %s", orNone(i.StateCode))
		},
	},
	{
		id: "hibernation", title: "the instance can hibernate",
		flag: "--accept-hibernation", usage: "stop an instance that could hibernate, without hibernating it",
		instead: "It will be stopped and not hibernated: what is in its memory is lost, and backups of it may not boot if it has ever hibernated",
		look: func(s *situation) []string {
			return when(s.stops() && s.was.Instance.Hibernation, "hibernation is enabled for instance %s", s.was.Instance.ID)
		},
	},
	{
		id: "stop-protection", title: "the instance is protected from being stopped",
		flag: "--lift-stop-protection", usage: "lift the instance's stop protection, and put it back afterwards",
		instead: "With the flag it is lifted just before the stop, and put back before anything else after the start",
		look: func(s *situation) []string {
			return when(s.stops() && s.was.Attributes.StopProtection, "stop protection (DisableApiStop) is on")
		},
	},
	{
		id: "shutdown-terminates", title: "a shutdown from inside terminates the instance", note: true,
		instead: "A stop through the API does not; but do not shut it down from inside",
		look: func(s *situation) []string {
			return when(s.was.Attributes.Shutdown == "terminate", "its shutdown behaviour is terminate")
		},
	},
	{
		id: "macos", title: "the instance runs macOS",
		instead: "Its filesystem cannot be read by the helper: use Session Manager, or replace the root volume",
		look: func(s *situation) []string {
			return when(strings.HasSuffix(s.was.Instance.Architecture, "_mac"), "its architecture is %s", s.was.Instance.Architecture)
		},
	},
}

// scarce are the types with accelerators or of exceptional size, and the whole
// machines.
var scarce = regexp.MustCompile(`^(p|g|dl|f|inf|trn|vt|hpc|u|x|z|mac)[0-9-]|\.metal`)

// plainStop is the reason of the state after StopInstances without Hibernate.
const plainStop = "Client.UserInitiatedShutdown"

// stops tells whether the rescue has to stop the instance.
func (s *situation) stops() bool {
	state := s.was.Instance.State
	return state == Running || state == Pending
}

// when is one finding, or none.
func when(so bool, format string, args ...any) []string {
	if !so {
		return nil
	}
	return []string{fmt.Sprintf(format, args...)}
}

func rootMissing(s *situation) []string {
	i := s.was.Instance
	if gone(i.State) || (i.RootDeviceType != "" && i.RootDeviceType != "ebs") {
		return nil // said already
	}
	switch {
	case s.was.Root.Volume == "":
		return when(true, "nothing is attached at its root device %s", orNone(i.RootDevice))
	case s.was.Volume.ID == "":
		return when(true, "volume %s, which its block device mapping names, cannot be found", s.was.Root.Volume)
	}
	return nil
}

// rootAttachment wants one attachment, the one that the instance tells of.
func rootAttachment(s *situation) []string {
	o := s.was
	if o.Volume.ID == "" {
		return nil
	}
	id := o.Volume.ID
	var found []string
	if o.Root.State != "attached" {
		found = append(found, fmt.Sprintf("the attachment of volume %s is %s", id, orNone(o.Root.State)))
	}
	if o.Volume.Zone != o.Instance.Zone {
		found = append(found, fmt.Sprintf("volume %s is in %s, and the instance in %s", id, o.Volume.Zone, o.Instance.Zone))
	}
	for _, a := range o.Volume.Attachments {
		switch {
		case a.Instance != o.Instance.ID:
			found = append(found, fmt.Sprintf("volume %s is attached to instance %s too", id, a.Instance))
		case a.Device != o.Instance.RootDevice:
			found = append(found, fmt.Sprintf("volume %s is attached at %s, and the root device is %s", id, a.Device, o.Instance.RootDevice))
		case a.State != "attached":
			found = append(found, fmt.Sprintf("the attachment of volume %s is %s", id, a.State))
		}
	}
	if len(o.Volume.Attachments) == 0 {
		found = append(found, fmt.Sprintf("volume %s tells of no attachment", id))
	}
	return slices.Compact(found)
}
