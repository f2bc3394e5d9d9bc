#!/bin/bash
# Locks a real Debian disk, rescues it, boots it and logs in. Everything but the
# cache of Debian roots is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

instance=i-0de30de30de30de30
work=$(mktemp -d "${TMPDIR:-/tmp}/regain-demo-XXXXXX")
trap 'rm -rf "$work"' EXIT
disk=$work/disk.raw key=$work/new-key state=$work/state
began=$(date +%s.%N)

main() {
	if [ "$(id -u)" != 0 ]; then
		echo "demo: mounting disks needs root: sudo make demo" >&2
		exit 1
	fi
	go build -o "$work" ./internal/testdisk/cmd/mkdisk ./internal/testdisk/cmd/bootlogin

	step "A Debian 12 disk: GPT, ext4, cloud-init. The user's key is lost, and ~/.ssh is writable by everyone."
	"$work/mkdisk" -suite bookworm -layout gpt-ext4 -break lost-key,ssh-dir -o "$disk"
	took

	step "Why can nobody log in?"
	agent 4 diagnose --image "$disk"
	took

	step "Rescue it."
	agent 0 rescue --image "$disk" --instance "$instance" --store "file:$key" --state-dir "$state"
	took

	step "Boot that disk, and log in with the new key."
	"$work/bootlogin" -image "$disk" -layout gpt-ext4 -user admin -key "$key"
	took

	printf '\nBack in. All of it took %.0f s.\n' "$(since "$began")"
}

# agent runs regain-agent, shows how it was called, and wants this exit code.
agent() {
	local want=$1 code=0
	shift
	echo "\$ regain-agent $*"
	bin/regain-agent "$@" || code=$?
	if [ $code != "$want" ]; then
		echo "demo: regain-agent $1 ended with $code, not $want" >&2
		exit 1
	fi
}

steps=0
step() {
	steps=$((steps + 1))
	started=$(date +%s.%N)
	printf '\n== %d. %s\n' "$steps" "$1"
}

took() { printf '   (%.1f s)\n' "$(since "$started")"; }

since() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { print b - a }'; }

main
