#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# deps.sh installs what the demo, the tests and the linters need on Debian 12.
#
#   integration/deps.sh demo    what `make demo` needs: runc, Docker, busybox
#   integration/deps.sh test    demo, crun, containerd, Podman, CNI, and the
#                               current engines built from the Go module proxy
#   integration/deps.sh package what `make package` needs: nfpm
#   integration/deps.sh lint    the linters, built from the Go module proxy
#
# It is idempotent: it looks for each file first, and does nothing (in well
# under a second) when all of them are there. It starts no daemon and changes
# no configuration. What it builds goes to $RUNCLAD_CACHE (default
# ~/.cache/runclad), one folder per tool and version.
set -euo pipefail

cache=${RUNCLAD_CACHE:-${HOME:-/root}/.cache/runclad}
# An absolute path: `go install` refuses a relative GOBIN.
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac

say() { printf 'deps: %s\n' "$*"; }
die() {
	printf 'deps: %s\n' "$*" >&2
	exit 1
}

# ---- Debian packages -------------------------------------------------------
# PACKAGE FILE…: the package is missing when all of the files are. Looking for
# files rather than asking dpkg lets a machine that got the same program another
# way (docker-ce, a distribution other than Debian) pass.
demo_packages='
runc /usr/sbin/runc /usr/bin/runc
docker.io /usr/sbin/dockerd /usr/bin/dockerd
containerd /usr/bin/containerd
iptables /usr/sbin/iptables
iproute2 /usr/sbin/ip
busybox-static /usr/bin/busybox
make /usr/bin/make
ca-certificates /etc/ssl/certs/ca-certificates.crt
'
test_packages="$demo_packages
crun /usr/bin/crun
podman /usr/bin/podman
conmon /usr/bin/conmon
containernetworking-plugins /usr/lib/cni/bridge
nftables /usr/sbin/nft
uidmap /usr/bin/newuidmap
libseccomp-dev /usr/include/seccomp.h
pkg-config /usr/bin/pkg-config
gcc /usr/bin/gcc
libc6-dev /usr/include/stdlib.h
jq /usr/bin/jq
procps /usr/bin/pgrep
git /usr/bin/git
libcap2-bin /usr/sbin/setcap
debootstrap /usr/sbin/debootstrap
pandoc /usr/bin/pandoc
rpm /usr/bin/rpm
"
lint_packages='
make /usr/bin/make
git /usr/bin/git
libseccomp-dev /usr/include/seccomp.h
pkg-config /usr/bin/pkg-config
gcc /usr/bin/gcc
libc6-dev /usr/include/stdlib.h
'

# A package must not start its daemon: on a machine without an init system
# Debian's invoke-rc.d already declines, on one with systemd policy-rc.d is the
# documented way to say no (invoke-rc.d(8)). The file exists only while
# apt-get runs, and only where the administrator has none.
policy=/usr/sbin/policy-rc.d
policy_mark='# written by runclad integration/deps.sh for the time of one apt-get run'
unblock_services() {
	if [ -f "$policy" ] && grep -qxF "$policy_mark" "$policy"; then rm -f "$policy"; fi
}
block_services() {
	unblock_services # left behind by a run that was killed
	[ -e "$policy" ] && return 0
	trap unblock_services EXIT
	trap 'exit 130' INT TERM HUP
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
	chmod 0755 "$policy"
}

packages() {
	local name file files there missing=()
	while read -r name files; do
		[ -n "$name" ] || continue
		there=
		for file in $files; do
			if [ -e "$file" ]; then there=1; fi
		done
		[ -n "$there" ] || missing+=("$name")
	done <<<"$1"
	if [ ${#missing[@]} -eq 0 ]; then
		say 'Debian packages: all there'
		return
	fi
	say "Debian packages missing: ${missing[*]}"
	command -v apt-get >/dev/null || die 'no apt-get here: install the above by hand'
	[ "$(id -u)" = 0 ] || die 'apt-get needs root'
	block_services
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	# --no-remove: rather fail than replace, say, docker-ce by docker.io.
	apt-get install -y -qq --no-remove --no-install-recommends "${missing[@]}" >/dev/null
	unblock_services
	say "installed: ${missing[*]}"
	if [ -d /run/systemd/system ]; then
		say 'note: the services of the packages above were not started now, but Debian enables them for the next boot'
	fi
}

# ---- Go programs -----------------------------------------------------------
# gobuild FOLDER MODULE@VERSION TAGS PACKAGE…: builds each PACKAGE (a path
# below MODULE) into $cache/FOLDER. Built elsewhere first and then renamed, so
# that an interrupted build leaves nothing that looks finished.
gobuild() {
	local folder=$1 module=${2%@*} version=${2#*@} tags=$3 p name absent=
	shift 3
	for p in "$@"; do
		name=$(program "$module/$p")
		[ -x "$cache/$folder/$name" ] || absent=1
	done
	if [ -z "$absent" ]; then
		say "$folder: there"
		return
	fi
	command -v go >/dev/null || die 'Go is not installed (https://go.dev/dl)'
	say "$folder: building from $module@$version"
	local start=$SECONDS tmp
	mkdir -p "$cache/$folder"
	tmp=$(mktemp -d "$cache/.build-XXXXXX")
	for p in "$@"; do
		# GOFLAGS of the caller (for example -mod=vendor) is for its own
		# module, not for this one.
		(cd "$tmp" && GOFLAGS='' GOBIN=$tmp go install -trimpath -tags "$tags" "$module${p:+/$p}@$version") ||
			{ rm -rf "$tmp"; die "$folder: the build of $module/$p failed"; }
		name=$(program "$module/$p")
		mv "$tmp/$name" "$cache/$folder/$name"
	done
	rm -rf "$tmp"
	say "$folder: built in $((SECONDS - start)) s"
}

# program PATH: the name `go install` gives the program of that import path.
program() {
	local p=${1%/} base
	base=${p##*/}
	case $base in v[0-9]*) p=${p%/*} base=${p##*/} ;; esac
	printf '%s' "$base"
}

runtimes() {
	gobuild runc-v1.5.2 github.com/opencontainers/runc@v1.5.2 seccomp ''
	gobuild runc-v1.3.6 github.com/opencontainers/runc@v1.3.6 seccomp ''
}

engines() {
	gobuild containerd-v2.4.2 github.com/containerd/containerd/v2@v2.4.2 '' \
		cmd/containerd cmd/ctr cmd/containerd-shim-runc-v2
	gobuild dockerd-v2.0.0-beta.24 github.com/moby/moby/v2@v2.0.0-beta.24 '' cmd/dockerd
}

packager() {
	CGO_ENABLED=0 gobuild nfpm-v2.45.2 github.com/goreleaser/nfpm/v2@v2.45.2 '' cmd/nfpm
}

linters() {
	export CGO_ENABLED=0
	gobuild gofumpt-v0.12.0 mvdan.cc/gofumpt@v0.12.0 '' ''
	gobuild staticcheck-v0.8.2 honnef.co/go/tools@v0.8.2 '' cmd/staticcheck
	gobuild govulncheck-v1.8.0 golang.org/x/vuln@v1.8.0 '' cmd/govulncheck
	gobuild golangci-lint-v2.15.0 github.com/golangci/golangci-lint/v2@v2.15.0 '' cmd/golangci-lint
}

case ${1:-} in
demo) packages "$demo_packages" ;;
test)
	packages "$test_packages"
	runtimes
	engines
	packager
	;;
package) packager ;;
lint)
	packages "$lint_packages"
	linters
	;;
*) die "usage: $0 demo|test|package|lint" ;;
esac
