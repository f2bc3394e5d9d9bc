package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"strings"
	"time"
)

// describeInstances shows them by their reservations.
func (e *EC2) describeInstances(ctx context.Context, r *request) (any, error) {
	answer, err := instanceListing.describe(e, ctx, r)
	if err != nil {
		return nil, err
	}
	list := answer.(item)
	var order []string
	by := map[string][]item{}
	for _, i := range list.get(instanceListing.set).([]item) {
		id := i.texts(reservationOf)[0]
		if by[id] == nil {
			order = append(order, id)
		}
		by[id] = append(by[id], i)
	}
	var reservations []item
	for _, id := range order {
		reservations = append(reservations, e.reservation(id, by[id]))
	}
	return append(item{{"reservationSet", reservations}}, list[1:]...), nil
}

func (e *EC2) reservation(id string, instances []item) item {
	return item{{"reservationId", id}, {"ownerId", e.Account}, {"groupSet", []item(nil)}, {"instancesSet", instances}}
}

// reservationOf is where an instance has its reservation.
const reservationOf = "reservationId"

var instanceListing = listing{
	ids: "InstanceId", set: "instancesSet", kind: instanceKind,
	filters: map[string]string{
		"instance-id": "instanceId", "instance-state-name": "instanceState/name", "instance-state-code": "instanceState/code",
		"instance-type": "instanceType", "instance-lifecycle": "instanceLifecycle", "image-id": "imageId", "architecture": "architecture",
		"availability-zone": "placement/availabilityZone", "client-token": "clientToken", "key-name": "keyName", "platform": "platform",
		"private-ip-address": "privateIpAddress", "reservation-id": reservationOf, "root-device-name": "rootDeviceName", "root-device-type": "rootDeviceType",
		"subnet-id": "subnetId", "vpc-id": "vpcId", "instance.group-id": "groupSet/item/groupId", "iam-instance-profile.arn": "iamInstanceProfile/arn",
		"ip-address": "ipAddress", "block-device-mapping.volume-id": "blockDeviceMapping/item/ebs/volumeId",
	},
	rows: rows(func(a *account) map[string]*instance { return a.Instances }, (*EC2).instanceItem),
}

// instanceItem is an instance as DescribeInstances and RunInstances show it.
func (e *EC2) instanceItem(a *account, i *instance, _ time.Time) item {
	t := typeOf(i.Type)
	boot, cores, threads := "legacy-bios", max(t.CPUs/2, 1), min(t.CPUs, 2)
	if i.Arch == "arm64" {
		boot, cores, threads = "uefi", t.CPUs, 1
	}
	details, operation, lifecycle, root := "Linux/UNIX", "RunInstances", "", "ebs"
	if i.Platform == "windows" {
		details, operation = "Windows", "RunInstances:0002"
	}
	if i.Spot != "" {
		lifecycle = "spot"
	}
	if i.StoreRoot != "" {
		root = "instance-store"
	}
	x := item{
		{"instanceId", i.ID}, {"imageId", i.Image}, {"instanceState", stateItem(i.State)}, {"reason", i.Transition}, {"keyName?", i.KeyName},
		{"amiLaunchIndex", i.Order}, {"instanceType", i.Type}, {"launchTime", i.Launched}, {"platform?", i.Platform}, {"monitoring", item{{"state", "disabled"}}},
		{"placement", item{{"availabilityZone", i.Zone}, {"groupName", ""}, {"tenancy", "default"}}},
		{"subnetId?", i.Subnet}, {"vpcId?", i.Vpc}, {"privateIpAddress?", i.Private}, {"sourceDestCheck", true}, {"groupSet", a.groupItems(i.Groups)},
		{"stateReason?", i.Reason.item()}, {"architecture", i.Arch}, {"rootDeviceType", root}, {"rootDeviceName?", i.RootDevice},
		{"virtualizationType", "hvm"}, {"instanceLifecycle?", lifecycle}, {"spotInstanceRequestId?", i.SpotRequest}, {"clientToken?", i.Token},
		{"hypervisor", "xen"}, {"iamInstanceProfile?", profileItem(i.Profile)}, {"ebsOptimized", false}, {"enaSupport", t.Nitro},
		{"cpuOptions", item{{"coreCount", cores}, {"threadsPerCore", threads}}}, {"hibernationOptions", item{{"configured", i.Hibernation}}},
		{"capacityReservationSpecification", item{{"capacityReservationPreference", "open"}}}, {"enclaveOptions", item{{"enabled", false}}},
		{"metadataOptions", i.Metadata.item()},
		{"currentInstanceBootMode", boot}, {"platformDetails", details}, {"usageOperation", operation}, {"usageOperationUpdateTime", i.Made},
		{"maintenanceOptions", item{{"autoRecovery", "default"}}}, operated(i.Operator), {"." + reservationOf, i.Reservation},
	}
	return append(append(x, a.deviceFields(i)...), e.networkFields(a, i)...)
}

func (r reason) item() item {
	if r.Code == "" {
		return nil
	}
	return item{{"code", r.Code}, {"message", r.Message}}
}

func profileItem(arn string) item {
	if arn == "" {
		return nil
	}
	return item{{"arn", arn}, {"id", profileID(arn)}}
}

// profileID is made up: IAM gives one, which nobody asks for here.
func profileID(arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return "AIPA" + strings.ToUpper(hex.EncodeToString(sum[:]))[:17]
}

// deviceFields are what an instance shows of its volumes.
func (a *account) deviceFields(i *instance) item {
	var devices []item
	var codes []string
	for _, v := range a.volumesOf(i) {
		x := v.Attachment
		status := strings.Replace(x.State, "busy", "detaching", 1)
		devices = append(devices, item{{"deviceName", x.Device}, {"ebs", item{
			{"volumeId", v.ID}, {"status", status}, {"attachTime", x.Since}, {"deleteOnTermination", x.DeleteOnTermination}, operated(v.Operator),
		}}})
		codes = append(codes, v.ProductCodes...)
	}
	return item{{"blockDeviceMapping", devices}, productCodes(codes)}
}

// networkFields are what an instance shows of its network interface. Where its
// machine's sshd is not at port 22, a tag tells.
func (e *EC2) networkFields(a *account, i *instance) item {
	var cards []item
	var name string
	ip, _ := e.publicOf(a, i)
	tags := a.tagItems(i.ID)
	if i.Private != "" {
		cards, name = []item{append(e.cardItem(a, i), i.plugged())}, e.privateName(i)
	}
	if host, port := e.reachable(i); ip != "" && host != "" && port != "22" {
		tags = append(tags, item{{"key", "lab:ssh-port"}, {"value", port}})
	}
	return item{{"privateDnsName", name}, {"dnsName", ""}, {"ipAddress?", ip}, {"networkInterfaceSet", cards}, {"tagSet?", tags}}
}

// publicOf is the public address of an instance and its owner: the account for an
// Elastic IP, amazon for an automatic one. The address at which the machine can
// be reached from this host stands in for the one that EC2 would show.
func (e *EC2) publicOf(a *account, i *instance) (ip, owner string) {
	if x := a.addressOf(i.ID); x != nil {
		ip, owner = x.IP, e.Account
	} else if i.Public != "" {
		ip, owner = i.Public, "amazon"
	}
	if host, _ := e.reachable(i); ip != "" && host != "" {
		ip = host
	}
	return ip, owner
}

func (e *EC2) reachable(i *instance) (host, port string) {
	if !e.hasMachine(i) || !e.boxes.on(i.ID) {
		return "", ""
	}
	host, port, err := net.SplitHostPort(e.Host.Address(i.ID))
	if err != nil {
		return "", ""
	}
	return host, port
}

func (e *EC2) privateName(i *instance) string {
	domain := e.Region + ".compute.internal"
	if e.Region == "us-east-1" {
		domain = "ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(i.Private, ".", "-") + "." + domain
}
