package controller

import (
	"context"
	"slices"
	"strings"
)

// gatherHelper chooses the helper's machine: architecture, image, type, and the
// name by which the root volume is attached to it.
func gatherHelper(ctx context.Context, _ *Controller, cloud Cloud, s *situation) error {
	s.place.Zone = s.was.Instance.Zone
	s.place.Arch = goArch(s.was.Instance.Architecture)
	if err := chooseImage(ctx, cloud, s); err != nil {
		return err
	}
	return chooseType(ctx, cloud, s)
}

// goArch is Go's name of an architecture of EC2. Nothing of the patient is
// executed, so that an unknown one may be rescued from amd64.
func goArch(ec2 string) string {
	if strings.HasPrefix(ec2, "arm64") {
		return "arm64"
	}
	return "amd64"
}

// ec2Arch is the inverse of goArch.
func ec2Arch(arch string) string {
	if arch == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// publicImage is the public parameter of AWS that names the newest Amazon Linux
// 2023, which has the agent of Systems Manager:
// https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
func publicImage(arch string) string {
	return "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-" + ec2Arch(arch)
}

// windowsImage is the public parameter of Canonical that names the newest Ubuntu
// LTS, which has ntfs-3g and the agent of Systems Manager. Amazon Linux has no
// NTFS: https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
func windowsImage(arch string) string {
	return "/aws/service/canonical/ubuntu/server/24.04/stable/current/" + arch + "/hvm/ebs-gp3/ami-id"
}

// chooseImage takes the image asked for, which decides the architecture, or
// Amazon's for the architecture of the type asked for, or else of the patient.
func chooseImage(ctx context.Context, cloud Cloud, s *situation) error {
	s.place.AMI = s.ask.HelperAMI
	if s.place.AMI == "" {
		if err := followType(ctx, cloud, s); err != nil {
			return err
		}
		name := publicImage(s.place.Arch)
		if s.windows() {
			name = windowsImage(s.place.Arch)
		}
		ami, err := cloud.Public(ctx, name)
		switch {
		case is(err, NotFound):
			s.trouble("helper-image", "this region has no public parameter %s", name)
			return nil
		case err != nil:
			return err
		}
		s.place.AMI = ami
	}
	image, err := cloud.Image(ctx, s.place.AMI)
	switch {
	case is(err, NotFound) || is(err, Invalid):
		s.trouble("helper-image", "there is no image %s that this account may use in this region", s.place.AMI)
		return nil
	case err != nil:
		return err
	case image.State != "available":
		s.trouble("helper-image", "image %s is %s", image.ID, image.State)
	}
	s.place.Arch = goArch(image.Architecture)
	s.place.Device = freeDevice(image)
	if s.place.Device == "" {
		s.trouble("device-busy", "image %s takes every name from /dev/sdf to /dev/sdp", image.ID)
	}
	return nil
}

// followType takes the architecture of the type asked for, if it is not the
// patient's.
func followType(ctx context.Context, cloud Cloud, s *situation) error {
	if s.ask.HelperType == "" {
		return nil
	}
	kind, err := cloud.InstanceType(ctx, s.ask.HelperType)
	if is(err, NotFound) || is(err, Invalid) {
		return nil // chooseType reports it
	}
	if err == nil && len(kind.Architectures) > 0 && !slices.Contains(kind.Architectures, ec2Arch(s.place.Arch)) {
		s.place.Arch = goArch(kind.Architectures[0])
	}
	return err
}

// freeDevice is the first of the names that EC2 recommends for data volumes
// that the image does not take; a disk is the same by its last letter, whether
// it is called sdf or xvdf.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html
func freeDevice(image Image) string {
	taken := map[byte]bool{}
	for _, name := range append([]string{image.RootDevice}, image.Devices...) {
		disk := strings.TrimRight(name, "0123456789")
		if disk != "" {
			taken[disk[len(disk)-1]] = true
		}
	}
	for letter := byte('f'); letter <= 'p'; letter++ {
		if !taken[letter] {
			return "/dev/sd" + string(letter)
		}
	}
	return ""
}

// helperTypes are small machines with a burst of memory enough for the agent of
// Systems Manager and a filesystem's check, the usual first: not every zone
// offers every one.
var helperTypes = map[string][]string{
	"amd64": {"t3.medium", "t3a.medium", "t3.small", "m5.large", "m6i.large", "m7i.large", "c5.large"},
	"arm64": {"t4g.medium", "t4g.small", "m6g.large", "m7g.large", "c6g.large", "c7g.large"},
}

// chooseType takes the type asked for, or the first that the zone offers.
func chooseType(ctx context.Context, cloud Cloud, s *situation) error {
	if s.ask.HelperType != "" {
		return checkType(ctx, cloud, s)
	}
	for _, name := range helperTypes[s.place.Arch] {
		offered, err := cloud.TypeOffered(ctx, name, s.place.Zone)
		if err != nil {
			return err
		}
		if offered {
			s.place.Type = name
			return nil
		}
	}
	s.trouble("helper-type", "zone %s offers none of %s", s.place.Zone, strings.Join(helperTypes[s.place.Arch], ", "))
	return nil
}

func checkType(ctx context.Context, cloud Cloud, s *situation) error {
	s.place.Type = s.ask.HelperType
	kind, err := cloud.InstanceType(ctx, s.place.Type)
	switch {
	case is(err, NotFound) || is(err, Invalid):
		s.trouble("helper-type", "there is no instance type %s in this region", s.place.Type)
		return nil
	case err != nil:
		return err
	case kind.Xen:
		s.trouble("helper-type", "%s is a Xen machine, whose disks do not tell the agent which volume they are", s.place.Type)
	case !slices.Contains(kind.Architectures, ec2Arch(s.place.Arch)):
		s.trouble("helper-type", "%s is a machine of %s, and image %s is for %s",
			s.place.Type, strings.Join(kind.Architectures, ", "), s.place.AMI, ec2Arch(s.place.Arch))
	}
	offered, err := cloud.TypeOffered(ctx, s.place.Type, s.place.Zone)
	if err == nil && !offered {
		s.trouble("helper-type", "zone %s does not offer %s", s.place.Zone, s.place.Type)
	}
	return err
}
