package ec2

import (
	"context"
	"slices"
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
	for _, t := range instanceTypes {
		if t.Name == name {
			return t
		}
	}
	return instanceType{CPUs: 1}
}

type typeItem struct {
	Name       string       `xml:"instanceType"`
	Current    bool         `xml:"currentGeneration"`
	Free       bool         `xml:"freeTierEligible"`
	Usage      []string     `xml:"supportedUsageClasses>item"`
	RootTypes  []string     `xml:"supportedRootDeviceTypes>item"`
	Virtual    []string     `xml:"supportedVirtualizationTypes>item"`
	BareMetal  bool         `xml:"bareMetal"`
	Hypervisor string       `xml:"hypervisor"`
	Archs      []string     `xml:"processorInfo>supportedArchitectures>item"`
	CPUs       int          `xml:"vCpuInfo>defaultVCpus"`
	Memory     int          `xml:"memoryInfo>sizeInMiB"`
	HasStorage bool         `xml:"instanceStorageSupported"`
	Storage    *storageItem `xml:"instanceStorageInfo"`
	NVMe       string       `xml:"ebsInfo>nvmeSupport"`
	Ena        string       `xml:"networkInfo>enaSupport"`
	Cards      int          `xml:"networkInfo>maximumNetworkInterfaces"`
	Hibernates bool         `xml:"hibernationSupported"`
	Burst      bool         `xml:"burstablePerformanceSupported"`
	BootModes  []string     `xml:"supportedBootModes>item"`
}

type storageItem struct {
	Total int         `xml:"totalSizeInGB"`
	Disks []storeDisk `xml:"disks>item"`
	NVMe  string      `xml:"nvmeSupport"`
}

type storeDisk struct {
	Size  int    `xml:"sizeInGB"`
	Count int    `xml:"count"`
	Kind  string `xml:"type"`
}

func (t instanceType) item() typeItem {
	item := typeItem{
		Name: t.Name, Current: !slices.Contains(t.Archs, "i386"), Usage: []string{"on-demand", "spot"}, RootTypes: []string{"ebs"}, Virtual: []string{"hvm"},
		Hypervisor: "xen", Archs: t.Archs, CPUs: t.CPUs, Memory: t.Memory, HasStorage: t.Disk > 0, NVMe: "unsupported", Ena: "unsupported", Cards: 3,
		Hibernates: !slices.Contains(t.Archs, "arm64"), Burst: t.Burst, BootModes: []string{"legacy-bios"},
	}
	if t.Nitro {
		item.Hypervisor, item.NVMe, item.Ena, item.BootModes = "nitro", "required", "required", []string{"legacy-bios", "uefi"}
	}
	if slices.Contains(t.Archs, "arm64") {
		item.BootModes = []string{"uefi"}
	}
	if t.Disk > 0 {
		item.Storage = &storageItem{t.Disk, []storeDisk{{t.Disk, 1, "ssd"}}, "required"}
	}
	return item
}

func (e *EC2) describeInstanceTypes(_ context.Context, r *request) (any, error) {
	names := r.Strings("InstanceType")
	for _, name := range names {
		if typeOf(name).Name == "" {
			r.Fail(wire.Faultf("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", name))
		}
	}
	named := typeListing.only(func(t instanceType) bool { return len(names) == 0 || slices.Contains(names, t.Name) })
	return describe(e, r, "", "instanceTypeSet", named, func(_ *account, t instanceType, _ time.Time) typeItem { return t.item() })
}

var typeListing = listing[instanceType]{
	all: func(*account) []instanceType { return slices.Clone(instanceTypes) }, id: func(t instanceType) string { return t.Name },
	fields: map[string]func(*account, instanceType) []string{
		"instance-type":                         func(_ *account, t instanceType) []string { return one(t.Name) },
		"hypervisor":                            func(_ *account, t instanceType) []string { return one(t.item().Hypervisor) },
		"bare-metal":                            func(*account, instanceType) []string { return one("false") },
		"current-generation":                    func(_ *account, t instanceType) []string { return one(btoa(t.item().Current)) },
		"processor-info.supported-architecture": func(_ *account, t instanceType) []string { return t.Archs },
		"instance-storage-supported":            func(_ *account, t instanceType) []string { return one(btoa(t.Disk > 0)) },
	},
}

type offering struct {
	Type     string `xml:"instanceType"`
	Kind     string `xml:"locationType"`
	Location string `xml:"location"`
}

// describeInstanceTypeOfferings: every type is in every zone.
func (e *EC2) describeInstanceTypeOfferings(_ context.Context, r *request) (any, error) {
	kind := r.String("LocationType")
	if kind != "" && kind != "region" && kind != "availability-zone" {
		r.Fail(wire.Faultf("InvalidParameterValue", "Value (%s) for parameter locationType is invalid.", kind))
	}
	return describe(e, r, "", "instanceTypeOfferingSet", e.offeringListing(kind), func(_ *account, o offering, _ time.Time) offering { return o })
}

func (e *EC2) offeringListing(kind string) listing[offering] {
	places := []string{e.Region}
	if kind == "availability-zone" {
		places = e.zones()
	} else {
		kind = "region"
	}
	return listing[offering]{
		all: func(*account) []offering {
			var all []offering
			for _, t := range instanceTypes {
				for _, place := range places {
					all = append(all, offering{t.Name, kind, place})
				}
			}
			return all
		},
		id: func(o offering) string { return o.Type + " " + o.Location },
		fields: map[string]func(*account, offering) []string{
			"instance-type": func(_ *account, o offering) []string { return one(o.Type) },
			"location":      func(_ *account, o offering) []string { return one(o.Location) },
		},
	}
}
