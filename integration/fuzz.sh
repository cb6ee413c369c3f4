#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh TIME runs every fuzz target of the module for TIME each. `go test`
# takes one target of one package at a time.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?usage: fuzz.sh TIME}

found=0
while IFS=: read -r file target; do
	found=$((found + 1))
	printf 'fuzz: %s in %s\n' "$target" "$(dirname "$file")"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -timeout 5m "./$(dirname "$file")"
done < <(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's|^\./||; s|:func |:|' | sort)

if [ "$found" = 0 ]; then
	echo 'fuzz: no target found, which cannot be right' >&2
	exit 1
fi
