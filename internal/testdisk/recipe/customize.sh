#!/bin/sh
# Leaves the root as it stands on an instance that has booted before: cloud-init
# made the user, and its private key is lost.
set -eu
root=$1
id=i-0123456789abcdef0

echo patient >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 patient\n' >"$root/etc/hosts"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
ls "$root"/etc/ssh/ssh_host_*_key >/dev/null

# The user, as cloud-init makes it from the image's default_user.
chroot "$root" useradd -m -u 1000 -U -c Debian -s /bin/bash -G adm,audio,cdrom,dialout,dip,floppy,plugdev,sudo,video admin
mkdir -p "$root/etc/sudoers.d"
cat >"$root/etc/sudoers.d/90-cloud-init-users" <<'EOF'
# Created by cloud-init v. 22.4.2 on Mon, 05 Feb 2024 09:12:33 +0000

# User rules for admin
admin ALL=(ALL) NOPASSWD:ALL
EOF
chmod 0440 "$root/etc/sudoers.d/90-cloud-init-users"

tmp=$(mktemp -d)
ssh-keygen -q -t ed25519 -N '' -C lost-key -f "$tmp/key"
install -d -m 0700 -o 1000 -g 1000 "$root/home/admin/.ssh"
install -m 0600 -o 1000 -g 1000 "$tmp/key.pub" "$root/home/admin/.ssh/authorized_keys"
install -d -m 0700 "$root/root/.ssh"
# shellcheck disable=SC2016
printf '%s %s\n' 'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo '\''Please login as the user \"admin\" rather than the user \"root\".'\'';echo;sleep 10;exit 142"' \
	"$(cat "$tmp/key.pub")" >"$root/root/.ssh/authorized_keys"
chmod 0600 "$root/root/.ssh/authorized_keys"
rm -r "$tmp"

mkdir -p "$root/etc/cloud/cloud.cfg.d"
cat >"$root/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg" <<'EOF'
system_info:
  default_user:
    name: admin
    sudo: ALL=(ALL) NOPASSWD:ALL
    shell: /bin/bash
    lock_passwd: True
    gecos: Debian
    groups: [adm, audio, cdrom, dialout, dip, floppy, netdev, plugdev, sudo, video]
EOF

# Without a kernel the root is for a chroot: nothing below concerns it.
[ -d "$root/usr/lib/modules" ] || exit 0

# The NoCloud-like "None" source needs no metadata service. Its semaphores say
# that the once-per-instance work (user, host keys) was done long ago.
printf 'datasource_list: [None]\n' >"$root/etc/cloud/cloud.cfg.d/99-datasource.cfg"
printf 'network: {config: disabled}\n' >"$root/etc/cloud/cloud.cfg.d/98-network.cfg"
id=iid-datasource-none
lib=$root/var/lib/cloud
mkdir -p "$lib/data" "$lib/instances/$id/sem"
ln -sfn "/var/lib/cloud/instances/$id" "$lib/instance"
echo "$id" | tee "$lib/data/instance-id" >"$lib/data/previous-instance-id"
sed -n 's/^ *- *//p' "$root/etc/cloud/cloud.cfg" | tr - _ | sort -u | while read -r module; do
	echo "$module" | grep -qx '[a-z_0-9]*' && : >"$lib/instances/$id/sem/config_$module"
done

cat >"$root/etc/systemd/network/80-dhcp.network" <<'EOF'
[Match]
Name=en* eth*
[Network]
DHCP=ipv4
IPv6AcceptRA=no
EOF
chroot "$root" systemctl -q enable systemd-networkd.service
chroot "$root" systemctl -q mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
	dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service systemd-timesyncd.service \
	serial-getty@ttyS0.service getty@tty1.service
