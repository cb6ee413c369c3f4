#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# vulncheck.sh GOVULNCHECK checks what the two programs link against the Go
# vulnerability database. A vulnerability fails. A database that cannot be
# reached does not fail, as it says nothing about the source, but is reported as
# "not checked". RUNCLAD_VULNCHECK=require makes it fail as well.
set -euo pipefail
cd "$(dirname "$0")/.."
govulncheck=${1:?usage: vulncheck.sh GOVULNCHECK}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
timeout 300 "$govulncheck" ./cmd/... >"$log" 2>&1 || status=$?
case $status in
0)
	cat "$log"
	exit 0
	;;
3) # vulnerabilities found (govulncheck's documented status)
	cat "$log"
	exit 1
	;;
esac
if grep -q '^govulncheck: fetching vulnerabilities: ' "$log" || [ $status = 124 ]; then
	echo 'vulncheck: NOT CHECKED: the vulnerability database cannot be reached from here:' >&2
	tail -n 3 "$log" >&2
	[ "${RUNCLAD_VULNCHECK:-}" != require ]
	exit
fi
cat "$log"
exit 1
