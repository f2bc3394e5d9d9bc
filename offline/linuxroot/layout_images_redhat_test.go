package linuxroot

import "github.com/seed-77750964/regain/offline"

// blsBoot is a boot directory whose menu comes from entry files.
func blsBoot(options string) map[string]string {
	return map[string]string{
		"boot/grub2/grub.cfg":                          blsGrub,
		"boot/grub2/grubenv":                           "# GRUB Environment Block\nsaved_entry=0123-5.14.0-427.el9\nboot_success=0\n######\n",
		"boot/loader/entries/0123-5.14.0-427.el9.conf": "title Linux (5.14.0-427.el9)\nversion 5.14.0-427.el9\nlinux /vmlinuz-5.14.0-427.el9\ninitrd /initramfs-5.14.0-427.el9.img\noptions " + options + "\ngrub_users $grub_users\n",
		"boot/loader/entries/0123-0-rescue.conf":       "title Linux (0-rescue)\nlinux /vmlinuz-0-rescue\noptions rescue only\n",
	}
}

func redHatImages() []image {
	return []image{
		{
			name: "Amazon Linux 2023",
			files: with(with(installed("ec2-user", programs(true)), blsBoot("root=UUID=a ro console=tty0 selinux=1 security=selinux quiet")), map[string]string{
				"etc/os-release":                   "NAME=\"Amazon Linux\"\nVERSION=\"2023\"\nID=\"amzn\"\nID_LIKE=\"fedora\"\nVERSION_ID=\"2023\"\nPRETTY_NAME=\"Amazon Linux 2023.6\"\n",
				"etc/passwd":                       systemUsers + "ec2-instance-connect:x:991:991::/home/ec2-instance-connect:/sbin/nologin\nec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\nssm-user:x:1001:1001::/home/ssm-user:/bin/bash\n",
				"etc/group":                        "wheel:x:10:ec2-user\nec2-user:x:1000:\n",
				"etc/sudoers.d/ssm-agent-users":    "ssm-user ALL=(ALL) NOPASSWD:ALL\n",
				"etc/fstab":                        "#\nUUID=aaaaaaaa-0000-4000-8000-000000000001     /           xfs    defaults,noatime  1   1\nUUID=7B77-95E7        /boot/efi       vfat    defaults,noatime,uid=0,gid=0,umask=0077,shortname=winnt,x-systemd.automount 0 2\n",
				"etc/cloud/cloud.cfg":              "users:\n - default\ndisable_root: true\nssh_deletekeys: true\nsystem_info:\n  distro: amazon\n  default_user:\n    name: ec2-user\n    gecos: EC2 Default User\n",
				"etc/cloud/cloud.cfg.d/10_aws.cfg": "repo_upgrade: none\n",
				"etc/cloud/cloud.cfg.d/README":     "users: [nobody reads this]\n",
			}),
			os:   offline.OS{ID: "amzn", Version: "2023", Name: "Amazon Linux 2023.6", Arch: "arm64"},
			args: "root=UUID=a ro console=tty0 selinux=1 security=selinux quiet", layout: "/boot/efi=2:efi", users: "ec2-user root", cloud: "ec2-user",
		},
		{
			name: "Amazon Linux 2",
			files: with(installed("ec2-user", programs(false)), map[string]string{
				"etc/os-release":      "NAME=\"Amazon Linux\"\nID=\"amzn\"\nVERSION_ID=\"2\"\nPRETTY_NAME=\"Amazon Linux 2\"\n",
				"etc/system-release":  "Amazon Linux release 2 (Karoo)\n",
				"etc/passwd":          systemUsers + "ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n",
				"etc/group":           "wheel:x:10:ec2-user\nadm:x:4:ec2-user\n",
				"etc/fstab":           "#\nUUID=aaaaaaaa-0000-4000-8000-000000000001     /           xfs    defaults,noatime  1   1\n",
				"etc/cloud/cloud.cfg": "users:\n - default\nsystem_info:\n  default_user:\n    name: ec2-user\n",
				"boot/grub2/grub.cfg": "if [ \"${next_entry}\" ] ; then\n   set default=\"${next_entry}\"\nelse\n   set default=\"${saved_entry}\"\nfi\nmenuentry 'Amazon Linux (5.10) 2' --class fedora $menuentry_id_option 'gnulinux-5.10-advanced' {\n\tlinux\t/boot/vmlinuz-5.10 root=UUID=a ro net.ifnames=0 rd.shell=0\n\tinitrd\t/boot/initramfs-5.10.img\n}\nmenuentry 'Amazon Linux (4.14) 2' {\n\tlinux16\t/boot/vmlinuz-4.14 root=UUID=a ro old\n}\n",
				"boot/grub2/grubenv":  "saved_entry=Amazon Linux (4.14) 2\n",
			}),
			os:   offline.OS{ID: "amzn", Version: "2", Name: "Amazon Linux 2", Arch: "amd64"},
			args: "root=UUID=a ro old", users: "ec2-user root", cloud: "ec2-user",
		},
		{
			name: "RHEL 9 in FIPS mode",
			files: with(with(installed("ec2-user", programs(false)), blsBoot("$kernelopts fips=1 boot=LABEL=BOOT")), map[string]string{
				"etc/os-release":                   "NAME=\"Red Hat Enterprise Linux\"\nID=\"rhel\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"Red Hat Enterprise Linux 9.4 (Plow)\"\n",
				"etc/passwd":                       systemUsers + "ec2-user:x:1000:1000:Cloud User:/home/ec2-user:/bin/bash\n",
				"etc/group":                        "wheel:x:10:\nadm:x:4:ec2-user\n",
				"etc/fstab":                        "UUID=aaaaaaaa-0000-4000-8000-000000000001\t/\txfs\tdefaults\t0\t0\nUUID=aaaaaaaa-0000-4000-8000-000000000002\t/boot\txfs\tdefaults\t0\t0\n",
				"etc/cloud/cloud.cfg":              "users:\n - default\nsystem_info:\n  distro: rhel\n  default_user:\n    name: cloud-user\n",
				"etc/cloud/cloud.cfg.d/99_ec2.cfg": "system_info:\n  default_user:\n    name: ec2-user\n",
			}),
			os:   offline.OS{ID: "rhel", Version: "9.4", Name: "Red Hat Enterprise Linux 9.4 (Plow)", Arch: "amd64"},
			args: "root=UUID=cfg ro fips=1 boot=LABEL=BOOT", layout: "/boot=1:boot", users: "ec2-user root", cloud: "ec2-user",
		},
		{
			name: "CentOS 7",
			files: with(installed("centos", programs(false)), map[string]string{
				"etc/os-release":      "NAME=\"CentOS Linux\"\nID=\"centos\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n",
				"etc/centos-release":  "CentOS Linux release 7.9.2009 (Core)\n",
				"etc/passwd":          systemUsers + "centos:x:1000:1000:Cloud User:/home/centos:/bin/bash\nnfsnobody:x:65534:65534:Anonymous NFS User:/var/lib/nfs:/bin/sh\n",
				"etc/group":           "wheel:x:10:centos\n",
				"etc/fstab":           "UUID=aaaaaaaa-0000-4000-8000-000000000001 / xfs defaults 0 0\nfs-0123456789abcdef0.efs.us-east-1.amazonaws.com:/ /home/shared nfs4 _netdev,nfsvers=4.1 0 0\n",
				"etc/cloud/cloud.cfg": "users:\n - default\nssh_deletekeys: 0\nsystem_info:\n  default_user:\n    name: centos\n",
				"boot/grub2/grub.cfg": "menuentry 'CentOS Linux' --unrestricted {\n\tlinux16 /boot/vmlinuz-3.10.0 root=UUID=a ro console=ttyS0,115200n8 crashkernel=auto\n\tinitrd16 /boot/initramfs-3.10.0.img\n}\n",
			}),
			os:   offline.OS{ID: "centos", Version: "7", Name: "CentOS Linux 7 (Core)", Arch: "amd64"},
			args: "root=UUID=a ro console=ttyS0,115200n8 crashkernel=auto", layout: "-/home/shared:home", users: "centos root", cloud: "centos",
		},
		{
			name: "Rocky 9",
			files: with(with(installed("rocky", programs(true)), blsBoot("root=UUID=a ro no_timer_check")), map[string]string{
				"etc/os-release":      "NAME=\"Rocky Linux\"\nID=\"rocky\"\nVERSION_ID=\"9.5\"\nPRETTY_NAME=\"Rocky Linux 9.5 (Blue Onyx)\"\n",
				"etc/passwd":          systemUsers + "rocky:x:1000:1000:rocky Cloud User:/home/rocky:/bin/bash\n",
				"etc/fstab":           "UUID=aaaaaaaa-0000-4000-8000-000000000001 / xfs defaults 0 0\nPARTLABEL=swap none swap defaults 0 0\n",
				"etc/cloud/cloud.cfg": "users:\n  - default\nsystem_info:\n  default_user:\n    name: rocky\n",
			}),
			os:   offline.OS{ID: "rocky", Version: "9.5", Name: "Rocky Linux 9.5 (Blue Onyx)", Arch: "arm64"},
			args: "root=UUID=a ro no_timer_check", users: "rocky root", cloud: "rocky",
		},
		{
			name: "AlmaLinux 9, home on LVM",
			files: with(with(installed("ec2-user", programs(false)), blsBoot("root=/dev/mapper/almalinux-root ro rd.lvm.lv=almalinux/root")), map[string]string{
				"etc/os-release": "NAME=\"AlmaLinux\"\nID=\"almalinux\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4 (Seafoam Ocelot)\"\n",
				"etc/passwd":     systemUsers + "ec2-user:x:1000:1000:almalinux Cloud User:/home/ec2-user:/bin/bash\n",
				"etc/fstab":      "/dev/mapper/almalinux-root / xfs defaults 0 0\n/dev/mapper/almalinux-home /home xfs defaults 0 0\n",
			}),
			os:   offline.OS{ID: "almalinux", Version: "9.4", Name: "AlmaLinux 9.4 (Seafoam Ocelot)", Arch: "amd64"},
			args: "root=/dev/mapper/almalinux-root ro rd.lvm.lv=almalinux/root", layout: "-/home:home", users: "ec2-user root",
		},
		{
			name: "Fedora on btrfs",
			files: with(with(installed("fedora", programs(false)), blsBoot("root=UUID=a rootflags=subvol=root ro")), map[string]string{
				"etc/os-release":      "NAME=\"Fedora Linux\"\nID=fedora\nVERSION_ID=41\nPRETTY_NAME=\"Fedora Linux 41 (Cloud Edition)\"\n",
				"etc/passwd":          systemUsers + "fedora:x:1000:1000:fedora Cloud User:/home/fedora:/bin/bash\n",
				"etc/fstab":           "LABEL=root / btrfs compress=zstd:1,defaults,subvol=root 0 1\nLABEL=BOOT /boot ext4 defaults 1 2\nLABEL=root /home btrfs compress=zstd:1,subvol=home 0 0\nLABEL=root /var btrfs subvol=var 0 0\n",
				"etc/cloud/cloud.cfg": "users:\n  - default\nsystem_info:\n  default_user:\n    name: fedora\n",
			}),
			os:   offline.OS{ID: "fedora", Version: "41", Name: "Fedora Linux 41 (Cloud Edition)", Arch: "amd64"},
			args: "root=UUID=a rootflags=subvol=root ro", layout: "/boot=1:boot /home=0:home[home] /var=0:var[var]", users: "fedora root", cloud: "fedora",
		},
	}
}
