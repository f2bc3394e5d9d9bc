package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/seed-77750964/regain/lab/rules"
	"github.com/seed-77750964/regain/lab/wire"
)

// A kind of resource: what its ids begin with, its name in IAM and in tags, and how
// EC2 says that there is none and that an id cannot be one.
type kind struct{ prefix, name, lostCode, lostText, malformed string }

var (
	instanceKind = kind{"i", "instance", "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", "InvalidInstanceID.Malformed"}
	volumeKind   = kind{"vol", "volume", "InvalidVolume.NotFound", "The volume '%s' does not exist.", ""}
	snapshotKind = kind{"snap", "snapshot", "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", "InvalidSnapshotID.Malformed"}
	imageKind    = kind{"ami", "image", "InvalidAMIID.NotFound", "The image id '[%s]' does not exist", "InvalidAMIID.Malformed"}
	vpcKind      = kind{"vpc", "vpc", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", "InvalidVpcID.Malformed"}
	subnetKind   = kind{"subnet", "subnet", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", ""}
	gatewayKind  = kind{"igw", "internet-gateway", "InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", ""}
	tableKind    = kind{"rtb", "route-table", "InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", ""}
	groupKind    = kind{"sg", "security-group", "InvalidGroup.NotFound", "The security group '%s' does not exist", "InvalidGroupId.Malformed"}
	cardKind     = kind{"eni", "network-interface", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", ""}
	keyPairKind  = kind{"key", "key-pair", "InvalidKeyPair.NotFound", "The key pair ID '%s' does not exist", ""}
	addressKind  = kind{"eipalloc", "elastic-ip", "InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist", ""}
)

var kinds = []kind{
	instanceKind, volumeKind, snapshotKind, imageKind, vpcKind, subnetKind, gatewayKind, tableKind, groupKind, cardKind, addressKind, keyPairKind,
}

// kindOf is the kind of a resource by its id.
func kindOf(id string) kind {
	prefix, _, _ := strings.Cut(id, "-")
	for _, k := range kinds {
		if k.prefix == prefix {
			return k
		}
	}
	return kind{}
}

// lost says that there are no such resources.
func (k kind) lost(ids ...string) error {
	text := k.lostText
	if len(ids) > 1 {
		text = strings.NewReplacer("ID '", "IDs '", "does not", "do not").Replace(text)
	}
	return wire.Faultf(k.lostCode, text, strings.Join(ids, ", "))
}

// find looks a resource up by its id.
func find[T any](of map[string]*T, k kind, id string) (*T, error) {
	if err := checkID(id, k); err != nil {
		return nil, err
	}
	if x := of[id]; x != nil {
		return x, nil
	}
	return nil, k.lost(id)
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
func checkID(id string, k kind) error {
	switch {
	case k.prefix == "" || strings.HasPrefix(id, k.prefix+"-") && idForm.MatchString(id):
		return nil
	case k.malformed != "":
		return wire.Faultf(k.malformed, "Invalid id: \"%s\" (expecting \"%s-...\")", id, k.prefix)
	}
	return wire.Faultf("InvalidParameterValue", "Value (%s) for parameter %sId is invalid. Expected: '%s-...'.", id, k.name, k.prefix)
}

// exists refuses what is no resource that can have tags.
func (a *account) exists(id string) error {
	look, ok := map[kind]func(string) error{
		instanceKind: refusal(a.instance), volumeKind: refusal(a.volume), snapshotKind: refusal(a.snapshot), imageKind: refusal(a.image),
		vpcKind: refusal(a.vpc), subnetKind: refusal(a.subnet), gatewayKind: refusal(a.gateway), tableKind: refusal(a.table),
		groupKind: refusal(a.group), addressKind: refusal(a.address), cardKind: refusal(a.card), keyPairKind: refusal(a.keyPair),
	}[kindOf(id)]
	if !ok {
		return wire.Faultf("InvalidID", "The ID '%s' is not valid", id)
	}
	return look(id)
}

// refusal is why something is not found.
func refusal[T any](find func(string) (T, error)) func(string) error {
	return func(id string) error {
		_, err := find(id)
		return err
	}
}

// once carries out what makes resources, unless a call with the same token has done
// so: then they are those that it made.
func (a *account) once(r *request, clientToken string, do func() ([]string, error)) ([]string, error) {
	key, asked := r.action+" "+clientToken, r.digest()
	before, ok := a.Tokens[key]
	switch {
	case len(clientToken) > rules.LimitOf("idempotency.token.length"):
		return nil, wire.Faultf("InvalidParameterValue", "The client token is longer than %d characters.", rules.LimitOf("idempotency.token.length"))
	case ok && before.Asked == asked:
		return before.Made, nil
	case ok:
		return nil, wire.Faultf("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	made, err := do()
	if err == nil && clientToken != "" {
		a.Tokens[key] = token{asked, made}
	}
	return made, err
}

// digest tells requests with different parameters apart. The parameters
// themselves are not kept: user data may hold secrets.
func (r *request) digest() string {
	h := sha256.New()
	for _, k := range keys(r.values) {
		if k != "Version" && k != "Action" {
			fmt.Fprintf(h, "%q=%q\n", k, r.values[k])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// arn names a resource for IAM. Images and snapshots belong to no account there.
func (e *EC2) arn(kind, id string) string {
	owner := e.Account
	if kind == imageKind.name || kind == snapshotKind.name {
		owner = ""
	}
	return "arn:aws:ec2:" + e.Region + ":" + owner + ":" + kind + "/" + id
}
