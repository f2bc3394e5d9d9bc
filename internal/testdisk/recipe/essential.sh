#!/bin/sh
# Runs before the kernel is configured, so that its initramfs is small.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d"
cat >"$root/etc/initramfs-tools/conf.d/testdisk" <<'EOF'
MODULES=list
COMPRESS=gzip
RESUME=none
EOF
printf '%s\n' virtio_pci virtio_blk ext4 xfs btrfs >"$root/etc/initramfs-tools/modules"
