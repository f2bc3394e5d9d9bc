package ec2

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-77750964/regain/lab/wire"
)

// An instanceType is what an instance is made of. The figures are those of
// "Amazon EC2 instance types" in the Amazon EC2 documentation.
type instanceType struct {
	Name   string
	Archs  []string
	CPUs   int
	Memory int // MiB
	Disk   int // GB of instance storage
	Nitro  bool
	Burst  bool
}

var (
	intel = []string{"x86_64"}
	both  = []string{"i386", "x86_64"}
	arm   = []string{"arm64"}
)

// instanceTypes are the types that the lab has, sorted.
var instanceTypes = []instanceType{
	{Name: "c5.large", Archs: intel, CPUs: 2, Memory: 4096, Nitro: true},
	{Name: "c5d.large", Archs: intel, CPUs: 2, Memory: 4096, Disk: 50, Nitro: true},
	{Name: "c6g.large", Archs: arm, CPUs: 2, Memory: 4096, Nitro: true},
	{Name: "c7g.medium", Archs: arm, CPUs: 1, Memory: 2048, Nitro: true},
	{Name: "i3.large", Archs: intel, CPUs: 2, Memory: 15616, Disk: 475},
	{Name: "m1.small", Archs: both, CPUs: 1, Memory: 1740, Disk: 160},
	{Name: "m4.large", Archs: intel, CPUs: 2, Memory: 8192},
	{Name: "m5.large", Archs: intel, CPUs: 2, Memory: 8192, Nitro: true},
	{Name: "m5.xlarge", Archs: intel, CPUs: 4, Memory: 16384, Nitro: true},
	{Name: "m5d.large", Archs: intel, CPUs: 2, Memory: 8192, Disk: 75, Nitro: true},
	{Name: "m6g.large", Archs: arm, CPUs: 2, Memory: 8192, Nitro: true},
	{Name: "m6gd.large", Archs: arm, CPUs: 2, Memory: 8192, Disk: 118, Nitro: true},
	{Name: "m7i.large", Archs: intel, CPUs: 2, Memory: 8192, Nitro: true},
	{Name: "r5.large", Archs: intel, CPUs: 2, Memory: 16384, Nitro: true},
	{Name: "t2.medium", Archs: both, CPUs: 2, Memory: 4096, Burst: true},
	{Name: "t2.micro", Archs: both, CPUs: 1, Memory: 1024, Burst: true},
	{Name: "t2.small", Archs: both, CPUs: 1, Memory: 2048, Burst: true},
	{Name: "t3.large", Archs: intel, CPUs: 2, Memory: 8192, Nitro: true, Burst: true},
	{Name: "t3.medium", Archs: intel, CPUs: 2, Memory: 4096, Nitro: true, Burst: true},
	{Name: "t3.micro", Archs: intel, CPUs: 2, Memory: 1024, Nitro: true, Burst: true},
	{Name: "t3.nano", Archs: intel, CPUs: 2, Memory: 512, Nitro: true, Burst: true},
	{Name: "t3.small", Archs: intel, CPUs: 2, Memory: 2048, Nitro: true, Burst: true},
	{Name: "t4g.medium", Archs: arm, CPUs: 2, Memory: 4096, Nitro: true, Burst: true},
	{Name: "t4g.micro", Archs: arm, CPUs: 2, Memory: 1024, Nitro: true, Burst: true},
	{Name: "t4g.nano", Archs: arm, CPUs: 2, Memory: 512, Nitro: true, Burst: true},
	{Name: "t4g.small", Archs: arm, CPUs: 2, Memory: 2048, Nitro: true, Burst: true},
}

// typeOf is a type by its name; its own name is empty where there is none.
func typeOf(name string) instanceType {
	at := slices.IndexFunc(instanceTypes, func(t instanceType) bool { return t.Name == name })
	if at < 0 {
		return instanceType{CPUs: 1}
	}
	return instanceTypes[at]
}

func (t instanceType) item() item {
	old, arm := slices.Contains(t.Archs, "i386"), slices.Contains(t.Archs, "arm64")
	hypervisor, nvme, boots := "xen", "unsupported", []string{"legacy-bios"}
	if t.Nitro {
		hypervisor, nvme, boots = "nitro", "required", []string{"legacy-bios", "uefi"}
	}
	if arm {
		boots = []string{"uefi"}
	}
	var storage item
	if t.Disk > 0 {
		storage = item{
			{"totalSizeInGB", t.Disk}, {"disks", []item{{{"sizeInGB", t.Disk}, {"count", 1}, {"type", "ssd"}}}}, {"nvmeSupport", "required"},
		}
	}
	return item{
		{"instanceType", t.Name}, {"currentGeneration", !old}, {"freeTierEligible", false}, {"supportedUsageClasses", []string{"on-demand", "spot"}},
		{"supportedRootDeviceTypes", []string{"ebs"}}, {"supportedVirtualizationTypes", []string{"hvm"}}, {"bareMetal", false}, {"hypervisor", hypervisor},
		{"processorInfo", item{{"supportedArchitectures", t.Archs}}}, {"vCpuInfo", item{{"defaultVCpus", t.CPUs}}}, {"memoryInfo", item{{"sizeInMiB", t.Memory}}},
		{"instanceStorageSupported", t.Disk > 0}, {"instanceStorageInfo?", storage}, {"ebsInfo", item{{"nvmeSupport", nvme}}},
		{"networkInfo", item{{"enaSupport", nvme}, {"maximumNetworkInterfaces", 3}}}, {"hibernationSupported", !arm}, {"burstablePerformanceSupported", t.Burst},
		{"supportedBootModes", boots},
	}
}

func (e *EC2) describeInstanceTypes(ctx context.Context, r *request) (any, error) {
	for _, name := range r.Strings("InstanceType") {
		if typeOf(name).Name == "" {
			r.Fail(wire.Faultf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name))
		}
	}
	return typeListing.describe(e, ctx, r)
}

var typeListing = listing{
	set: "instanceTypeSet", chosen: map[string]string{"InstanceType": "instanceType"},
	filters: map[string]string{
		"instance-type": "instanceType", "hypervisor": "hypervisor", "bare-metal": "bareMetal", "current-generation": "currentGeneration",
		"processor-info.supported-architecture": "processorInfo/supportedArchitectures/item", "instance-storage-supported": "instanceStorageSupported",
	},
	rows: func(*EC2, *account, time.Time) []row {
		var all []row
		for _, t := range instanceTypes {
			all = append(all, row{t.Name, t.item})
		}
		return all
	},
}

// describeInstanceTypeOfferings: every type is in every zone.
func (e *EC2) describeInstanceTypeOfferings(ctx context.Context, r *request) (any, error) {
	kind, places := cmp.Or(r.String("LocationType"), "region"), []string{e.Region}
	switch kind {
	case "region":
	case "availability-zone":
		places = e.zones()
	default:
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter locationType is invalid.", kind))
	}
	offerings := listing{
		set: "instanceTypeOfferingSet", filters: map[string]string{"instance-type": "instanceType", "location": "location"},
		rows: func(*EC2, *account, time.Time) []row {
			var all []row
			for _, t := range instanceTypes {
				for _, place := range places {
					x := item{{"instanceType", t.Name}, {"locationType", kind}, {"location", place}}
					all = append(all, row{t.Name + " " + place, func() item { return x }})
				}
			}
			return all
		},
	}
	return offerings.describe(e, ctx, r)
}

// zones are the availability zones of the region.
func (e *EC2) zones() []string { return []string{e.Region + "a", e.Region + "b", e.Region + "c"} }

// zoneID is the name of a zone that means the same in all accounts: use1-az1.
func (e *EC2) zoneID(zone string) string {
	return shortRegion(e.Region) + "-az" + strconv.Itoa(1+slices.Index(e.zones(), zone))
}

// shortRegion is the short form in zone ids: use1 for us-east-1.
func shortRegion(region string) string {
	parts := strings.Split(region, "-")
	if len(parts) < 3 {
		return region
	}
	way := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c").Replace(parts[1])
	return parts[0] + way + parts[len(parts)-1]
}

var zoneListing = listing{
	set: "availabilityZoneInfo", chosen: map[string]string{"ZoneName": "zoneName", "ZoneId": "zoneId"}, ignored: []string{"AllAvailabilityZones"},
	filters: map[string]string{
		"zone-name": "zoneName", "zone-id": "zoneId", "zone-type": "zoneType", "region-name": "regionName", "state": "zoneState", "group-name": "groupName",
	},
	rows: func(e *EC2, _ *account, _ time.Time) []row {
		var all []row
		for _, zone := range e.zones() {
			x := item{
				{"zoneName", zone}, {"zoneId", e.zoneID(zone)}, {"zoneState", "available"}, {"regionName", e.Region}, {"groupName", e.Region},
				{"optInStatus", "opt-in-not-required"}, {"zoneType", "availability-zone"},
			}
			all = append(all, row{zone, func() item { return x }})
		}
		return all
	},
}
