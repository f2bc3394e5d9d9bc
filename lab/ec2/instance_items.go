package ec2

import (
	"net"
	"strings"
)

// An instanceItem is an instance as DescribeInstances and RunInstances show it.
type instanceItem struct {
	InstanceID         string        `xml:"instanceId"`
	ImageID            string        `xml:"imageId"`
	State              stateItem     `xml:"instanceState"`
	PrivateDNS         string        `xml:"privateDnsName"`
	DNS                string        `xml:"dnsName"`
	Reason             string        `xml:"reason"`
	KeyName            string        `xml:"keyName,omitempty"`
	LaunchIndex        int           `xml:"amiLaunchIndex"`
	ProductCodes       []productCode `xml:"productCodes>item"`
	Type               string        `xml:"instanceType"`
	LaunchTime         string        `xml:"launchTime"`
	Placement          placementItem `xml:"placement"`
	Platform           string        `xml:"platform,omitempty"`
	Monitoring         string        `xml:"monitoring>state"`
	SubnetID           string        `xml:"subnetId,omitempty"`
	VpcID              string        `xml:"vpcId,omitempty"`
	PrivateIP          string        `xml:"privateIpAddress,omitempty"`
	PublicIP           string        `xml:"ipAddress,omitempty"`
	SourceDestCheck    bool          `xml:"sourceDestCheck"`
	Groups             []groupItem   `xml:"groupSet>item"`
	StateReason        *reasonItem   `xml:"stateReason"`
	Architecture       string        `xml:"architecture"`
	RootDeviceType     string        `xml:"rootDeviceType"`
	RootDeviceName     string        `xml:"rootDeviceName,omitempty"`
	BlockDevices       []blockDevice `xml:"blockDeviceMapping>item"`
	Virtualization     string        `xml:"virtualizationType"`
	Lifecycle          string        `xml:"instanceLifecycle,omitempty"`
	SpotRequest        string        `xml:"spotInstanceRequestId,omitempty"`
	ClientToken        string        `xml:"clientToken,omitempty"`
	Tags               []tagItem     `xml:"tagSet>item"`
	Hypervisor         string        `xml:"hypervisor"`
	Interfaces         []cardItem    `xml:"networkInterfaceSet>item"`
	Profile            *profileItem  `xml:"iamInstanceProfile"`
	EbsOptimized       bool          `xml:"ebsOptimized"`
	EnaSupport         bool          `xml:"enaSupport"`
	CPU                cpuItem       `xml:"cpuOptions"`
	Reservation        string        `xml:"capacityReservationSpecification>capacityReservationPreference"`
	Hibernation        bool          `xml:"hibernationOptions>configured"`
	Metadata           metadataItem  `xml:"metadataOptions"`
	Enclave            bool          `xml:"enclaveOptions>enabled"`
	BootMode           string        `xml:"bootMode,omitempty"`
	CurrentBootMode    string        `xml:"currentInstanceBootMode"`
	PlatformDetails    string        `xml:"platformDetails"`
	UsageOperation     string        `xml:"usageOperation"`
	UsageOperationTime string        `xml:"usageOperationUpdateTime"`
	AutoRecovery       string        `xml:"maintenanceOptions>autoRecovery"`
	Operator           *operatorItem `xml:"operator"`
}

type placementItem struct {
	Zone    string `xml:"availabilityZone"`
	Group   string `xml:"groupName"`
	Tenancy string `xml:"tenancy"`
}

type groupItem struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type reasonItem struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

type blockDevice struct {
	Device string  `xml:"deviceName"`
	Ebs    ebsItem `xml:"ebs"`
}

type ebsItem struct {
	VolumeID            string        `xml:"volumeId"`
	Status              string        `xml:"status"`
	AttachTime          string        `xml:"attachTime"`
	DeleteOnTermination bool          `xml:"deleteOnTermination"`
	Operator            *operatorItem `xml:"operator"`
}

type profileItem struct {
	ARN string `xml:"arn"`
	ID  string `xml:"id"`
}

type cpuItem struct {
	Cores   int `xml:"coreCount"`
	Threads int `xml:"threadsPerCore"`
}

type metadataItem struct {
	State    string `xml:"state"`
	Tokens   string `xml:"httpTokens"`
	Hops     int    `xml:"httpPutResponseHopLimit"`
	Endpoint string `xml:"httpEndpoint"`
	IPv6     string `xml:"httpProtocolIpv6"`
	Tags     string `xml:"instanceMetadataTags"`
}

func (e *EC2) instanceItem(a *account, i *instance) instanceItem {
	t := typeOf(i.Type)
	item := instanceItem{
		InstanceID: i.ID, ImageID: i.Image, State: stateOf(i.State), Reason: i.Transition, KeyName: i.KeyName, LaunchIndex: i.Order,
		Type: i.Type, LaunchTime: stamp(i.Launched), Placement: placementItem{i.Zone, "", "default"}, Platform: i.Platform, Monitoring: "disabled",
		SubnetID: i.Subnet, VpcID: i.Vpc, PrivateIP: i.Private, SourceDestCheck: true, Groups: a.groupItems(i.Groups),
		Architecture: i.Arch, RootDeviceType: "ebs", RootDeviceName: i.RootDevice, Virtualization: "hvm", SpotRequest: i.SpotRequest,
		ClientToken: i.Token, Tags: a.tagItems(i.ID), Hypervisor: "xen", EnaSupport: t.Nitro, EbsOptimized: false,
		CPU: cpuItem{max(t.CPUs/2, 1), min(t.CPUs, 2)}, Reservation: "open", Hibernation: i.Hibernation,
		Metadata:        metadataItem{"applied", i.Metadata.Tokens, i.Metadata.Hops, i.Metadata.Endpoint, "disabled", i.Metadata.Tags},
		CurrentBootMode: "legacy-bios", PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances", UsageOperationTime: stamp(i.Made),
		AutoRecovery: "default", Operator: operator(i.Operator),
	}
	if i.Arch == "arm64" {
		item.CurrentBootMode, item.CPU = "uefi", cpuItem{t.CPUs, 1}
	}
	if i.Platform == "windows" {
		item.PlatformDetails, item.UsageOperation = "Windows", "RunInstances:0002"
	}
	if i.Spot != "" {
		item.Lifecycle = "spot"
	}
	if i.StoreRoot != "" {
		item.RootDeviceType = "instance-store"
	}
	if i.Reason.Code != "" {
		item.StateReason = &reasonItem{i.Reason.Code, i.Reason.Message}
	}
	if i.Profile != "" {
		item.Profile = &profileItem{i.Profile, profileID(i.Profile)}
	}
	e.addDevices(a, i, &item)
	e.addNetwork(a, i, &item)
	return item
}

func (e *EC2) addDevices(a *account, i *instance, item *instanceItem) {
	for _, v := range a.volumesOf(i) {
		x := v.Attachment
		status := x.State
		if status == "busy" {
			status = "detaching"
		}
		item.BlockDevices = append(item.BlockDevices, blockDevice{
			x.Device, ebsItem{v.ID, status, stamp(x.Since), x.DeleteOnTermination, operator(v.Operator)},
		})
		for _, code := range v.ProductCodes {
			item.ProductCodes = append(item.ProductCodes, productCode{code, "marketplace"})
		}
	}
}

func (e *EC2) addNetwork(a *account, i *instance, item *instanceItem) {
	if i.Private == "" {
		return
	}
	item.PrivateDNS = e.privateName(i)
	card := e.cardItem(a, i)
	item.Interfaces = []cardItem{card}
	if card.Association == nil {
		return
	}
	item.PublicIP, item.DNS = card.Association.IP, card.Association.DNS
	if host, port := e.reachable(i); host != "" && port != "22" {
		item.Tags = append(item.Tags, tagItem{"lab:ssh-port", port})
	}
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
