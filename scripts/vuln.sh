#!/bin/bash
# Runs govulncheck. That its database cannot be reached is no finding: it is said
# in one line and is the only failure that is passed over.
set -euo pipefail
out=$(mktemp)
trap 'rm -f "$out"' EXIT
code=0
"$1" ./... >"$out" 2>&1 || code=$?
if [ $code = 1 ] && grep -q 'vuln\.go\.dev' "$out" && grep -qE 'dial tcp|no such host|Forbidden|i/o timeout|connection refused|Service Unavailable|Bad Gateway|proxyconnect' "$out"; then
	echo "vuln: NOT CHECKED: the database at vuln.go.dev cannot be reached from here"
	exit 0
fi
cat "$out"
exit $code
