#!/bin/bash
# The whole story on this machine, without an AWS account: a lab comes up, an
# instance whose key is lost is created, SSH is refused, regain resets it, and
# the login works. Everything but the cache of Debian roots is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

speed=${DEMO_SPEED:-10} # 1: EC2's own pace
work=$(mktemp -d "${TMPDIR:-/tmp}/regain-demo-XXXXXX")
lab=
trap finish EXIT
began=$(date +%s.%N)
export PATH=$PWD/bin:$PATH XDG_STATE_HOME=$work/state

main() {
	if [ "$(id -u)" != 0 ]; then
		echo "demo: the lab mounts disks and makes namespaces, which needs root: sudo make demo" >&2
		exit 1
	fi
	go build -o "$work" ./internal/testdisk/cmd/mkdisk

	step "A lab: EC2, Systems Manager and the rest of the account, on this machine (time runs $speed times faster)."
	start_lab
	took

	step "A Debian 12 instance. Its user has lost the key, and ~/.ssh is writable by everyone."
	"$work/mkdisk" -suite bookworm -layout gpt-ext4 -break lost-key,ssh-dir -o "$work/disk.raw"
	run regain-lab create-instance --state "$work/lab" --image "$work/disk.raw" --key-name lost --wait | tee "$work/created"
	read -r instance address < <(tail -1 "$work/created")
	rm "$work/disk.raw"
	took

	step "Nobody gets in."
	ssh-keygen -q -t ed25519 -N '' -f "$work/some-key"
	login "$work/some-key" && fail "this key should be refused"
	took

	step "What would regain do?"
	run regain reset "$instance" --dry-run --accept-ip-change
	took

	step "Do it."
	run regain reset "$instance" --yes --accept-ip-change
	took

	step "Fetch the key, and log in."
	run regain key "$instance" --out "$work/key"
	run regain ssh "$instance" -- 'echo "in as $(id -un) on $(hostname), $(. /etc/os-release; echo $PRETTY_NAME)"'
	took

	step "Nothing is left over."
	run regain list
	run regain-lab leftovers --state "$work/lab" --run "$(regain status --json | grep -o '"run":"[^"]*"' | head -1 | cut -d'"' -f4)"
	took

	printf '\nBack in. All of it took %.0f s.\n' "$(since "$began")"
}

start_lab() {
	regain-lab serve --state "$work/lab" --listen 127.0.0.1:0 --speed "$speed" >"$work/lab.log" 2>&1 &
	lab=$!
	for _ in $(seq 200); do
		grep -q 'listening on' "$work/lab.log" && break
		kill -0 "$lab" 2>/dev/null || { cat "$work/lab.log" >&2; fail "the lab has ended"; }
		sleep 0.1
	done
	cat "$work/lab.log"
	echo "\$ eval \"\$(regain-lab env --state $work/lab)\""
	eval "$(regain-lab env --state "$work/lab")"
}

# login tries to log in with a key.
login() {
	echo "\$ ssh -i $1 admin@$address"
	ssh -F none -i "$1" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -o ConnectTimeout=10 "admin@$address" true 2>&1
}

# run shows a command, and runs it.
run() {
	echo "\$ $*"
	"$@"
}

fail() {
	echo "demo: $*" >&2
	exit 1
}

finish() {
	if [ -n "$lab" ] && kill "$lab" 2>/dev/null; then
		wait "$lab" || true
	fi
	rm -rf "$work"
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
