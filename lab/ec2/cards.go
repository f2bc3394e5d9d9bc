package ec2

import (
	"context"
	"slices"
	"time"
)

// A cardItem is the network interface of an instance. Each instance has one, and
// there are no others.
type cardItem struct {
	ID          string           `xml:"networkInterfaceId"`
	Subnet      string           `xml:"subnetId"`
	Vpc         string           `xml:"vpcId"`
	Zone        string           `xml:"-"`
	Description string           `xml:"description"`
	Owner       string           `xml:"ownerId"`
	Status      string           `xml:"status"`
	MAC         string           `xml:"macAddress"`
	Private     string           `xml:"privateIpAddress"`
	PrivateDNS  string           `xml:"privateDnsName"`
	Check       bool             `xml:"sourceDestCheck"`
	Groups      []groupItem      `xml:"groupSet>item"`
	Attachment  cardAttachment   `xml:"attachment"`
	Association *cardAssociation `xml:"association"`
	Addresses   []cardAddress    `xml:"privateIpAddressesSet>item"`
	Kind        string           `xml:"interfaceType"`
}

type cardAttachment struct {
	ID                  string `xml:"attachmentId"`
	Index               int    `xml:"deviceIndex"`
	Status              string `xml:"status"`
	AttachTime          string `xml:"attachTime"`
	DeleteOnTermination bool   `xml:"deleteOnTermination"`
}

type cardAssociation struct {
	IP    string `xml:"publicIp"`
	DNS   string `xml:"publicDnsName"`
	Owner string `xml:"ipOwnerId"`
}

type cardAddress struct {
	Private     string           `xml:"privateIpAddress"`
	PrivateDNS  string           `xml:"privateDnsName"`
	Primary     bool             `xml:"primary"`
	Association *cardAssociation `xml:"association"`
}

func (e *EC2) cardItem(a *account, i *instance) cardItem {
	item := cardItem{
		ID: i.Card, Subnet: i.Subnet, Vpc: i.Vpc, Zone: i.Zone, Owner: e.Account, Status: "in-use", MAC: i.MAC, Private: i.Private,
		PrivateDNS: e.privateName(i), Check: true, Groups: a.groupItems(i.Groups), Kind: "interface",
		Attachment: cardAttachment{i.CardAttachment, 0, "attached", stamp(i.Made), true},
	}
	if ip, owner := e.publicOf(a, i); ip != "" {
		item.Association = &cardAssociation{ip, "", owner}
	}
	item.Addresses = []cardAddress{{i.Private, item.PrivateDNS, true, item.Association}}
	return item
}

// describedCard is the same interface as DescribeNetworkInterfaces shows it.
type describedCard struct {
	cardItem
	Zone       string         `xml:"availabilityZone"`
	Tags       []tagItem      `xml:"tagSet>item"`
	Requester  bool           `xml:"requesterManaged"`
	Attachment cardAttachedTo `xml:"attachment"`
}

type cardAttachedTo struct {
	cardAttachment
	Instance string `xml:"instanceId"`
	Owner    string `xml:"instanceOwnerId"`
}

func (e *EC2) describeNetworkInterfaces(_ context.Context, r *request) (any, error) {
	return describe(e, r, "NetworkInterfaceId", "networkInterfaceSet", cardListing, func(a *account, i *instance, _ time.Time) describedCard {
		c := e.cardItem(a, i)
		return describedCard{cardItem: c, Zone: i.Zone, Tags: a.tagItems(i.Card), Attachment: cardAttachedTo{c.Attachment, i.ID, e.Account}}
	})
}

var cardListing = listing[*instance]{
	all: func(a *account) []*instance {
		return slices.DeleteFunc(sorted(a.Instances), func(i *instance) bool { return i.Private == "" })
	},
	id: func(i *instance) string { return i.Card }, kind: cardKind,
	fields: map[string]func(*account, *instance) []string{
		"network-interface-id":   func(_ *account, i *instance) []string { return one(i.Card) },
		"attachment.instance-id": func(_ *account, i *instance) []string { return one(i.ID) },
		"subnet-id":              func(_ *account, i *instance) []string { return one(i.Subnet) },
		"vpc-id":                 func(_ *account, i *instance) []string { return one(i.Vpc) },
		"group-id":               func(_ *account, i *instance) []string { return i.Groups },
		"private-ip-address":     func(_ *account, i *instance) []string { return one(i.Private) },
		"availability-zone":      func(_ *account, i *instance) []string { return one(i.Zone) },
		"status":                 func(*account, *instance) []string { return one("in-use") },
	},
}
