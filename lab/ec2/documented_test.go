package ec2

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/seed-77750964/regain/internal/testdisk"
)

// documented is what the model says about a parameter in prose.
type documented struct {
	Shapes map[string]struct {
		Required []string
		Members  map[string]struct{ Documentation string }
	}
}

func readDocumented(t *testing.T) documented {
	t.Helper()
	testdisk.Need(t, "aws")
	var d documented
	for _, path := range modelFiles {
		if data, err := readModel(path); err == nil {
			if err := json.Unmarshal(data, &d); err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	t.Fatalf("no model of EC2 in %q", modelFiles)
	return d
}

// TestRequiredParameters: what EC2 documents as required is missed here too.
func TestRequiredParameters(t *testing.T) {
	d := readDocumented(t)
	model.load()
	b := newBench(t)
	for _, a := range actions {
		input := model.Operations[a.name].Input
		if input == nil || len(d.Shapes[input.Shape].Required) == 0 {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			b.fails("MissingParameter", a.name)
			if model.hasInput(input.Shape, []string{"DryRun"}) {
				b.fails("MissingParameter", a.name, "DryRun=true")
			}
		})
	}
}

// TestFiltersAreDocumented: EC2 documents each filter that the lab takes, and each is
// looked at when it is asked for.
func TestFiltersAreDocumented(t *testing.T) {
	d := readDocumented(t)
	model.load()
	b := newBench(t)
	b.guest(Spec{Volumes: []Disk{{Device: "/dev/sdf", Size: 1}}})
	b.do("AllocateAddress")
	b.do("CreateKeyPair", "KeyName=k")
	root := b.do("DescribeVolumes").at("volumeSet/item/volumeId")
	b.do("CreateSnapshot", "VolumeId="+root)
	b.pass(time.Minute)
	for action, l := range map[string]listing{
		"DescribeAddresses": addressListing, "DescribeAvailabilityZones": zoneListing, "DescribeImages": imageListing, "DescribeInstances": instanceListing,
		"DescribeInstanceTypes": typeListing, "DescribeInternetGateways": gatewayListing, "DescribeKeyPairs": keyPairListing, "DescribeNetworkInterfaces": cardListing,
		"DescribeRouteTables": tableListing, "DescribeSecurityGroups": groupListing, "DescribeSnapshots": snapshotListing, "DescribeSubnets": subnetListing,
		"DescribeTags": tagListing, "DescribeVolumes": volumeListing, "DescribeVpcEndpoints": endpointListing, "DescribeVpcs": vpcListing,
	} {
		prose := d.Shapes[model.Operations[action].Input.Shape].Members["Filters"].Documentation
		for _, name := range keys(l.filters) {
			spelled := map[string]string{"isDefault": "is-default"}[name] // the console's spelling
			if !strings.Contains(prose, "<code>"+cmp.Or(spelled, name)+"</code>") {
				t.Errorf("%s: no filter %s is documented", action, name)
			}
			for _, x := range b.do(action, "Filter.1.Name="+name, "Filter.1.Value.1=nothing is called this").Children {
				if len(x.Children) != 0 {
					t.Errorf("%s: the filter %s lets all through", action, name)
				}
			}
			b.do(action, "Filter.1.Name="+name, "Filter.1.Value.1=*")
		}
	}
}

// TestUnknownIds: each kind of resource has its own way to say that there is none.
func TestUnknownIds(t *testing.T) {
	b := newBench(t)
	for action, tt := range map[string]struct{ param, prefix, code string }{
		"DescribeAddresses":         {"AllocationId.1", "eipalloc", "InvalidAllocationID.NotFound"},
		"DescribeImages":            {"ImageId.1", "ami", "InvalidAMIID.NotFound"},
		"DescribeKeyPairs":          {"KeyPairId.1", "key", "InvalidKeyPair.NotFound"},
		"GetPasswordData":           {"InstanceId", "i", "InvalidInstanceID.NotFound"},
		"DescribeInstances":         {"InstanceId.1", "i", "InvalidInstanceID.NotFound"},
		"DescribeInternetGateways":  {"InternetGatewayId.1", "igw", "InvalidInternetGatewayID.NotFound"},
		"DescribeNetworkInterfaces": {"NetworkInterfaceId.1", "eni", "InvalidNetworkInterfaceID.NotFound"},
		"DescribeRouteTables":       {"RouteTableId.1", "rtb", "InvalidRouteTableID.NotFound"},
		"DescribeSecurityGroups":    {"GroupId.1", "sg", "InvalidGroup.NotFound"},
		"DescribeSnapshots":         {"SnapshotId.1", "snap", "InvalidSnapshot.NotFound"},
		"DescribeSubnets":           {"SubnetId.1", "subnet", "InvalidSubnetID.NotFound"},
		"DescribeVolumes":           {"VolumeId.1", "vol", "InvalidVolume.NotFound"},
		"DescribeVpcs":              {"VpcId.1", "vpc", "InvalidVpcID.NotFound"},
		"DeleteInternetGateway":     {"InternetGatewayId", "igw", "InvalidInternetGatewayID.NotFound"},
		"DeleteRouteTable":          {"RouteTableId", "rtb", "InvalidRouteTableID.NotFound"},
		"DeleteSecurityGroup":       {"GroupId", "sg", "InvalidGroup.NotFound"},
		"DeleteSnapshot":            {"SnapshotId", "snap", "InvalidSnapshot.NotFound"},
		"DeleteSubnet":              {"SubnetId", "subnet", "InvalidSubnetID.NotFound"},
		"DeleteVolume":              {"VolumeId", "vol", "InvalidVolume.NotFound"},
		"DeleteVpc":                 {"VpcId", "vpc", "InvalidVpcID.NotFound"},
		"DeregisterImage":           {"ImageId", "ami", "InvalidAMIID.NotFound"},
		"ReleaseAddress":            {"AllocationId", "eipalloc", "InvalidAllocationID.NotFound"},
		"GetConsoleOutput":          {"InstanceId", "i", "InvalidInstanceID.NotFound"},
		"RebootInstances":           {"InstanceId.1", "i", "InvalidInstanceID.NotFound"},
		"TerminateInstances":        {"InstanceId.1", "i", "InvalidInstanceID.NotFound"},
	} {
		t.Run(action, func(t *testing.T) {
			b.fails(tt.code, action, tt.param+"="+tt.prefix+"-0123456789abcdef0")
			b.fails("DryRunOperation", action, tt.param+"="+tt.prefix+"-0123456789abcdef0", "DryRun=true")
			malformed := "InvalidParameterValue"
			if strings.Contains(tt.code, "ID.NotFound") && (tt.prefix == "i" || tt.prefix == "ami" || tt.prefix == "vpc") {
				malformed = strings.Replace(tt.code, "NotFound", "Malformed", 1)
			}
			if tt.prefix == "sg" {
				malformed = "InvalidGroupId.Malformed"
			}
			if tt.prefix == "snap" {
				malformed = "InvalidSnapshotID.Malformed"
			}
			b.fails(malformed, action, tt.param+"="+tt.prefix+"-nonsense")
		})
	}
	_, err := b.call("DescribeInstances", "InstanceId.1=i-0123456789abcdef0", "InstanceId.2=i-0123456789abcdef1")
	if err == nil || !strings.HasSuffix(err.Error(), "The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist") {
		t.Errorf("got %v", err)
	}
}
