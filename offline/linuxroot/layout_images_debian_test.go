package linuxroot

import "github.com/seed-77750964/regain/offline"

func debianImages() []image {
	return []image{
		{
			name: "Debian 12",
			files: with(installed("admin", programs(false)), map[string]string{
				"etc/os-release":                      "-> ../usr/lib/os-release",
				"usr/lib/os-release":                  "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
				"etc/passwd":                          systemUsers + "admin:x:1000:1000:Debian:/home/admin:/bin/bash\n",
				"etc/group":                           "adm:x:4:admin\nsudo:x:27:admin\nadmin:x:1000:\n",
				"etc/fstab":                           "PARTUUID=bbbbbbbb-0000-4000-8000-000000000001 / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1\nPARTUUID=bbbbbbbb-0000-4000-8000-000000000015 /boot/efi vfat defaults 0 0\n",
				"etc/cloud/cloud.cfg":                 "users:\n - default\ndisable_root: true\nsystem_info:\n  distro: debian\n  default_user:\n    name: debian\n    sudo: [\"ALL=(ALL) NOPASSWD:ALL\"]\n",
				"etc/cloud/cloud.cfg.d/01_debian.cfg": "apt:\n  generate_mirrorlists: true\nsystem_info:\n  default_user:\n    name: admin\n",
				"etc/cloud/cloud.cfg.d/90_dpkg.cfg":   "# to update this file, run dpkg-reconfigure\ndatasource_list: [ Ec2 ]\n",
				"boot/grub/grub.cfg":                  "set default=\"0\"\nmenuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple' {\n\tload_video\n\tlinux /boot/vmlinuz-6.1 root=PARTUUID=bbbbbbbb ro console=ttyS0,115200 nvme_core.io_timeout=4294967295\n\tinitrd /boot/initrd.img-6.1\n}\n",
				"etc/default/grub":                    "GRUB_CMDLINE_LINUX=\"not the one that boots\"\n",
				"etc/systemd/system/x.target.wants/a": "",
				"usr/lib/systemd/system/tmp.mount":    "[Mount]\nWhat=tmpfs\nWhere=/tmp\nType=tmpfs\n",
				"etc/login.defs":                      "# comment\nUID_MIN\t\t\t 1000\nUID_MAX\t\t\t60000\n#SYS_UID_MIN 100\n",
				"etc/sudoers":                         "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
			}),
			os:     offline.OS{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)", Arch: "amd64"},
			args:   "root=PARTUUID=bbbbbbbb ro console=ttyS0,115200 nvme_core.io_timeout=4294967295",
			layout: "/boot/efi=2:efi", users: "admin root", cloud: "admin",
		},
		{
			name: "Ubuntu 24.04, arm64, separate boot",
			files: with(installed("ubuntu", programs(true)), map[string]string{
				"etc/os-release":      "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nID_LIKE=debian\n",
				"etc/passwd":          systemUsers + "ubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/bash\nec2-instance-connect:x:109:65534::/nonexistent:/usr/sbin/nologin\n",
				"etc/group":           "adm:x:4:syslog,ubuntu\nsudo:x:27:ubuntu\n",
				"etc/fstab":           "LABEL=root\t/\t ext4\tdiscard,commit=30,errors=remount-ro\t0 1\nLABEL=BOOT\t/boot\text4\tdefaults\t0 2\nLABEL=UEFI\t/boot/efi\tvfat\tumask=0077\t0 1\n",
				"etc/cloud/cloud.cfg": "users:\n  - default\ndisable_root: true\nsystem_info:\n  distro: ubuntu\n  default_user:\n    name: ubuntu\n    lock_passwd: True\n",
				"boot/grub/grub.cfg":  ubuntuGrub,
			}),
			os:     offline.OS{ID: "ubuntu", Version: "24.04", Name: "Ubuntu 24.04.1 LTS", Arch: "arm64"},
			args:   "root=PARTUUID=11-22 ro console=tty1",
			layout: "/boot=1:boot /boot/efi=2:efi", users: "ubuntu root", cloud: "ubuntu",
		},
		{
			name: "Bitnami on Debian",
			files: with(installed("bitnami", programs(false)), map[string]string{
				"etc/os-release":              "ID=debian\nVERSION_ID=\"12\"\nNAME='Debian GNU/Linux'\n",
				"etc/passwd":                  systemUsers + "bitnami:x:1000:1000:Bitnami Admin User:/home/bitnami:/bin/bash\nmysql:x:998:998::/home/mysql:/bin/bash\nbncert:x:1001:1001::/home/bncert:/usr/sbin/nologin\n",
				"etc/group":                   "bitnami-admins:x:1000:\nsudo:x:27:bitnami\n",
				"etc/fstab":                   "UUID=aaaaaaaa-0000-4000-8000-000000000001 / ext4 defaults 0 1\n/dev/xvdf /bitnami ext4 defaults,nofail 0 2\n",
				"etc/cloud/cloud.cfg":         "user: bitnami\nusers:\n  - default\nsystem_info:\n  default_user:\n    name: admin\n",
				"boot/extlinux/extlinux.conf": "default linux\nlabel linux\n  kernel /boot/vmlinuz\n  append root=LABEL=root ro\n  initrd /boot/initrd.img\n",
			}),
			os:     offline.OS{ID: "debian", Version: "12", Name: "Debian GNU/Linux", Arch: "amd64"},
			args:   "root=LABEL=root ro",
			layout: "-/bitnami:data", users: "bitnami root", cloud: "bitnami",
		},
		{
			name: "Debian, people added by hand",
			files: with(programs(false), map[string]string{
				"etc/os-release":        "ID=debian\nVERSION_ID=13\nPRETTY_NAME=Debian\\ 13\n",
				"etc/passwd":            systemUsers + "zoe:x:1000:1000:Zoe,,,:/home/zoe:/bin/bash\nann:x:1001:1001:Ann,,,:/home/ann:/bin/sh\ngit:x:1002:1002::/home/git:/usr/bin/git-shell\n",
				"etc/group":             "sudo:x:27:ann\n",
				"home/zoe/":             "",
				"home/ann/":             "",
				"etc/fstab":             "/dev/nvme0n1p1 / ext4 defaults 0 1\n/dev/nvme1n1 /srv xfs defaults,nofail 0 2\n/swapfile none swap sw 0 0\n",
				"boot/grub/menu.lst":    "default 0\ntitle Debian\nroot (hd0,0)\nkernel /boot/vmlinuz root=/dev/xvda1 ro\ninitrd /boot/initrd\n",
				"etc/sudoers.d/README":  "# nothing\n",
				"etc/sudoers.d/unused~": "",
			}),
			os:     offline.OS{ID: "debian", Version: "13", Name: "Debian 13", Arch: "amd64"},
			args:   "root=/dev/xvda1 ro",
			layout: "-/srv:data", users: "ann root zoe",
		},
	}
}
