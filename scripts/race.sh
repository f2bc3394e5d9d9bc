#!/bin/bash
# Runs all tests with the race detector and, as root, checks that none that must
# run was skipped. Where the machine has the memory, the tests' disks and trees
# lie in a tmpfs: thousands of small files and syncs take a fifth of the time.
# The tmpfs is mounted in a namespace of its own and goes with it.
#
#   scripts/race.sh GOTESTSUM
set -euo pipefail
cd "$(dirname "$0")/.."

enough=$((12 << 20)) # KiB of memory to spare
gotestsum=$1 must_run=

if [ "$(id -u)" = 0 ]; then
	must_run=1
	if [ -z "${REGAIN_TMPFS:-}" ] && [ "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)" -gt $enough ]; then
		REGAIN_TMPFS=1 exec unshare --mount --propagation private "$0" "$@"
	fi
fi
if [ -n "${REGAIN_TMPFS:-}" ]; then
	mkdir -p bin/.tmp
	mount -t tmpfs -o size=10g,mode=1777 tmpfs bin/.tmp
	export TMPDIR=$PWD/bin/.tmp
fi

# host is what a test that is led astray by a link it has planted would change.
host() {
	ls -A / /home
	stat -c '%n %f %u:%g' / /etc /home /root /tmp /etc/passwd /etc/shadow /etc/group /bin/sh \
		/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty
}

# Tests wait a good deal, for machines that boot and for disks: three packages
# share two processors.
packages=$((($(nproc) * 3 + 1) / 2))

# What takes minutes begins first, lest it run alone at the end.
long=(./e2e ./rescue ./controller ./cmd/regain-agent ./lab/machine ./lab/windows ./offline/sshd)

# -count=1: tests that build and run the programs do not show what these are made of,
# and their results would be kept when that changes.
mkdir -p bin
before=$(host 2>/dev/null || true)
REGAIN_MUST_RUN=$must_run "$gotestsum" --format standard-quiet --jsonfile bin/test.json -- -race -count=1 -p "$packages" -timeout 40m "${long[@]}" ./...
if ! diff <(echo "$before") <(host 2>/dev/null || true); then
	echo "race: the tests have changed this machine" >&2
	exit 1
fi
if [ -n "$must_run" ]; then
	go run ./internal/mustrun testdata/mustrun.txt bin/test.json
else
	echo "must-run: not root: not checked"
fi
