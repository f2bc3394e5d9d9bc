#!/bin/bash
# The whole story on this machine, without an AWS account: a lab comes up, an
# instance that nobody gets into is created, regain resets it, and the login works.
# Everything but the cache of Debian roots is gone afterwards.
#
#   scripts/demo.sh              a Debian whose SSH key is lost
#   WINDOWS=1 scripts/demo.sh    a Windows whose administrator's password is lost
set -euo pipefail
cd "$(dirname "$0")/.."

speed=${DEMO_SPEED:-10} # 1: EC2's own pace
work=$(mktemp -d "${TMPDIR:-/tmp}/regain-demo-XXXXXX")
lab=
trap finish EXIT
trap 'exit 130' INT
began=$(date +%s.%N)
export PATH=$PWD/bin:$work:$PATH XDG_STATE_HOME=$work/state

main() {
	if [ "$(id -u)" != 0 ]; then
		echo "demo: the lab mounts disks and makes namespaces, which needs root: sudo make demo" >&2
		exit 1
	fi
	local story=linux maker=mkdisk
	[ "${WINDOWS:-}" != 1 ] || story=windows maker=mkwindows
	go build -o "$work" "./internal/testdisk/cmd/$maker"
	cd "$work"

	step "A lab: EC2, Systems Manager and the rest of the account, on this machine (time runs $speed times faster)."
	start_lab
	took

	"create_$story"

	step "What would regain do?"
	run regain reset "$instance" --dry-run --accept-ip-change
	took

	step "Do it."
	run regain reset "$instance" --yes --accept-ip-change
	took

	"enter_$story"

	step "Nothing is left over."
	run regain list
	run regain-lab leftovers --state lab --run "$(regain status --json | grep -o '"run":"[^"]*"' | head -1 | cut -d'"' -f4)"
	took

	printf '\nBack in. All of it took %.0f s.\n' "$(since "$began")"
}

create_linux() {
	step "A Debian 12 instance. Its user has lost the key, and ~/.ssh is writable by everyone."
	mkdisk -suite bookworm -layout gpt-ext4 -break lost-key,ssh-dir -o disk.raw
	create --key-name lost
	took

	step "Nobody gets in."
	ssh-keygen -q -t ed25519 -N '' -f some-key
	login some-key && fail "this key should be refused"
	took
}

enter_linux() {
	step "Fetch the key, and log in."
	run regain key "$instance" --out key
	run regain ssh "$instance" -- 'echo "in as $(id -un) on $(hostname), $(. /etc/os-release; echo $PRETTY_NAME)"'
	took
}

create_windows() {
	step "A Windows Server 2022 instance with EC2Launch v2. Nobody knows its administrator's password any more."
	echo "\$ regain-lab create-key-pair --state lab --name ops >ops.pem"
	regain-lab create-key-pair --state lab --name ops >ops.pem
	mkwindows -release 2022 -agent ec2launch-v2 -o disk.raw
	create --platform windows --key-name ops
	took

	step "Nobody gets in."
	echo 'Passw0rd!' >guess
	try guess && fail "this password should be refused"
	took
}

enter_windows() {
	step "Wait for the new password, decrypt it, and try it."
	keep password regain password "$instance" --key ops.pem
	try password
	took
}

start_lab() {
	echo "\$ regain-lab serve --state lab --listen 127.0.0.1:0 --speed $speed &"
	# Ctrl-C must not reach it: regain needs it to take back what it has begun.
	setsid regain-lab serve --state lab --listen 127.0.0.1:0 --speed "$speed" >lab.log 2>&1 &
	lab=$!
	for _ in $(seq 200); do
		grep -q 'listening on' lab.log && break
		kill -0 "$lab" 2>/dev/null || { cat lab.log >&2; fail "the lab has ended"; }
		sleep 0.1
	done
	cat lab.log
	echo '$ eval "$(regain-lab env --state lab)"'
	eval "$(regain-lab env --state lab)"
}

# create makes the instance of disk.raw.
create() {
	keep created regain-lab create-instance --state lab --image disk.raw "$@" --wait
	read -r instance address <created # Windows has no address
	rm disk.raw
}

# login tries to log in with a key.
login() {
	echo "\$ ssh -i $1 admin@$address"
	ssh -F none -i "$1" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -o ConnectTimeout=10 "admin@$address" true 2>&1
}

# try asks the lab's Windows whether it takes the password in a file.
try() {
	echo "\$ regain-lab check-password --state lab --instance $instance <$1"
	regain-lab check-password --state lab --instance "$instance" <"$1"
}

# run shows a command, and runs it.
run() {
	echo "\$ $*"
	"$@"
}

# keep is run, and what is printed goes to a file, too.
keep() {
	echo "\$ ${*:2}"
	"${@:2}" | tee "$1"
}

fail() {
	echo "demo: $*" >&2
	exit 1
}

finish() {
	trap '' INT TERM HUP # once is enough
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
