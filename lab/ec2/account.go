package ec2

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/machine"
)

// An account is all that the service remembers: the document in its file.
type account struct {
	Instances  map[string]*instance
	Volumes    map[string]*volume
	Snapshots  map[string]*snapshot
	Images     map[string]*image
	KeyPairs   map[string]*keyPair
	Addresses  map[string]*address // by allocation id
	Vpcs       map[string]*vpc
	Subnets    map[string]*subnet
	Gateways   map[string]*gateway
	Routes     map[string]*routeTable
	Groups     map[string]*group
	Tags       map[string]map[string]string // by resource id
	Born       map[string]time.Time         // what was made a moment ago
	Tokens     map[string]token             // by action and ClientToken
	Trash      []string                     // image files that nobody needs any more
	NextPublic int
}

// An instance is in one of EC2's six states; Due is when the transition that
// is under way may end.
type instance struct {
	ID, Reservation, Image string
	Order                  int // in its reservation
	Kind                   machine.Kind
	Type, Arch, Platform   string
	KeyName                string
	PublicKey              string // of its key pair, as it was at the launch
	Password               string // base64, as its launch agent has written it
	PasswordAt             time.Time
	State                  string
	Due                    time.Time
	First                  bool   // never ran: a launch that fails is terminated
	Force                  bool   // stops without the guest's consent
	Reboot                 bool   // the machine is to be switched off and on
	Broken                 reason // why the machine cannot run; ends pending
	Lost                   bool   // its hardware broke, and EC2 does not know
	Reason                 reason
	Transition             string // StateTransitionReason
	Made, Launched, Ran    time.Time
	Zone, Subnet, Vpc      string
	Private, Public        string // addresses; Public only while an automatic one is held
	AutoPublic             bool
	Card, MAC              string // the network interface
	CardAttachment         string
	Groups                 []string
	RootDevice             string
	StoreRoot              string // image file of an instance-store root
	Profile, Role          string // ARN of the instance profile, name of its role
	Token                  string
	NoStop, NoTerminate    bool
	Shutdown               string // stop or terminate
	Spot                   string // stop or terminate; empty: on demand
	SpotRequest            string
	Hibernation            bool
	Operator               string // the service that manages the instance
	UserData               string // base64
	Metadata               metadataOptions
}

type reason struct{ Code, Message string }

type metadataOptions struct {
	Tokens, Endpoint, Tags string
	Hops                   int
}

type volume struct {
	ID, Zone, Type, Snapshot, State string
	Size                            int // GiB
	Iops, Throughput                int
	Encrypted                       bool
	Key                             string // ARN
	Made, Due                       time.Time
	Filled                          bool // the image file is there
	ProductCodes                    []string
	Attachment                      *attachment
	LastSnapshot                    time.Time
	Operator                        string
}

type attachment struct {
	Instance, Device, State string // attaching, attached, detaching, busy
	Since, Due              time.Time
	DeleteOnTermination     bool
	Force                   bool
}

// A snapshot is Taken when its file is a whole copy; before, only the call that
// makes it knows of it.
type snapshot struct {
	ID, Volume, Description, State, Key string
	Size                                int
	Encrypted, Taken                    bool
	Made, Due                           time.Time
	ProductCodes                        []string
}

type image struct {
	ID, Name, Description, State, Owner, OwnerAlias string
	Arch, Platform, RootDevice, Source              string
	Made, Due                                       time.Time
	Devices                                         []imageDevice
	ProductCodes                                    []string
	Helper                                          bool
}

type imageDevice struct {
	Device, Snapshot, Type string
	Size                   int
	Encrypted              bool
	DeleteOnTermination    bool
}

type address struct{ Allocation, Association, IP, Instance string }

type vpc struct {
	ID, CIDR, State          string
	Due                      time.Time
	Default                  bool
	DnsSupport, DnsHostnames bool
}

type subnet struct {
	ID, Vpc, CIDR, Zone, State string
	Due                        time.Time
	Default, MapPublic         bool
	Used                       int // addresses given so far
}

type gateway struct{ ID, Vpc string }

type routeTable struct {
	ID, Vpc      string
	Main         bool
	MainID       string            // association of the main table
	Associations map[string]string // association id to subnet
	Routes       []route
}

type route struct{ Destination, Gateway, Origin string }

type group struct {
	ID, Vpc, Name, Description string
	Ingress, Egress            []permission
}

type permission struct {
	Rule, Protocol string
	From, To       int
	List, Target   string // ipRanges, ipv6Ranges or groups, and the range or group
	Description    string
}

// A token remembers what a call with a ClientToken asked and made.
type token struct {
	Asked string // digest of the parameters
	Made  []string
}

// newAccount is an account with nothing in it.
func newAccount() account {
	return account{
		Instances: map[string]*instance{}, Volumes: map[string]*volume{}, Snapshots: map[string]*snapshot{}, Images: map[string]*image{},
		KeyPairs: map[string]*keyPair{}, Addresses: map[string]*address{}, Vpcs: map[string]*vpc{}, Subnets: map[string]*subnet{}, Gateways: map[string]*gateway{},
		Routes: map[string]*routeTable{}, Groups: map[string]*group{}, Tags: map[string]map[string]string{}, Born: map[string]time.Time{},
		Tokens: map[string]token{},
	}
}

// keys are those of a map, sorted.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// sorted are the values of a map by their keys.
func sorted[V any](m map[string]V) []V {
	values := make([]V, 0, len(m))
	for _, k := range keys(m) {
		values = append(values, m[k])
	}
	return values
}

// volumesOf are the volumes of an instance, the root first.
func (a *account) volumesOf(i *instance) []*volume {
	var of []*volume
	for _, v := range a.Volumes {
		if v.Attachment != nil && v.Attachment.Instance == i.ID {
			of = append(of, v)
		}
	}
	place := func(v *volume) string { return strings.TrimPrefix(v.Attachment.Device, i.RootDevice) }
	slices.SortFunc(of, func(x, y *volume) int { return cmp.Compare(place(x), place(y)) })
	return of
}

// rootOf is the volume at the root device, nil where there is none.
func (a *account) rootOf(i *instance) *volume {
	if of := a.volumesOf(i); len(of) > 0 && of[0].Attachment.Device == i.RootDevice {
		return of[0]
	}
	return nil
}

// addressOf is the Elastic IP of an instance, nil where it has none.
func (a *account) addressOf(instance string) *address {
	for _, x := range a.Addresses {
		if x.Instance == instance {
			return x
		}
	}
	return nil
}

// some tells whether one of the resources is as wanted.
func some[V any](of map[string]V, wanted func(V) bool) bool {
	for _, x := range of {
		if wanted(x) {
			return true
		}
	}
	return false
}
