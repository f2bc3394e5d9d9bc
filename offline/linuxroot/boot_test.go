package linuxroot

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const ubuntuGrub = `
if [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
else
   set default="0"
fi
function recordfail {
  set recordfail=1
}
menuentry 'Ubuntu' --class ubuntu $menuentry_id_option 'gnulinux-simple-1' {
	recordfail
	if [ x$grub_platform = xxen ]; then insmod xzio; fi
	linux	/boot/vmlinuz-6.8 root=PARTUUID=11-22 ro  console=tty1 $vt_handoff
	initrd	/boot/initrd.img-6.8
}
submenu 'Advanced options for Ubuntu' $menuentry_id_option 'gnulinux-advanced-1' {
	menuentry 'Ubuntu, with Linux 6.8' --class ubuntu $menuentry_id_option 'gnulinux-6.8-1' {
		linux	/boot/vmlinuz-6.8 root=PARTUUID=11-22 ro adv68
	}
	menuentry 'Ubuntu, with Linux 6.5 (recovery mode)' $menuentry_id_option 'gnulinux-6.5-rec-1' {
		linux	/boot/vmlinuz-6.5 root=PARTUUID=11-22 ro recovery single
	}
}
menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {
	fwsetup
}
`

const blsGrub = "set kernelopts=\"root=UUID=cfg ro\"\nset default=\"${saved_entry}\"\ninsmod blscfg\nblscfg\n"

var blsTree = map[string]string{
	"boot/grub2/grub.cfg":                        blsGrub,
	"boot/loader/entries/aa-5.14.0-70.el9.conf":  "title Red Hat (5.14.0-70)\nlinux /vmlinuz-5.14.0-70\ninitrd /initramfs-70.img $tuned_initrd\noptions root=UUID=1 old $tuned_params\n",
	"boot/loader/entries/aa-5.14.0-427.el9.conf": "title Red Hat (5.14.0-427)\nlinux /vmlinuz-5.14.0-427\noptions root=UUID=1 new\noptions rootflags=subvol=root fips=1\n",
}

func TestKernelArgs(t *testing.T) {
	ubuntu := map[string]string{"boot/grub/grub.cfg": ubuntuGrub}
	grubWith := func(set, env string) map[string]string {
		return map[string]string{"boot/grub/grub.cfg": strings.Replace(ubuntuGrub, `set default="0"`, set, 1), "boot/grub/grubenv": env}
	}
	for name, c := range map[string]struct {
		files  map[string]string
		args   string
		source string
	}{
		"grub":              {ubuntu, "root=PARTUUID=11-22 ro console=tty1", "/boot/grub/grub.cfg"},
		"grub by path":      {grubWith(`set default="1>1"`, ""), "root=PARTUUID=11-22 ro recovery single", "/boot/grub/grub.cfg"},
		"grub by title":     {grubWith(`set default="Advanced options for Ubuntu>Ubuntu, with Linux 6.8"`, ""), "root=PARTUUID=11-22 ro adv68", "/boot/grub/grub.cfg"},
		"grub by id":        {grubWith(`set default="gnulinux-advanced-1>gnulinux-6.5-rec-1"`, ""), "root=PARTUUID=11-22 ro recovery single", "/boot/grub/grub.cfg"},
		"grub next":         {grubWith("", "# GRUB Environment Block\nnext_entry=1>0\n####"), "root=PARTUUID=11-22 ro adv68", "/boot/grub/grub.cfg"},
		"grub saved":        {grubWith(`set default="${saved_entry}"`, "saved_entry=gnulinux-6.5-rec-1\n"), "root=PARTUUID=11-22 ro recovery single", "/boot/grub/grub.cfg"},
		"grub unknown":      {grubWith(`set default="7>9"`, ""), "root=PARTUUID=11-22 ro console=tty1", "/boot/grub/grub.cfg"},
		"entries, newest":   {blsTree, "root=UUID=1 new rootflags=subvol=root fips=1", "/boot/loader/entries/aa-5.14.0-427.el9.conf"},
		"entries, saved":    {with(blsTree, map[string]string{"boot/grub2/grubenv": "saved_entry=aa-5.14.0-70.el9\n"}), "root=UUID=1 old", "/boot/loader/entries/aa-5.14.0-70.el9.conf"},
		"entries, next":     {with(blsTree, map[string]string{"boot/grub2/grubenv": "saved_entry=x\nnext_entry=aa-5.14.0-70.el9\n"}), "root=UUID=1 old", "/boot/loader/entries/aa-5.14.0-70.el9.conf"},
		"entries, gone":     {with(blsTree, map[string]string{"boot/grub2/grubenv": "saved_entry=removed\n"}), "root=UUID=1 new rootflags=subvol=root fips=1", "/boot/loader/entries/aa-5.14.0-427.el9.conf"},
		"kernelopts, env":   {map[string]string{"boot/grub2/grub.cfg": blsGrub, "boot/grub2/grubenv": "kernelopts=root=UUID=env ro \n", "boot/loader/entries/a.conf": "linux /k\noptions $kernelopts x\n"}, "root=UUID=env ro x", "/boot/loader/entries/a.conf"},
		"kernelopts, cfg":   {map[string]string{"boot/grub2/grub.cfg": blsGrub, "boot/loader/entries/a.conf": "linux /k\noptions ${kernelopts}\n"}, "root=UUID=cfg ro", "/boot/loader/entries/a.conf"},
		"systemd-boot":      {map[string]string{"boot/loader/loader.conf": "default b*\n", "boot/loader/entries/a.conf": "linux /k\noptions a\n", "boot/loader/entries/b.conf": "linux /k\noptions b\n"}, "b", "/boot/loader/entries/b.conf"},
		"boot by itself":    {map[string]string{"grub2/grub.cfg": blsGrub, "loader/entries/a.conf": "linux /k\noptions own\n"}, "own", "/loader/entries/a.conf"},
		"entries not used":  {map[string]string{"boot/grub/grub.cfg": ubuntuGrub, "boot/loader/entries/a.conf": "linux /k\noptions bls\n"}, "root=PARTUUID=11-22 ro console=tty1", "/boot/grub/grub.cfg"},
		"legacy":            {map[string]string{"boot/grub/grub.conf": "default=1\ntimeout=5\n#x\ntitle A\n\troot (hd0,0)\n\tkernel /k a=1\ntitle B\n\tkernel /k root=LABEL=/ b\n\tinitrd /i\n"}, "root=LABEL=/ b", "/boot/grub/grub.conf"},
		"legacy, no number": {map[string]string{"boot/grub/menu.lst": "default saved\ntitle A\nkernel /k a\n"}, "a", "/boot/grub/menu.lst"},
		"extlinux":          {map[string]string{"boot/extlinux.conf": "DEFAULT b\nLABEL a\n  LINUX /k\n  APPEND a\nLABEL b\n  KERNEL /k\n  APPEND root=UUID=1 b\n"}, "root=UUID=1 b", "/boot/extlinux.conf"},
		"kernel/cmdline":    {map[string]string{"boot/": "", "etc/kernel/cmdline": "root=UUID=1 rw\n"}, "root=UUID=1 rw", "/etc/kernel/cmdline"},
		"default/grub":      {map[string]string{"boot/": "", "etc/default/grub": "GRUB_CMDLINE_LINUX=\"a selinux=0\"\nGRUB_CMDLINE_LINUX_DEFAULT='quiet'\n"}, "a selinux=0 quiet", "/etc/default/grub"},
	} {
		got, problems := KernelArgs(tree(t, c.files))
		if strings.Join(got.Raw, " ") != c.args || got.Source != c.source {
			t.Errorf("%s: %q from %s, want %q from %s", name, got.Raw, got.Source, c.args, c.source)
		}
		if len(problems) > 0 {
			t.Errorf("%s: problems %v", name, problems)
		}
	}
	if a, problems := KernelArgs(tree(t, map[string]string{"etc/": ""})); a.Source != "" || len(problems) != 1 {
		t.Errorf("nothing: %+v, %v", a, problems)
	}
}

func TestParseArgs(t *testing.T) {
	a := ParseArgs(splitArgs(`root=UUID=1 root=LABEL=x rootflags=subvol=@,ro selinux=0 enforcing=1 fips=1 dyndbg="file a +p" cloud-init=disabled fstab=no`), "s")
	if a.Root != "LABEL=x" || !slices.Equal(a.RootFlags, []string{"subvol=@", "ro"}) || a.SELinux != Off || a.Enforcing != On || a.FIPS != On || !a.NoCloud || !a.NoFstab {
		t.Errorf("%+v", a)
	}
	if !slices.Contains(a.Raw, "dyndbg=file a +p") {
		t.Errorf("quotes: %q", a.Raw)
	}
	for line, stops := range map[string]bool{
		"ro quiet": false, "single": true, "1": true, "3": false, "systemd.unit=rescue.target": true, "systemd.unit=multi-user.target": false,
		"emergency": true, "init=/bin/bash": true, "init=/sbin/init": false, "rd.break": true, "rescue 3": false,
	} {
		if got := ParseArgs(splitArgs(line), "").Stops(); (got != "") != stops {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// TestGrubEnvAsGrub holds our reading of the environment block against GRUB's tool.
func TestGrubEnvAsGrub(t *testing.T) {
	editenv := program(t, "grub-editenv", "grub2-editenv")
	file := filepath.Join(t.TempDir(), "grubenv")
	values := map[string]string{"kernelopts": "root=UUID=1 ro a=b", "saved_entry": `back\slash and "quotes"`, "next_entry": "1>2", "empty": ""}
	output(t, nil, editenv, file, "create")
	for name, value := range values {
		output(t, nil, editenv, file, "set", name+"="+value)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := readGrubEnv(tree(t, map[string]string{"boot/grub/grubenv": string(data)}), "/boot")
	if !maps.Equal(got, values) {
		t.Errorf("%q, GRUB was told %q", got, values)
	}
}

func TestCompareVersions(t *testing.T) {
	order := []string{"a-5.9.conf", "a-5.14.0-70.el9.conf", "a-5.14.0-427.el9.conf", "a-6.01.conf", "b"}
	for i := range order {
		for j := range order {
			if got, want := compareVersions(order[i], order[j]), i-j; (got < 0) != (want < 0) || (got > 0) != (want > 0) {
				t.Errorf("%q, %q: %d", order[i], order[j], got)
			}
		}
	}
}

func FuzzGrub(f *testing.F) {
	f.Add([]byte(ubuntuGrub))
	f.Add([]byte(blsGrub + "linux /k $kernelopts ${x\noptions a \"b c\"\n"))
	f.Add([]byte("default=1\ntitle A\nkernel /k a\nlabel b\nappend c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		env := map[string]string{"saved_entry": "1>2"}
		entries := parseGrub(data, "f", env)
		if len(entries) > 0 {
			markGrub(entries, defaultOf(data, env))
			if n := len(slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return !e.Default })); n != 1 {
				t.Errorf("%d defaults", n)
			}
		}
		parseLegacy(data, "f", "title", "kernel", "default", "")
		parseLegacy(data, "f", "label", "kernel", "default", "append")
		ParseArgs(parseBLS(data, grubVariables(data, env)).Args, "f")
	})
}
