package linuxroot

import (
	"strings"
	"testing"
)

// disk is a root disk of many partitions.
var disk = []Candidate{
	{UUID: "r00t", Type: "btrfs", Partition: 1, Root: true},
	{UUID: "h0me", Label: "home", Type: "ext4", Partition: 2},
	{UUID: "b00t", Type: "ext4", Partition: 3},
	{UUID: "AB-CD", Type: "vfat", Partition: 4},
	{UUID: "5wap", Type: "swap", Partition: 5},
	{UUID: "u5r", Label: "twin", Type: "xfs", Partition: 6},
	{UUID: "v4r", Label: "twin", Type: "xfs", Partition: 7, PartType: "3B8F8425-20E0-4F3B-907F-1A25A76F98E8"},
}

func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		fstab   string
		files   map[string]string
		want    string
		why     string // in the first absence
		problem string
	}{
		"everything": {
			fstab: "UUID=r00t / btrfs defaults\nUUID=AB-CD /boot/efi vfat umask=0077 0 1\nUUID=b00t /boot ext4\nLABEL=home /home ext4\nUUID=5wap none swap sw\n/dev/xvda6 /usr xfs\nUUID=v4r /var xfs\nproc /proc proc\n",
			want:  "/boot=2:boot /home=1:home /usr=5:usr /var=6:var /boot/efi=3:efi swap=4",
		},
		"subvolumes": {
			fstab: "UUID=r00t / btrfs subvol=@\nUUID=r00t /home btrfs subvol=@home\n",
			want:  "/home=0:home[@home]",
		},
		"absent volume":    {fstab: "UUID=0ther /home ext4 defaults\n", want: "-/home:home", why: `"UUID=0ther", which is not on this volume (/etc/fstab:1)`},
		"nofail is absent": {fstab: "/dev/xvdf /home ext4 nofail\n", want: "-/home:home", why: "nofail"},
		"noauto is not":    {fstab: "/dev/xvdf /home ext4 noauto\n", want: ""},
		"on demand is":     {fstab: "/dev/xvdf /home ext4 noauto,x-systemd.automount\n", want: "-/home:home"},
		"network":          {fstab: "nas:/home /home nfs4 _netdev\n", want: "-/home:home", why: "network filesystem"},
		"efs":              {fstab: "fs-0123456789abcdef0 /home efs tls\n", want: "-/home:home", why: "network filesystem"},
		"cifs":             {fstab: "//s/h /home/ann cifs\n", want: "-/home/ann:home", why: "network filesystem"},
		"mapper":           {fstab: "/dev/mapper/vg-home /home xfs\n", want: "-/home:home", why: "logical volume"},
		"crypt":            {fstab: "/dev/mapper/h /home xfs\n", files: map[string]string{"etc/crypttab": "h UUID=1 none luks\n"}, want: "-/home:home", why: "encrypted by /etc/crypttab"},
		"zfs":              {fstab: "rpool/home /home zfs\n", want: "-/home:home", why: "ZFS is not supported"},
		"image file":       {fstab: "/var/home.img /home ext4 loop\n", want: "-/home:home", why: "image file"},
		"memory":           {fstab: "tmpfs /tmp tmpfs\ntmpfs /home tmpfs\n", want: "-/home:home", why: "empty at each start"},
		"bind":             {fstab: "/data/home /home none bind\n", want: "/data/home>/home"},
		"order":            {fstab: "/dev/xvdf /srv/a/b ext4\n/dev/xvdg /srv ext4\n/dev/xvdh /srv/a ext4\n", want: "-/srv:data -/srv/a:data -/srv/a/b:data"},
		"twice, mount -a":  {fstab: "UUID=h0me /home ext4\nUUID=v4r /home/ xfs\n", want: "/home=6:home", problem: `/etc/fstab:1: "/home" is mounted by /etc/fstab:2 as well`},
		"twice, systemd":   {fstab: "UUID=h0me /home ext4\nUUID=v4r /home/ xfs\n", files: map[string]string{systemd: ""}, want: "/home=1:home", problem: `/etc/fstab:2: "/home" is mounted by /etc/fstab:1 as well`},
		"case":             {fstab: "UUID=H0ME /home ext4\n", want: "/home=1:home", problem: "in case"},
		"label twice":      {fstab: "LABEL=twin /home xfs\n", want: "/home=5:home", problem: "partitions 6 and 7"},
		"other root":       {fstab: "UUID=v4r / xfs\n", want: "", problem: "another filesystem"},
		"through a link":   {fstab: "UUID=h0me /home ext4\n", files: map[string]string{"home": "-> /data/home", "data/home/": ""}, want: "/data/home=1:data"},
		"gpt type": {files: map[string]string{
			"usr/lib/systemd/system-generators/systemd-gpt-auto-generator": "", "srv/": ""}, want: "/srv=6:data"},
		"gpt type, full": {files: map[string]string{
			"usr/lib/systemd/system-generators/systemd-gpt-auto-generator": "", "srv/file": ""}, want: ""},
		"gpt type, told otherwise": {fstab: "nas:/x /srv nfs\n", files: map[string]string{
			"lib/systemd/system-generators/systemd-gpt-auto-generator": "", "srv/": ""}, want: "-/srv:data"},
	} {
		v := tree(t, with(map[string]string{"etc/fstab": c.fstab}, c.files))
		mounts, problems := ReadFstab(v)
		l := Plan(v, mounts, disk)
		if got := l.summary(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if c.why != "" && (len(l.Absent) == 0 || !strings.Contains(l.Absent[0].Why, c.why)) {
			t.Errorf("%s: %+v, want %q", name, l.Absent, c.why)
		}
		all := append(problems, l.Problems...)
		if c.problem == "" && len(all) > 0 || c.problem != "" && (len(all) != 1 || !strings.Contains(all[0].String(), c.problem)) {
			t.Errorf("%s: problems %v", name, all)
		}
	}
}

func TestHiddenHomes(t *testing.T) {
	automount := map[string]string{"usr/sbin/automount": "", systemd: "", "etc/systemd/system/multi-user.target.wants/autofs.service": ""}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":              {map[string]string{"home/ann/": ""}, ""},
		"ecryptfs":          {map[string]string{"home/.ecryptfs/ann/.ecryptfs/Private.mnt": "/home/ann\n", "home/.ecryptfs/bob/.ecryptfs/auto-mount": ""}, "/home/ann /home/bob"},
		"ecryptfs, Private": {map[string]string{"home/.ecryptfs/ann/.ecryptfs/Private.mnt": "/home/ann/Private"}, "/home/ann/Private"},
		"homed":             {map[string]string{"home/ann.homedir/": "", "home/bob.home": "", "home/carl/": ""}, "/home/ann /home/bob"},
		"autofs":            {with(automount, map[string]string{"etc/auto.master": "# x\n/home /etc/auto.home --timeout=60\n+auto.master\n"}), "/home"},
		"autofs direct":     {with(automount, map[string]string{"etc/auto.master.d/x.autofs": "/- auto.direct\n", "etc/auto.direct": "/home/ann nas:/ann\n/srv/x nas:/x\n"}), "/home/ann /srv/x"},
		"autofs off":        {map[string]string{"usr/sbin/automount": "", systemd: "", "etc/auto.master": "/home /etc/auto.home\n"}, ""},
		"autofs, System V":  {map[string]string{"sbin/automount": "", "etc/rc3.d/S28autofs": "", "etc/auto.master": "/home /etc/auto.home\n"}, "/home"},
	} {
		var points []string
		for _, a := range HiddenHomes(tree(t, c.files)) {
			points = append(points, a.Point)
			if a.Why == "" || a.Role == "" {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if got := strings.Join(points, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
