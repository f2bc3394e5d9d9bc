#!/bin/bash
# Builds every command of cmd/ into bin/ as NAME-OS-ARCH, and links NAME to the one
# for this machine. The agent comes first: regain carries it for the helpers
# (controller/agentbin).
#
#   scripts/build.sh            linux, amd64 and arm64
#   scripts/build.sh host       for this machine alone: what the demo needs
#   scripts/build.sh release    and regain for macOS and Windows
set -euo pipefail
cd "$(dirname "$0")/.."

embedded=controller/agentbin/bin
archs=(amd64 arm64)
[ "${1:-}" != host ] || archs=("$(go env GOARCH)")
mkdir -p bin

build() { # NAME OS ARCH
	local out=bin/$1-$2-$3
	[ "$2" != windows ] || out=$out.exe
	CGO_ENABLED=0 GOOS=$2 GOARCH=$3 go build -trimpath -ldflags '-s -w' -o "$out" "./cmd/$1"
}

for arch in "${archs[@]}"; do
	build regain-agent linux "$arch"
	packed=regain-agent-linux-$arch.gz
	gzip -9nc "bin/regain-agent-linux-$arch" >"bin/$packed"
	# What is the same stays the same file, so that regain need not be built anew.
	cmp -s "bin/$packed" "$embedded/$packed" || cp "bin/$packed" "$embedded/$packed"
	rm "bin/$packed"
done
for name in regain regain-lab; do
	for arch in "${archs[@]}"; do
		build $name linux "$arch"
	done
done
if [ "${1:-}" = release ]; then
	build regain darwin arm64
	build regain darwin amd64
	build regain windows amd64
fi
for name in regain regain-agent regain-lab; do
	ln -sfn "$name-linux-$(go env GOARCH)" "bin/$name"
done
