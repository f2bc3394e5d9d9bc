package linuxroot

import (
	"slices"
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	for raw, want := range map[string]Spec{
		"UUID=0a-1":                      {Kind: SpecUUID, Value: "0a-1"},
		`UUID="0a-1"`:                    {Kind: SpecUUID, Value: "0a-1"},
		"LABEL=cloudimg-rootfs":          {Kind: SpecLabel, Value: "cloudimg-rootfs"},
		"LABEL='with space'":             {Kind: SpecLabel, Value: "with space"},
		"PARTUUID=1234abcd-01":           {Kind: SpecPartUUID, Value: "1234abcd-01"},
		"PARTLABEL=home":                 {Kind: SpecPartLabel, Value: "home"},
		"/dev/disk/by-uuid/AB-CD":        {Kind: SpecUUID, Value: "AB-CD"},
		`/dev/disk/by-label/my\x20home`:  {Kind: SpecLabel, Value: "my home"},
		"/dev/disk/by-partuuid/1-2":      {Kind: SpecPartUUID, Value: "1-2"},
		"/dev/disk/by-partlabel/p":       {Kind: SpecPartLabel, Value: "p"},
		"/dev/disk/by-id/dm-uuid-LVM-ab": {Kind: SpecMapper, Value: "disk/by-id/dm-uuid-LVM-ab"},
		"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0-part3": {Kind: SpecVolume, Value: "vol-0123456789abcdef0", Partition: 3},
		"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0":       {Kind: SpecVolume, Value: "vol-0123456789abcdef0"},
		"/dev/disk/by-path/pci-0000:00:04.0":                                         {Kind: SpecOther, Value: "disk/by-path/pci-0000:00:04.0"},
		"/dev/xvda1":                                                                 {Kind: SpecDevice, Value: "xvda", Partition: 1},
		"/dev/xvdf":                                                                  {Kind: SpecDevice, Value: "xvdf"},
		"/dev/sda15":                                                                 {Kind: SpecDevice, Value: "sda", Partition: 15},
		"/dev/nvme0n1p2":                                                             {Kind: SpecDevice, Value: "nvme0n1", Partition: 2},
		"/dev/nvme1n1":                                                               {Kind: SpecDevice, Value: "nvme1n1"},
		"/dev/root":                                                                  {Kind: SpecRoot, Value: "root"},
		"/dev/mapper/vg-home":                                                        {Kind: SpecMapper, Value: "vg-home"},
		"/dev/vg0/home":                                                              {Kind: SpecMapper, Value: "vg0/home"},
		"/dev/md0":                                                                   {Kind: SpecMapper, Value: "md0"},
		"nas:/export/home":                                                           {Kind: SpecNetwork, Value: "nas:/export/home"},
		"[2001:db8::1]:/x":                                                           {Kind: SpecNetwork, Value: "[2001:db8::1]:/x"},
		"//server/share":                                                             {Kind: SpecNetwork, Value: "//server/share"},
		"fs-0123456789abcdef0:/":                                                     {Kind: SpecNetwork, Value: "fs-0123456789abcdef0:/"},
		"fs-0123abcd.efs.eu-central-1.amazonaws.com:/":                               {Kind: SpecNetwork, Value: "fs-0123abcd.efs.eu-central-1.amazonaws.com:/"},
		"/data/home":                                                                 {Kind: SpecPath, Value: "/data/home"},
		"tmpfs":                                                                      {Kind: SpecOther, Value: "tmpfs"},
		"rpool/home":                                                                 {Kind: SpecOther, Value: "rpool/home"},
		"ID=x":                                                                       {Kind: SpecOther, Value: "ID=x"},
	} {
		want.Raw = raw
		if got := ParseSpec(raw); got != want {
			t.Errorf("ParseSpec(%q) = %+v, want %+v", raw, got, want)
		}
	}
}

func TestFstabLines(t *testing.T) {
	for _, c := range []struct {
		line, point, kind, problem string
		options                    []string
		automatic, nofail, bind    bool
	}{
		{line: "# a comment"},
		{line: "   \t"},
		{line: "UUID=1 /home", problem: "2 fields"},
		{line: "UUID=1 home ext4", problem: "not an absolute path"},
		{line: "UUID=1 /home ext4", point: "/home", kind: "ext4", automatic: true},
		{line: "\tUUID=1\t /home/  ext4 defaults,nofail 0 2", point: "/home", kind: "ext4", options: []string{"defaults", "nofail"}, automatic: true, nofail: true},
		{line: `LABEL=my\040home /srv/a\040b\011c\134 xfs noauto`, point: "/srv/a b\tc\\", kind: "xfs", options: []string{"noauto"}},
		{line: "UUID=1 /m auto noauto,x-systemd.automount", point: "/m", kind: "auto", options: []string{"noauto", "x-systemd.automount"}, automatic: true},
		{line: "UUID=1 /m auto noauto,auto", point: "/m", kind: "auto", options: []string{"noauto", "auto"}, automatic: true},
		{line: `UUID=1 /m ext4 context="a:s0:c1,c2",ro`, point: "/m", kind: "ext4", options: []string{`context="a:s0:c1,c2"`, "ro"}, automatic: true},
		{line: "/data/home /home none bind", point: "/home", kind: "none", options: []string{"bind"}, automatic: true, bind: true},
		{line: "UUID=1 none swap sw 0 0", kind: "swap", options: []string{"sw"}, automatic: true},
		{line: "/dev/sdb1 /old ignore defaults"},
		{line: "UUID=1 /x ext4 defaults zero", point: "/x", kind: "ext4", options: []string{"defaults"}, problem: `field 5 is "zero"`, automatic: true},
		{line: "UUID=1 /x ext4 defaults 0 2 # comment", point: "/x", kind: "ext4", options: []string{"defaults"}, automatic: true},
	} {
		mounts, problems := parseFstab([]byte(c.line+"\n"), "/etc/fstab")
		if c.problem != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, c.problem)) || c.problem == "" && len(problems) > 0 {
			t.Errorf("%q: problems %v", c.line, problems)
		}
		if c.kind == "" {
			if len(mounts) > 0 {
				t.Errorf("%q: %+v, want nothing", c.line, mounts)
			}
			continue
		}
		if len(mounts) != 1 {
			t.Errorf("%q: %d mounts", c.line, len(mounts))
			continue
		}
		m := mounts[0]
		if m.Point != c.point || m.Type != c.kind || !slices.Equal(m.Options, c.options) || m.Automatic() != c.automatic || m.NoFail() != c.nofail || m.Bind() != c.bind {
			t.Errorf("%q: %+v", c.line, m)
		}
	}
}

func TestSubvolumeOptions(t *testing.T) {
	for options, want := range map[string]Subvolume{
		"defaults":              {},
		"subvol=@home,compress": {Path: "@home"},
		"subvol=/@":             {Path: "@"},
		"subvol=/":              {ID: topLevelID},
		"subvolid=256":          {ID: 256},
		"subvolid=0":            {ID: topLevelID},
		"subvolid=257,subvol=/@/.snapshots/1/snapshot": {ID: 257, Path: "@/.snapshots/1/snapshot"},
	} {
		if got := parseSubvolume(splitOptions(options)); got != want {
			t.Errorf("%q: %+v, want %+v", options, got, want)
		}
	}
}

const systemd = "usr/lib/systemd/systemd"

func TestMountUnits(t *testing.T) {
	const home = "[Unit]\nDescription=x\n[Mount]\nWhat=/dev/disk/by-uuid/1\nWhere=/home\nType=ext4\nOptions=nofail,\\\n noatime\n"
	base := map[string]string{systemd: "", "etc/systemd/system/home.mount": home}
	for _, c := range []struct {
		name   string
		more   map[string]string
		points string // "path source" of what is mounted
		bad    string
	}{
		{"not enabled", nil, "", ""},
		{"wanted", map[string]string{"etc/systemd/system/local-fs.target.wants/home.mount": "-> ../home.mount"}, "/home 1", ""},
		{"by automount", map[string]string{"etc/systemd/system/remote-fs.target.requires/home.automount": "-> ../home.automount"}, "/home 1", ""},
		{"instead of fstab", map[string]string{"etc/fstab": "UUID=2 /home ext4\nUUID=3 /srv ext4\n"}, "/srv 3,/home 1", ""},
		{"fstab noauto", map[string]string{"etc/fstab": "UUID=2 /home ext4 noauto\n"}, "/home 2", ""},
		{"masked", map[string]string{"etc/systemd/system/srv.mount": "-> /dev/null", "etc/fstab": "UUID=3 /srv ext4"}, "/srv 3", ""},
		{"wrong name", map[string]string{"etc/systemd/system/x.mount": home}, "", "does not match"},
		{"no What", map[string]string{"etc/systemd/system/y.mount": "[Mount]\nWhere=/y\n"}, "", "no What="},
		{"escaped name", map[string]string{
			"etc/systemd/system/srv-a\\x2db.mount":                         "[Mount]\nWhat=nas:/x\nWhere=/srv/a-b\n",
			"etc/systemd/system/multi-user.target.wants/srv-a\\x2db.mount": "",
		}, "/srv/a-b nas:/x", ""},
	} {
		mounts, problems := ReadFstab(tree(t, with(base, c.more)))
		var got []string
		for _, m := range mounts {
			got = append(got, m.Point+" "+m.Spec.Value)
		}
		if strings.Join(got, ",") != c.points {
			t.Errorf("%s: %q, want %q", c.name, got, c.points)
		}
		if c.bad == "" && len(problems) > 0 || c.bad != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, c.bad)) {
			t.Errorf("%s: problems %v", c.name, problems)
		}
	}
	if mounts, _ := ReadFstab(tree(t, with(base, map[string]string{systemd: "-> gone"}))); len(mounts) > 0 {
		t.Errorf("units count without systemd: %v", mounts)
	}
}

func TestCrypttab(t *testing.T) {
	lines, problems := ReadCrypttab(tree(t, map[string]string{
		"etc/crypttab": "# name device key options\nhome UUID=1 none luks,nofail\nswap /dev/xvda2 /dev/urandom swap\nbroken\n",
	}))
	if len(lines) != 2 || lines[0].Name != "home" || lines[0].Key != "" || !slices.Contains(lines[0].Options, "nofail") || lines[1].Key != "/dev/urandom" {
		t.Errorf("%+v", lines)
	}
	if len(problems) != 1 || problems[0].Line != 4 {
		t.Errorf("problems %v", problems)
	}
}

func FuzzFstab(f *testing.F) {
	f.Add([]byte("UUID=1 / ext4 defaults,subvol=@ 0 1\nLABEL=a\\040b /x\\134 auto x=\"a,b\" 1\n"))
	f.Add([]byte("/dev/disk/by-label/\\x20 /home\tbtrfs subvolid=5\n//s/x /m cifs\n\\0 \\777 \\\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		mounts, problems := parseFstab(data, "/etc/fstab")
		for _, p := range problems {
			_ = p.String()
		}
		for _, m := range mounts {
			if m.Point == "" && !m.Swap() || m.Point != "" && m.Point[0] != '/' {
				t.Errorf("mount point %q", m.Point)
			}
			_, _, _ = m.Automatic(), m.Subvolume(), m.Matches(Candidate{UUID: "1", Partition: 1})
		}
		unitSection(data, "Mount")
	})
}
