#!/bin/bash
# On the bench, about a copy of a Windows volume: bench.sh probe|hives|seek|ntfs3 VOLUME
# It mounts for reading only, but for ntfs3, which is for a copy that is thrown away.
set -euo pipefail
disk=$(grep -lx "${2/-/} *" /sys/block/nvme*/device/serial | cut -d/ -f4)
part=$(for p in $(sudo blkid -o device -t TYPE=ntfs | grep "^/dev/${disk:?no device has that volume}"); do
	echo "$(sudo blockdev --getsize64 "$p") $p"
done | sort -n | tail -1 | cut -d' ' -f2)
: "${part:?no NTFS on that volume}"
look() { sudo mount -t ntfs-3g -o ro,norecover "$part" /mnt; }
case $1 in
probe)
	code=0
	sudo ntfs-3g.probe --readwrite "$part" || code=$?
	echo "ntfs-3g.probe: $code"
	sudo ntfsinfo -m "$part" 2>&1 | grep -i 'flags\|version' || true
	;;
hives)
	look
	sudo python3 hives.py /mnt/Windows/System32/config
	sudo ls -l /mnt/Windows/System32/GroupPolicy/Machine/Scripts/Startup || true
	sudo umount /mnt
	;;
seek)
	look
	sudo python3 seek.py /mnt
	sudo umount /mnt
	;;
ntfs3)
	sudo mount -t ntfs3 "$part" /mnt
	sudo touch /mnt/acceptance-ntfs3.txt
	sudo getfattr -e hex -n system.ntfs_security /mnt/acceptance-ntfs3.txt
	sudo umount /mnt
	;;
*) echo "bench.sh probe|hives|seek|ntfs3 VOLUME" >&2; exit 2 ;;
esac
