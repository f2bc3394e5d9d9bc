package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// kinds are the types of resource by the prefix of their ids.
var kinds = map[string]string{
	"i": "instance", "vol": "volume", "snap": "snapshot", "ami": "image", "vpc": "vpc", "subnet": "subnet", "igw": "internet-gateway",
	"rtb": "route-table", "sg": "security-group", "eni": "network-interface", "eipalloc": "elastic-ip", "r": "reservation",
}

// A kind of resource: what its ids begin with, and how EC2 says that there is none.
type kind struct{ prefix, code, text string }

var (
	vpcKind      = kind{"vpc", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist"}
	gatewayKind  = kind{"igw", "InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist"}
	tableKind    = kind{"rtb", "InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist"}
	subnetKind   = kind{"subnet", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"}
	groupKind    = kind{"sg", "InvalidGroup.NotFound", "The security group '%s' does not exist"}
	volumeKind   = kind{"vol", "InvalidVolume.NotFound", "The volume '%s' does not exist."}
	snapshotKind = kind{"snap", "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist."}
	imageKind    = kind{"ami", "InvalidAMIID.NotFound", "The image id '[%s]' does not exist"}
	addressKind  = kind{"eipalloc", "InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist"}
	cardKind     = kind{"eni", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"}
	instanceKind = kind{"i", "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist"}
)

// lost says that there are no such resources.
func (k kind) lost(ids ...string) error {
	text := k.text
	if len(ids) > 1 {
		text = strings.NewReplacer("ID '", "IDs '", "does not", "do not").Replace(text)
	}
	return wire.Faultf(k.code, text, strings.Join(ids, ", "))
}

// find looks a resource up by its id.
func find[T any](of map[string]*T, k kind, id string) (*T, error) {
	if err := checkID(id, k.prefix); err != nil {
		return nil, err
	}
	if x := of[id]; x != nil {
		return x, nil
	}
	return nil, k.lost(id)
}

// kindOf is the type of a resource by its id.
func kindOf(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	return kinds[prefix]
}

// newID makes an id of 17 hexadecimal digits, as EC2's are.
func (e *EC2) newID(prefix string) string {
	var random [9]byte
	if _, err := io.ReadFull(e.Random, random[:]); err != nil {
		panic("ec2: no randomness: " + err.Error())
	}
	return prefix + "-0" + hex.EncodeToString(random[:])[:16]
}

var idForm = regexp.MustCompile(`^[a-z]+-([0-9a-f]{8}|[0-9a-f]{17})$`)

// checkID refuses what cannot be an id of its kind.
func checkID(id, prefix string) error {
	if prefix == "" || strings.HasPrefix(id, prefix+"-") && idForm.MatchString(id) {
		return nil
	}
	code := map[string]string{
		"i": "InvalidInstanceID.Malformed", "ami": "InvalidAMIID.Malformed", "snap": "InvalidSnapshotID.Malformed", "vpc": "InvalidVpcID.Malformed",
		"sg": "InvalidGroupId.Malformed",
	}[prefix]
	switch {
	case code != "":
		return wire.Faultf(code, "Invalid id: \"%s\" (expecting \"%s-...\")", id, prefix)
	case prefix == "vol":
		return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter volumeId is invalid. Expected: 'vol-...'.", id)
	}
	return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter %s is invalid.", id, kinds[prefix])
}

// exists tells whether there is a resource that can have tags.
func (a *account) exists(id string) error {
	var ok bool
	switch kindOf(id) {
	case "instance":
		_, err := a.instance(id)
		return err
	case "volume":
		_, err := a.volume(id)
		return err
	case "snapshot":
		_, err := a.snapshot(id)
		return err
	case "image":
		_, err := a.image(id)
		return err
	case "vpc":
		ok = a.Vpcs[id] != nil
	case "subnet":
		ok = a.Subnets[id] != nil
	case "internet-gateway":
		ok = a.Gateways[id] != nil
	case "route-table":
		ok = a.Routes[id] != nil
	case "security-group":
		ok = a.Groups[id] != nil
	case "elastic-ip":
		ok = a.Addresses[id] != nil
	case "network-interface":
		ok = slices.ContainsFunc(sorted(a.Instances), func(i *instance) bool { return i.Card == id && i.State != terminated })
	}
	if !ok {
		return wire.Faultf("InvalidID", "The ID '%s' is not valid", id)
	}
	return nil
}

// remembered is what an earlier call with this token has made; nil when the call
// is to be carried out.
func (a *account) remembered(action, clientToken string, r *request) ([]string, error) {
	if len(clientToken) > rules.LimitOf("idempotency.token.length") {
		return nil, wire.Faultf("InvalidParameterValue", "The client token is longer than %d characters.", rules.LimitOf("idempotency.token.length"))
	}
	t, ok := a.Tokens[action+" "+clientToken]
	switch {
	case clientToken == "" || !ok:
		return nil, nil
	case t.Asked != r.digest():
		return nil, wire.Faultf("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	return t.Made, nil
}

func (a *account) remember(action, clientToken string, r *request, made []string) {
	if clientToken != "" {
		a.Tokens[action+" "+clientToken] = token{r.digest(), made}
	}
}

// digest tells requests with different parameters apart. The parameters
// themselves are not kept: user data may hold secrets.
func (r *request) digest() string {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(r.values)) {
		if k != "Version" && k != "Action" {
			fmt.Fprintf(h, "%q=%q\n", k, r.values[k])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// done is the answer of calls that only say that they did what was asked.
var done = struct {
	Return bool `xml:"return"`
}{true}

// arn names a resource for IAM. Images and snapshots belong to no account there.
func (e *EC2) arn(kind, id string) string {
	owner := e.Account
	if kind == "image" || kind == "snapshot" {
		owner = ""
	}
	return "arn:aws:ec2:" + e.Region + ":" + owner + ":" + kind + "/" + id
}

// zones are the availability zones of the region.
func (e *EC2) zones() []string { return []string{e.Region + "a", e.Region + "b", e.Region + "c"} }

func (e *EC2) hasZone(name string) bool { return slices.Contains(e.zones(), name) }

// shortRegion is the short form in zone ids: use1 for us-east-1.
func shortRegion(region string) string {
	parts := strings.Split(region, "-")
	if len(parts) < 3 {
		return region
	}
	short := map[string]string{"north": "n", "south": "s", "east": "e", "west": "w", "central": "c"}
	way := short[parts[1]]
	if way == "" { // southeast and its like
		way = parts[1][:1] + "e"
		if strings.HasSuffix(parts[1], "west") {
			way = parts[1][:1] + "w"
		}
	}
	return parts[0] + way + parts[len(parts)-1]
}
