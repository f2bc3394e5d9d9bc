package linuxroot

import (
	"fmt"
	"strings"
	"testing"
)

var plainRoot = map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/os-release": "ID=debian\n", "usr/bin/": "", "bin": "-> usr/bin"}

func TestClassify(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		class Class
		text  string // in the refusal, the warnings or the subvolumes
	}{
		"root":             {plainRoot, ClassRoot, ""},
		"root, bin in usr": {map[string]string{"etc/fstab": "", "usr/bin/": ""}, ClassRoot, ""},
		"absolute bin":     {map[string]string{"etc/hosts": "", "bin": "-> /usr/bin", "usr/bin/": ""}, ClassRoot, ""},
		"usr elsewhere":    {map[string]string{"etc/fstab": "", "usr/": "", "bin": "-> usr/bin"}, ClassRoot, ""},
		"etc alone":        {map[string]string{"etc/passwd": ""}, ClassUnknown, ""},
		"boot":             {map[string]string{"vmlinuz-6.1": "", "grub/grub.cfg": ""}, ClassBoot, ""},
		"boot, entries":    {map[string]string{"loader/entries/a.conf": ""}, ClassBoot, ""},
		"efi":              {map[string]string{"EFI/BOOT/BOOTX64.EFI": ""}, ClassESP, ""},
		"home":             {map[string]string{"ann/.bashrc": "", "lost+found/": ""}, ClassHome, ""},
		"usr":              {map[string]string{"bin/": "", "lib/": "", "share/": ""}, ClassUsr, ""},
		"var":              {map[string]string{"lib/dpkg/": "", "log/": ""}, ClassVar, ""},
		"data":             {map[string]string{"backup.tar": ""}, ClassUnknown, ""},
		"ostree":           {with(plainRoot, map[string]string{"ostree/deploy/fedora-coreos/": ""}), ClassUnsupported, "deployment"},
		"bottlerocket":     {with(plainRoot, map[string]string{"etc/os-release": "ID=bottlerocket\n"}), ClassUnsupported, "no sshd"},
		"talos":            {map[string]string{"etc/os-release": "ID=talos\n"}, ClassUnsupported, "no sshd"},
		"nixos":            {map[string]string{"nix/store/": "", "etc/NIXOS": "", "etc/os-release": "ID=nixos"}, ClassUnsupported, "generated"},
		"ubuntu core":      {with(plainRoot, map[string]string{"writable/system-data/": ""}), ClassUnsupported, "snapd"},
		"overlayroot":      {with(plainRoot, map[string]string{"etc/overlayroot.conf": "overlayroot=\"tmpfs:swap=1\"\n"}), ClassRoot, "overlayroot is on"},
		"overlayroot off":  {with(plainRoot, map[string]string{"etc/overlayroot.conf": "overlayroot=\"\"\n"}), ClassRoot, ""},
		"btrfs top":        {under("@", plainRoot), ClassSubvolumes, "@"},
		"btrfs snapper":    {with(under("@", plainRoot), under("snapshots/1", plainRoot)), ClassSubvolumes, "@ snapshots/1"},
		"empty":            {nil, ClassUnknown, ""},
	} {
		v := tree(t, c.files)
		got := Classify(v)
		text := got.Refusal + strings.Join(got.Warnings, " ") + strings.Join(got.Subvolumes, " ")
		if got.Class != c.class || !strings.Contains(text, c.text) || c.text == "" && text != "" {
			t.Errorf("%s: %+v, want %s with %q", name, got, c.class, c.text)
		}
		if IsRoot(v) != (c.class == ClassRoot) {
			t.Errorf("%s: IsRoot is %v", name, IsRoot(v))
		}
	}
}

// under puts a set of files into a directory.
func under(dir string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, content := range files {
		out[dir+"/"+name] = content
	}
	return out
}

func TestRootSubvolume(t *testing.T) {
	fstab := func(sub string) map[string]string {
		return with(plainRoot, map[string]string{"etc/fstab": "UUID=1 / btrfs subvol=" + sub + ",noatime 0 0\n"})
	}
	grub := with(plainRoot, map[string]string{"boot/grub/grub.cfg": "menuentry 'x' {\n linux /vmlinuz root=UUID=1 rootflags=subvol=@rootfs ro\n}\n"})
	for name, c := range map[string]struct {
		files     map[string]string
		boot      *Args
		path, why string
	}{
		"one":                 {under("root", plainRoot), nil, "root", "the only subvolume"},
		"snapshot beside":     {with(under("@", fstab("/@")), under("@snap", fstab("@"))), nil, "@", "own fstab"},
		"by command line":     {with(under("@rootfs", grub), under("old", plainRoot)), nil, "@rootfs", "rootflags="},
		"separate boot":       {with(under("a", plainRoot), under("b", plainRoot)), &Args{RootFlags: []string{"subvol=b"}, Source: "/grub/grub.cfg"}, "b", "/grub/grub.cfg"},
		"two, none named":     {with(under("a", plainRoot), under("b", plainRoot)), nil, "", "2 hold a root"},
		"two name themselves": {with(under("a", fstab("a")), under("b", fstab("b"))), nil, "", "2 name themselves"},
		"none":                {map[string]string{"x/": ""}, nil, "", "no subvolume"},
	} {
		sub, why, err := RootSubvolume(tree(t, c.files), c.boot)
		if err != nil {
			why = err.Error()
		}
		if sub.Path != c.path || !strings.Contains(why, c.why) || (err != nil) != (c.path == "") {
			t.Errorf("%s: %+v, %q, %v", name, sub, why, err)
		}
	}
}

func TestMatches(t *testing.T) {
	c := Candidate{UUID: "0a1B-22", Label: "data", PartUUID: "11-22", PartLabel: "p", Partition: 2, Volume: "vol-0123456789abcdef0"}
	second := Candidate{Device: "/dev/sdf", Partition: 0}
	for spec, want := range map[string][2]bool{
		"UUID=0A1b-22":   {true, false},
		"UUID=":          {false, false},
		"LABEL=data":     {true, false},
		"LABEL=DATA":     {false, false},
		"LABEL=":         {false, false},
		"PARTUUID=11-22": {true, false},
		"PARTLABEL=p":    {true, false},
		"/dev/xvda2":     {true, false},
		"/dev/sda2":      {true, false},
		"/dev/nvme0n1p2": {true, false},
		"/dev/sda1":      {false, false},
		"/dev/xvdf2":     {false, false},
		"/dev/nvme1n1p2": {false, false},
		"/dev/xvdf":      {false, true},
		"/dev/sdf":       {false, true},
		"/dev/sdg":       {false, false},
		"/dev/nvme1n1":   {false, false},
		"tmpfs":          {false, false},
		"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0-part2": {true, false},
	} {
		m := Mount{Spec: ParseSpec(spec)}
		if got := [2]bool{m.Matches(c), m.Matches(second)}; got != want {
			t.Errorf("%s: %v, want %v", spec, got, want)
		}
	}
	for device, want := range map[string]bool{"/dev/sda1": true, "/dev/xvda": true, "/dev/nvme0n1": true, "/dev/xvdb": false} {
		m := Mount{Spec: ParseSpec("/dev/nvme0n1p1")}
		if got := m.Matches(Candidate{Device: device, Partition: 1}); got != want {
			t.Errorf("root disk known as %s: %v", device, got)
		}
	}
}

// summary prints a layout in one line.
func (l Layout) summary() string {
	var parts []string
	for _, p := range l.Mounts {
		text := fmt.Sprintf("%s=%d:%s", p.Point, p.Candidate, p.Role)
		if p.Subvolume.Named() {
			text += "[" + p.Subvolume.Path + "]"
		}
		parts = append(parts, text)
	}
	for _, b := range l.Binds {
		parts = append(parts, b.Source+">"+b.Point)
	}
	for _, a := range l.Absent {
		parts = append(parts, "-"+a.Point+":"+a.Role)
	}
	for _, i := range l.Swap {
		parts = append(parts, fmt.Sprintf("swap=%d", i))
	}
	return strings.Join(parts, " ")
}
