package linuxroot

import (
	"strings"
	"testing"

	"github.com/seed-77750964/regain/offline"
	"github.com/seed-77750964/regain/offline/account"
)

// image is a root as its distribution ships it on EC2, as far as this package
// reads it, and what must be made of it.
type image struct {
	name   string
	files  map[string]string
	os     offline.OS
	args   string // the kernel command line
	layout string
	users  string // the ranking, root let in with a key
	cloud  string // cloud-init's default user
}

// systemUsers are the accounts that every distribution brings.
const systemUsers = `root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/sbin/nologin
sync:x:5:0:sync:/sbin:/bin/sync
sshd:x:74:74:Privilege-separated SSH:/usr/share/empty.sshd:/usr/sbin/nologin
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
`

// programs are the files that make a tree look installed; the machine is arm64
// where arm is set.
func programs(arm bool) map[string]string {
	machine := elf(2, 1, 62, 0)
	if arm {
		machine = elf(2, 1, 183, 0)
	}
	return map[string]string{
		"usr/bin/bash": machine, "usr/bin/sh": machine, "usr/sbin/sshd": machine,
		"bin": "-> usr/bin", "sbin": "-> usr/sbin", "lib": "-> usr/lib",
		"usr/lib/systemd/systemd": machine, "root/": "", "home/": "", "boot/": "",
	}
}

// installed adds what a first start leaves: the user's home, cloud-init's
// sudoers file, and the instance's data.
func installed(user string, files map[string]string) map[string]string {
	return with(files, map[string]string{
		"home/" + user + "/.ssh/authorized_keys":           pub + "my-key\n",
		"root/.ssh/authorized_keys":                        forcedFor(user),
		"etc/sudoers.d/90-cloud-init-users":                "# Created by cloud-init\n\n# User rules for " + user + "\n" + user + " ALL=(ALL) NOPASSWD:ALL\n",
		"var/lib/cloud/data/instance-id":                   "i-0123456789abcdef0\n",
		"var/lib/cloud/instance":                           "-> /var/lib/cloud/instances/i-0123456789abcdef0",
		"var/lib/cloud/instances/i-0123456789abcdef0/":     "",
		"var/lib/cloud/instances/i-0123456789abcdef0/sem/": "",
	})
}

// rootDisk is the volume of every image: a root, a boot and an EFI filesystem.
var rootDisk = []Candidate{
	{UUID: "aaaaaaaa-0000-4000-8000-000000000001", Label: "root", PartUUID: "bbbbbbbb-0000-4000-8000-000000000001", Partition: 1, Type: "ext4", Root: true},
	{UUID: "aaaaaaaa-0000-4000-8000-000000000002", Label: "BOOT", PartUUID: "bbbbbbbb-0000-4000-8000-000000000002", Partition: 2, Type: "ext4"},
	{UUID: "7B77-95E7", Label: "UEFI", PartUUID: "bbbbbbbb-0000-4000-8000-000000000015", Partition: 15, Type: "vfat"},
}

func TestImages(t *testing.T) {
	for _, c := range append(debianImages(), redHatImages()...) {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
	for _, c := range otherImages() {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
}

func (c image) check(t *testing.T) {
	v := tree(t, c.files)
	if class := Classify(v); class.Class != ClassRoot || len(class.Warnings) > 0 {
		t.Errorf("class %+v", class)
	}
	system, err := ReadOS(v)
	c.os.Family = "linux"
	if err != nil || system != c.os {
		t.Errorf("system %+v, %v; want %+v", system, err, c.os)
	}
	mounts, problems := ReadFstab(v)
	if l := Plan(v, mounts, rootDisk); l.summary() != c.layout || len(problems)+len(l.Problems) > 0 {
		t.Errorf("layout %q, want %q; problems %v %v", l.summary(), c.layout, problems, l.Problems)
	}
	if args, _ := KernelArgs(v); strings.Join(args.Raw, " ") != c.args {
		t.Errorf("arguments %q, want %q", args.Raw, c.args)
	}
	cloud, problems := ReadCloudConfig(v)
	if cloud.DefaultUser != c.cloud || len(problems) > 0 {
		t.Errorf("cloud-init %+v, want %q; problems %v", cloud, c.cloud, problems)
	}
	c.checkUsers(t, v, Facts{OS: system, Cloud: cloud, RootLogin: true})
}

func (c image) checkUsers(t *testing.T, v *offline.Volume, facts Facts) {
	facts.Accounts = account.Parse([]byte(c.files["etc/passwd"]), nil, []byte(c.files["etc/group"]), nil)
	var names []string
	for _, u := range LoginUsers(v, facts) {
		names = append(names, u.Name)
	}
	if got := strings.Join(names, " "); got != c.users {
		t.Errorf("users %q, want %q", got, c.users)
	}
	picked, err := PickUsers(v, facts, nil)
	if err != nil || len(picked) != 1 || picked[0].Name != names[0] {
		t.Errorf("picked %+v, %v", picked, err)
	}
}
