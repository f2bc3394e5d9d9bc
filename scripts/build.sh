#!/bin/bash
# Builds every command of cmd/ into bin/: NAME for this machine, and
# NAME-linux-ARCH for each architecture that is released.
set -euo pipefail
cd "$(dirname "$0")/.."

shopt -s nullglob
mkdir -p bin
for dir in cmd/*/; do
	name=$(basename "$dir")
	for arch in amd64 arm64; do
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -ldflags '-s -w' -o "bin/$name-linux-$arch" "./$dir"
	done
	ln -sfn "$name-linux-$(go env GOARCH)" "bin/$name"
done
