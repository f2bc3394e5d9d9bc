package ec2

import (
	"errors"
	"fmt"
	"io/fs"

	labimage "github.com/seed-77750964/regain/lab/image"
)

// helperOwner is the account of Amazon's own images.
const helperOwner = "137112412989"

// helperSize is the size of a helper's root volume, in GiB. Nothing is on it.
const helperSize = 8

// HelperImage is the id of the lab's image for helpers, which the public parameter
// of Amazon Linux names: an instance of it that has an instance profile is a rescue
// box. It is empty for architectures other than x86_64 and arm64.
func HelperImage(arch string) string {
	return map[string]string{"x86_64": "ami-0a12023086064a001", "arm64": "ami-0a12023a64064a001"}[arch]
}

func helperSnapshot(arch string) string { return "snap" + HelperImage(arch)[len("ami"):] }

// makeHelperImages adds the images for helpers to an account that lacks them.
func (e *EC2) makeHelperImages(a *account) {
	now := e.now()
	for _, arch := range []string{"x86_64", "arm64"} {
		id, snap := HelperImage(arch), helperSnapshot(arch)
		if a.Images[id] != nil {
			continue
		}
		a.Snapshots[snap] = &snapshot{ID: snap, Description: "the lab's helper, " + arch, State: "completed", Size: helperSize, Taken: true, Made: now, Due: now}
		a.Images[id] = &image{
			ID: id, Name: "al2023-ami-2023.9.20251014.0-kernel-6.1-" + arch, Description: "Amazon Linux 2023, as the lab has it",
			State: "available", Owner: helperOwner, OwnerAlias: "amazon", Arch: arch, RootDevice: "/dev/xvda", Made: now, Helper: true,
			Devices: []imageDevice{{Device: "/dev/xvda", Snapshot: snap, Type: "gp3", Size: helperSize, DeleteOnTermination: true}},
		}
	}
}

// makeHelperDisks makes the files behind the helper images.
func (e *EC2) makeHelperDisks() error {
	for _, arch := range []string{"x86_64", "arm64"} {
		err := labimage.Create(e.snapshotPath(helperSnapshot(arch)), helperSize<<30)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot make the helpers' disk: %w", err)
		}
	}
	return nil
}
