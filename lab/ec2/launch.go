package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
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
	if i.ID == "" {
		i.ID = e.newID("i")
	}
	if a.Instances[i.ID] != nil {
		return nil, wire.Faultf("InvalidParameterValue", "The instance '%s' exists.", i.ID)
	}
	i.State, i.Made, i.Launched = stopped, now, now
	if i.Shutdown == "" {
		i.Shutdown = "stop"
	}
	i.Metadata.fill()
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

// boot sends a stopped instance on its way.
func (e *EC2) boot(a *account, i *instance, now time.Time) {
	i.State, i.Due, i.Launched = pending, e.after(now, "ec2.instance.pending"), now
	i.Reason, i.Transition, i.Broken = reason{}, "", e.lockedOut(a, i)
	if i.lostSpotRoot(a) {
		i.Broken = reason{"Client.InternalError", "Client.InternalError: Client error on launch"}
	}
	if i.AutoPublic && a.addressOf(i.ID) == nil {
		i.Public = a.newPublic()
	}
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
		g := a.Groups[id]
		if g == nil {
			return wire.Faultf("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
		if g.Vpc != s.Vpc {
			return wire.Faultf("InvalidParameter", "Security group %s and subnet %s belong to different networks.", id, s.ID)
		}
	}
	if i.Private, err = a.newPrivate(s); err != nil {
		return err
	}
	i.AutoPublic = s.MapPublic
	if public != nil {
		i.AutoPublic = *public
	}
	i.Card, i.CardAttachment = e.newID("eni"), e.newID("eni-attach")
	b := netip.MustParseAddr(i.Private).As4()
	i.MAC = fmt.Sprintf("0a:ff:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3])
	return nil
}

// newPrivate is the next free address of a subnet. It is unique in the account, as
// all machines share one host.
func (a *account) newPrivate(s *subnet) (string, error) {
	taken := map[string]bool{}
	for _, i := range a.Instances {
		taken[i.Private] = true
	}
	prefix := netip.MustParsePrefix(s.CIDR)
	size := 1 << (32 - prefix.Bits())
	usable := size - 5 // EC2 keeps the first four and the last
	for range usable {
		at := 4 + s.Used%usable
		s.Used++
		if ip := offset(prefix.Addr(), at).String(); !taken[ip] {
			return ip, nil
		}
	}
	return "", wire.Faultf("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", s.ID)
}

func offset(ip netip.Addr, n int) netip.Addr {
	b := ip.As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += uint32(n)
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// newPublic is a public address that was never used: from 198.18.0.0/15, which is
// for tests (RFC 2544), so that no client ever reaches a stranger.
func (a *account) newPublic() string {
	a.NextPublic++
	return offset(netip.MustParseAddr("198.18.0.0"), a.NextPublic).String()
}

func (m *metadataOptions) fill() {
	if m.Tokens == "" {
		m.Tokens = "required"
	}
	if m.Endpoint == "" {
		m.Endpoint = "enabled"
	}
	if m.Hops == 0 {
		m.Hops = 2
	}
	if m.Tags == "" {
		m.Tags = "disabled"
	}
}

// kindFor: what the lab's helper image runs with an instance profile is a rescue
// box; all else boots from its own root.
func kindFor(x *image, profile string) machine.Kind {
	if x != nil && x.Helper && profile != "" {
		return machine.Helper
	}
	return machine.Guest
}

// profileID is the id of an instance profile: IAM gives one, which nobody asks for
// here.
func profileID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AIPA" + strings.ToUpper(hex.EncodeToString(sum[:]))[:17]
}

// subnetFor is the subnet that is named, or the default one of a zone; the first
// zone's, where none is named.
func (a *account) subnetFor(id, zone string) (*subnet, error) {
	if id != "" {
		return a.subnet(id)
	}
	of := sorted(a.Subnets)
	slices.SortFunc(of, func(x, y *subnet) int { return strings.Compare(x.Zone, y.Zone) })
	at := slices.IndexFunc(of, func(s *subnet) bool { return s.Default && (zone == "" || s.Zone == zone) })
	if at < 0 {
		return nil, wire.Faultf("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
	}
	return of[at], nil
}
