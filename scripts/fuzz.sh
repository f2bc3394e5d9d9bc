#!/bin/bash
# Runs every fuzz target for a time, one after another: scripts/fuzz.sh 20s
set -euo pipefail
time=${1:?usage: scripts/fuzz.sh TIME}
cd "$(dirname "$0")/.."

ran=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
		ran=$((ran + 1))
	done
done
echo "fuzz: $ran targets, $time each"
