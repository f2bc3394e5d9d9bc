package ec2

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
	"github.com/seed-77750964/regain/lab/wire"
)

// A launch is an instance to be added to the account: what RunInstances asks for,
// or what Create is told.
type launch struct {
	instance // as it is to be
	public   *bool
	devices  []launchDevice
}

type launchDevice struct {
	volume volume
	key    string
	device string
	remove bool // DeleteOnTermination
}

// add makes the instance with its volumes and its network interface. It is stopped;
// the caller starts it.
func (e *EC2) add(a *account, l launch, now time.Time) (*instance, error) {
	i := &l.instance
	i.ID = cmp.Or(i.ID, e.newID("i"))
	if a.Instances[i.ID] != nil {
		return nil, wire.Faultf("InvalidParameterValue", "The instance '%s' exists.", i.ID)
	}
	i.State, i.Made, i.Launched, i.Shutdown = stopped, now, now, cmp.Or(i.Shutdown, "stop")
	m := i.Metadata
	i.Metadata = metadataOptions{cmp.Or(m.Tokens, "required"), cmp.Or(m.Endpoint, "enabled"), cmp.Or(m.Tags, "disabled"), cmp.Or(m.Hops, 2)}
	if k := a.keyPairNamed(i.KeyName); k != nil {
		i.PublicKey = k.Public
	}
	if err := e.connect(a, i, l.public); err != nil {
		return nil, err
	}
	if i.Spot != "" {
		i.SpotRequest = "sir-" + strings.TrimPrefix(e.newID("i"), "i-")[:8]
	}
	a.Instances[i.ID] = i
	for _, d := range l.devices {
		d.volume.Zone = i.Zone
		v, err := e.newVolume(a, d.volume, d.key, now)
		if err != nil {
			return nil, err
		}
		v.State, v.Operator = "in-use", i.Operator
		v.Attachment = &attachment{
			Instance: i.ID, Device: d.device, State: "attaching", Since: now, Due: e.after(now, "ec2.volume.attaching"), DeleteOnTermination: d.remove,
		}
	}
	return i, nil
}

// boot sends a stopped instance on its way. That a volume cannot be decrypted, or that
// a Spot instance lost its root, shows only later: the start is answered with success.
func (e *EC2) boot(ctx context.Context, a *account, i *instance, now time.Time) {
	i.State, i.Due, i.Launched = pending, e.after(now, "ec2.instance.pending"), now
	i.Reason, i.Transition, i.Broken, i.Lost = reason{}, "", reason{}, false
	locked := i.lostSpotRoot(a)
	for _, v := range a.volumesOf(i) {
		locked = locked || !e.opens(ctx, v)
	}
	if locked {
		i.Broken = reason{"Client.InternalError", "Client.InternalError: Client error on launch"}
	}
	if i.AutoPublic && a.addressOf(i.ID) == nil {
		i.Public = a.newPublic()
	}
}

// opens tells whether EBS can use the key of a volume: it is enabled, and the caller
// may make a grant where it is a customer's.
func (e *EC2) opens(ctx context.Context, v *volume) bool {
	if !v.Encrypted {
		return true
	}
	_, enabled, _, ok := e.Keys.Key(v.Key)
	return ok && enabled && !wire.Refused(ctx, "kms:CreateGrant", v.Key)
}

// connect gives an instance its network interface.
func (e *EC2) connect(a *account, i *instance, public *bool) error {
	s, err := a.subnetFor(i.Subnet, i.Zone)
	if err != nil {
		return err
	}
	if i.Zone != "" && i.Zone != s.Zone {
		return wire.Faultf("InvalidParameterValue", "The subnet '%s' is in the zone %s, not in %s.", s.ID, s.Zone, i.Zone)
	}
	i.Subnet, i.Vpc, i.Zone = s.ID, s.Vpc, s.Zone
	if len(i.Groups) == 0 {
		i.Groups = one(a.defaultGroup(s.Vpc).ID)
	}
	for _, id := range i.Groups {
		g, err := a.group(id)
		if err != nil {
			return err
		}
		if g.Vpc != s.Vpc {
			return wire.Faultf("InvalidParameter", "Security group %s and subnet %s belong to different networks.", id, s.ID)
		}
	}
	if i.Private, err = a.newPrivate(s); err != nil {
		return err
	}
	i.AutoPublic = s.MapPublic
	set(&i.AutoPublic, public)
	b := netip.MustParseAddr(i.Private).As4()
	i.Card, i.CardAttachment, i.MAC = e.newID("eni"), e.newID("eni-attach"), fmt.Sprintf("0a:ff:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
	return nil
}

// kindFor: what the lab's helper image runs with an instance profile is a rescue
// box; all else boots from its own root.
func kindFor(x *image, profile string) machine.Kind {
	if x.Helper && profile != "" {
		return machine.Helper
	}
	return machine.Guest
}
