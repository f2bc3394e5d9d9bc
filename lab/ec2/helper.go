package ec2

import (
	"errors"
	"fmt"
	"io/fs"

	labimage "github.com/seed-77750964/regain/lab/image"
)

// helperSize is the size of a helper's root volume, in GiB. Nothing is on it.
const helperSize = 8

// A helperImage is a public image: an instance of it that has an instance profile is
// a rescue box. All of them run this host's programs.
type helperImage struct{ id, arch, name, about, owner, device string }

// helperImages are those that public parameters name. Canonical's are Amazon's, too,
// by their alias: that is what DescribeImages shows of them.
var helperImages = []helperImage{
	{HelperImage("x86_64"), "x86_64", "al2023-ami-2023.9.20251014.0-kernel-6.1-x86_64", "Amazon Linux 2023", amazonLinux, "/dev/xvda"},
	{HelperImage("arm64"), "arm64", "al2023-ami-2023.9.20251014.0-kernel-6.1-arm64", "Amazon Linux 2023", amazonLinux, "/dev/xvda"},
	{UbuntuImage("x86_64"), "x86_64", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251022", "Ubuntu 24.04", canonical, "/dev/sda1"},
	{UbuntuImage("arm64"), "arm64", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20251022", "Ubuntu 24.04", canonical, "/dev/sda1"},
}

// The accounts that own the images.
const (
	amazonLinux = "137112412989"
	canonical   = "099720109477"
)

// HelperImage is the id of the lab's image for helpers, which the public parameter
// of Amazon Linux names. It is empty for architectures other than x86_64 and arm64.
func HelperImage(arch string) string {
	return map[string]string{"x86_64": "ami-0a12023086064a001", "arm64": "ami-0a12023a64064a001"}[arch]
}

// UbuntuImage is HelperImage for Ubuntu 24.04, which Canonical's public parameter names.
func UbuntuImage(arch string) string {
	return map[string]string{"x86_64": "ami-0ab2404086064a001", "arm64": "ami-0ab2404a64064a001"}[arch]
}

func helperSnapshot(image string) string { return "snap" + image[len("ami"):] }

// makeHelperImages adds the images for helpers to an account that lacks them.
func (e *EC2) makeHelperImages(a *account) {
	now := e.now()
	for _, h := range helperImages {
		if a.Images[h.id] != nil {
			continue
		}
		snap := helperSnapshot(h.id)
		a.Snapshots[snap] = &snapshot{ID: snap, Description: "the lab's helper, " + h.arch, State: "completed", Size: helperSize, Taken: true, Made: now, Due: now}
		a.Images[h.id] = &image{
			ID: h.id, Name: h.name, Description: h.about + ", as the lab has it",
			State: "available", Owner: h.owner, OwnerAlias: "amazon", Arch: h.arch, RootDevice: h.device, Made: now, Helper: true,
			Devices: []imageDevice{{Device: h.device, Snapshot: snap, Type: "gp3", Size: helperSize, DeleteOnTermination: true}},
		}
	}
}

// makeHelperDisks makes the files behind the helper images.
func (e *EC2) makeHelperDisks() error {
	for _, h := range helperImages {
		err := labimage.Create(e.snapshotPath(helperSnapshot(h.id)), helperSize<<30)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot make the helpers' disk: %w", err)
		}
	}
	return nil
}
