package ec2

import "time"

// cardItem is the network interface of an instance, as all who show it have it. Each
// instance has one, and there are no others.
func (e *EC2) cardItem(a *account, i *instance) item {
	var association item
	if ip, owner := e.publicOf(a, i); ip != "" {
		association = item{{"publicIp", ip}, {"publicDnsName", ""}, {"ipOwnerId", owner}}
	}
	name := e.privateName(i)
	return item{
		{"networkInterfaceId", i.Card}, {"subnetId", i.Subnet}, {"vpcId", i.Vpc}, {"description", ""}, {"ownerId", e.Account}, {"status", "in-use"},
		{"macAddress", i.MAC}, {"privateIpAddress", i.Private}, {"privateDnsName", name}, {"sourceDestCheck", true}, {"groupSet", a.groupItems(i.Groups)},
		{"association?", association}, {"interfaceType", "interface"}, {"privateIpAddressesSet", []item{
			{{"privateIpAddress", i.Private}, {"privateDnsName", name}, {"primary", true}, {"association?", association}},
		}},
	}
}

// plugged is where a network interface is; more of it is shown from the interface's
// side.
func (i *instance) plugged(more ...field) field {
	return field{"attachment", append(item{
		{"attachmentId", i.CardAttachment}, {"deviceIndex", 0}, {"status", "attached"}, {"attachTime", i.Made}, {"deleteOnTermination", true},
	}, more...)}
}

func (a *account) card(id string) (*instance, error) { return find(a.cards(), cardKind, id) }

// cards are the instances by their network interfaces.
func (a *account) cards() map[string]*instance {
	of := map[string]*instance{}
	for _, i := range a.Instances {
		if i.Private != "" {
			of[i.Card] = i
		}
	}
	return of
}

var cardListing = listing{
	ids: "NetworkInterfaceId", set: "networkInterfaceSet", kind: cardKind,
	filters: map[string]string{
		"network-interface-id": "networkInterfaceId", "attachment.instance-id": "attachment/instanceId", "subnet-id": "subnetId", "vpc-id": "vpcId",
		"group-id": "groupSet/item/groupId", "private-ip-address": "privateIpAddress", "availability-zone": "availabilityZone", "status": "status",
	},
	rows: rows((*account).cards, func(e *EC2, a *account, i *instance, _ time.Time) item {
		return append(e.cardItem(a, i), field{"availabilityZone", i.Zone}, field{"requesterManaged", false}, field{"tagSet?", a.tagItems(i.Card)},
			i.plugged(field{"instanceId", i.ID}, field{"instanceOwnerId", e.Account}))
	}),
}
