package policy

import (
	"slices"
	"strings"
)

// Target is one rescue, as far as the permissions for it go.
type Target struct {
	Partition, Region, Account string
	Instance, Volume           string            // the patient and its root volume
	InstanceTags               map[string]string // the customer's own policy may go by them
	Subnet                     string            // the helper's; empty: it will be made
	Image                      string            // the helper's
	RoleARN                    string            // the helper's
	Profile                    string            // the helper's instance profile
	Bucket                     string            // empty: nothing is delivered
	Parameter                  string            // where the key is stored; empty: it is not
	KMSKeys                    []string          // ARNs of the customer's keys that the patient's volumes are encrypted by
	ParameterKey               string            // ARN of the customer's key that encrypts the parameter
	Group                      string            // Auto Scaling group
	Features                   Features
}

// Needed are the permissions that one rescue will ask for after preflight, the
// catalogue's with the ids put in. What is looked at shows by itself.
func Needed(t Target) []Permission {
	var needed []Permission
	for _, g := range controllerGrants {
		if (g.only == nil || g.only(t.Features)) && !t.skips(g) {
			needed = append(needed, t.permissions(g)...)
		}
	}
	return needed
}

// skips leaves out what preflight calls itself, and what this target has not.
func (t Target) skips(g grant) bool {
	switch g.sid {
	case "Look", "LookAtKeys", "LookAtKeyPairs", "LookAtHelperRole", "LookAtGroup", "Simulate", "HelperImage", "Bucket", "VPCQuota", "FindKey", "FetchKey", "FetchKeyDecrypted", "FetchPassword", "NewEncryptedVolumes":
		return true
	case "Standby":
		return t.Group == ""
	case "EncryptedVolumes":
		return len(t.KMSKeys) == 0
	case "StoreKey":
		return t.Parameter == ""
	case "StoreKeyEncrypted":
		return t.ParameterKey == ""
	case "Deliver":
		return t.Bucket == ""
	case "HelperRole":
		return t.RoleARN == ""
	}
	return false
}

func (t Target) permissions(g grant) []Permission {
	context := t.context(g)
	var resources []string
	for _, on := range g.on {
		resources = append(resources, t.resources(g, on)...)
	}
	var list []Permission
	for _, action := range slices.Sorted(slices.Values(slices.Concat(g.actions, g.implied))) {
		for _, resource := range resources {
			if possible(action, resource) {
				list = append(list, Permission{Action: action, Resource: resource, Context: context})
			}
		}
	}
	return list
}

// resources puts the ids into a resource.
func (t Target) resources(g grant, on string) []string {
	switch {
	case on == kmsKey && g.sid == "StoreKeyEncrypted":
		return []string{t.ParameterKey}
	case on == kmsKey:
		return t.KMSKeys
	case g.sid == "HelperRole":
		return []string{t.RoleARN}
	}
	return []string{t.expand(on)}
}

// expand fills the places of a text for this target. What does not exist yet
// gets an id that could be one.
func (t Target) expand(text string) string {
	const id = "00000000000000000"
	subnet := t.Subnet
	if subnet == "" {
		subnet = "subnet-" + id
	}
	kind := func(kind string) string { return kind + "/{new}" }
	return strings.NewReplacer(
		"{partition}", t.Partition, "{region}", t.Region, "{account}", t.Account, "{suffix}", suffixOf(t.Partition),
		"{instance}", t.Instance, "{volume}", t.Volume, "{subnet}", subnet, "{image}", t.Image, "{helper}", "i-"+id,
		"{bucket}", t.Bucket, "{parameter}", t.Parameter, "{profile}", t.Profile, "{group}", t.Group, "{run}", "preflight",
		kind("instance"), "instance/i-"+id, kind("volume"), "volume/vol-"+id, kind("network-interface"), "network-interface/eni-"+id,
		kind("image"), "image/ami-"+id, kind("snapshot"), "snapshot/snap-"+id, kind("security-group"), "security-group/sg-"+id,
		kind("subnet"), "subnet/subnet-"+id, kind("vpc"), "vpc/vpc-"+id, kind("internet-gateway"), "internet-gateway/igw-"+id,
		kind("route-table"), "route-table/rtb-"+id, "*:*/{new}", t.Account+":instance/i-"+id,
		"autoScalingGroup:*:", "autoScalingGroup:00000000-0000-0000-0000-000000000000:", "/*", "/preflight",
	).Replace(text)
}

// context is what IAM would be told of the request.
func (t Target) context(g grant) map[string]string {
	context := map[string]string{}
	if g.patient {
		for key, value := range t.InstanceTags {
			context["ec2:ResourceTag/"+key], context["aws:ResourceTag/"+key] = value, value
		}
	}
	for _, w := range g.when {
		switch {
		case w.operator == "Null":
		case w.key == "aws:TagKeys":
			context[w.key] = strings.ReplaceAll(strings.Join(w.values, ","), "*", "run")
		default:
			context[w.key] = t.expand(w.values[0])
		}
	}
	if len(context) == 0 {
		return nil
	}
	return context
}

// possible tells whether EC2 asks for the action on this kind of resource: where
// one statement serves several actions, not each goes with each.
func possible(action, resource string) bool {
	kinds, ok := only[action]
	if !ok {
		return true
	}
	return slices.ContainsFunc(kinds, func(kind string) bool { return strings.Contains(resource, ":"+kind+"/") })
}

// only are the resources of the actions that share a statement with others
// (Service Authorization Reference, "Amazon EC2").
var only = map[string][]string{
	"ec2:CreateInternetGateway":  {"internet-gateway"},
	"ec2:CreateVpc":              {"vpc"},
	"ec2:CreateRouteTable":       {"route-table", "vpc"},
	"ec2:CreateSecurityGroup":    {"security-group", "vpc"},
	"ec2:CreateSubnet":           {"subnet", "vpc"},
	"ec2:AssociateRouteTable":    {"route-table", "subnet"},
	"ec2:DisassociateRouteTable": {"route-table", "subnet"},
	"ec2:AttachInternetGateway":  {"internet-gateway", "vpc"},
	"ec2:DetachInternetGateway":  {"internet-gateway", "vpc"},
	"ec2:DeleteInternetGateway":  {"internet-gateway"},
	"ec2:CreateRoute":            {"route-table"},
	"ec2:DeleteRouteTable":       {"route-table"},
	"ec2:DeleteSecurityGroup":    {"security-group"},
	"ec2:DeleteSubnet":           {"subnet"},
	"ec2:DeleteVpc":              {"vpc"},
	"ec2:DeleteSnapshot":         {"snapshot"},
	"ec2:DeregisterImage":        {"image"},
}
