#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build.sh makes the layers of the images in recipes/ from Debian packages:
#
#   base      a Debian root filesystem (debootstrap, variant minbase)
#   packages  what `apt-get install` adds, one for each list of packages
#   image     the packages and what a recipe's setup.sh makes of them in a chroot
#
# and leaves for each recipe a folder $RUNCLAD_CACHE/images/replica/NAME: its
# Dockerfile, and the layers as tar files with their digests, in the order of
# their names. What exists is not made again: a layer's name is a hash of all it
# is made from. No service is started, and no mount is left: all mounts are in a
# namespace of the script's own.
#
#   build.sh [NAME...]    all recipes if none is named
set -euo pipefail

# Raise it to make all layers again.
version=1
suite=bookworm
# The host's own Debian mirror, unless another is named.
mirror=${RUNCLAD_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sed -n "s/ $suite\$//p" | head -n 1)}

[ -n "$mirror" ] || { echo "images: apt knows no mirror of $suite; set RUNCLAD_DEBIAN_MIRROR" >&2; exit 1; }

if [ "${1-}" != --inside ]; then
	exec unshare --mount --propagation private "$0" --inside "$@"
fi
shift

here=$(cd "$(dirname "$0")" && pwd)
cache=${RUNCLAD_CACHE:-${HOME:-/root}/.cache/runclad}/images
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
mkdir -p "$cache/replica" "$cache/tmp"
chmod 0755 "$cache"
exec 9>"$cache/lock"
flock 9

say() { printf 'images: %s\n' "$*" >&2; }
hash() { sha256sum | cut -c1-16; }
work=$(mktemp -d "$cache/tmp/XXXXXX")
trap 'umount -R -l "$work/root" 2>/dev/null || true; rm -rf "$work"' EXIT

# logged runs a command and shows what it says only when it fails.
logged() {
	if ! timeout 900 "$@" >"$work/log" 2>&1 </dev/null; then
		tail -n 40 "$work/log" >&2
		say "failed: $*"
		exit 1
	fi
}

# pack UPPER TAR: whiteouts are left out, since a layer of `docker build` only
# adds; nothing that matters is removed by a package or a recipe.
pack() {
	(cd "$1" && find . -type c -printf '%P\n' >"$work/exclude" &&
		tar --numeric-owner --xattrs --xattrs-exclude='trusted.*' --exclude-from="$work/exclude" --anchored -cf "$2.part" .)
	mv "$2.part" "$2"
}

# open_root UPPER LOWER: an overlay in which commands are run by chroot.
open_root() {
	rm -rf "$work/work"
	mkdir -p "$work/root" "$work/work"
	mount -t overlay overlay -o "lowerdir=$2,upperdir=$1,workdir=$work/work" "$work/root"
	mount -t proc proc "$work/root/proc"
	mount --bind /dev "$work/root/dev"
}

close_root() { umount -R -l "$work/root"; }

# layer FILE NAME: puts a tar file with its digest in the context.
layer() {
	[ "$1.sha256" -nt "$1" ] || sha256sum <"$1" | cut -d' ' -f1 >"$1.sha256"
	ln "$1" "$context/$2.tar"
	cp "$1.sha256" "$context/$2.sha256"
}

base=$cache/base-$(printf '%s' "$version $suite" | hash)
if [ ! -e "$base.tar" ]; then
	say "base: debootstrap $suite"
	rm -rf "$base"
	logged debootstrap --variant=minbase "$suite" "$base" "$mirror"
	printf 'deb %s %s main\n' "$mirror" "$suite" >"$base/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
	chmod 0755 "$base/usr/sbin/policy-rc.d"
	printf 'path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n' \
		>"$base/etc/dpkg/dpkg.cfg.d/small"
	rm -rf "$base"/var/cache/apt/archives/*.deb "$base"/var/log/*.log "$base"/dev
	mkdir "$base/dev"
	logged chroot "$base" apt-get update
	rm -f "$base/etc/resolv.conf"
	# The package lists stay in the tree for later layers and out of the image.
	tar -C "$base" --numeric-owner --exclude=./var/lib/apt/lists/?* -cf "$base.tar.part" .
	mv "$base.tar.part" "$base.tar"
fi

# packages LIST: prints the layer.
packages() {
	local layer
	layer=$cache/packages-$(printf '%s' "$base $1" | hash)
	if [ ! -e "$layer.done" ]; then
		say "packages: $1"
		rm -rf "$layer"
		mkdir "$layer"
		open_root "$layer" "$base"
		cp /etc/resolv.conf "$work/root/etc/resolv.conf"
		# shellcheck disable=SC2086 # a list
		logged env DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$work/root" \
			apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Options::=--force-unsafe-io $1
		rm -f "$work/root/etc/resolv.conf" "$work"/root/var/cache/apt/*.bin "$work"/root/var/cache/apt/archives/*.deb
		close_root
		touch "$layer.done"
	fi
	printf '%s\n' "$layer"
}

recipe() {
	local dir=$here/recipes/$1 list layer="" image context
	list=$(tr -s '\n' ' ' <"$dir/packages")
	case $list in *[a-z]*) layer=$(packages "$list") ;; esac
	image=$cache/image-$( (printf '%s' "$base $layer" && cd "$dir" && find . -type f -printf '%P %m\n' -exec cat {} + && { [ ! -e scratch ] || cat ../../server/*.go; }) | hash)
	if [ ! -e "$image.tar" ]; then
		say "recipe: $1"
		rm -rf "$image"
		# Above a copy of the packages, so that a recipe can remove what they brought.
		if [ -n "$layer" ]; then cp -a --reflink=auto "$layer" "$image"; else mkdir "$image"; fi
		if [ -e "$dir/scratch" ]; then
			# Not in a chroot: it makes the whole of the image in $root.
			(cd "$dir" && root=$image logged sh -eux ./setup.sh)
		else
			open_root "$image" "$base"
			mount --bind "$dir" "$work/root/mnt"
			logged env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
				chroot "$work/root" sh -eux -c 'cd /mnt && . ./setup.sh'
			close_root
		fi
		pack "$image" "$image.tar"
		rm -rf "$image"
	fi
	context=$cache/replica/$1
	rm -rf "$context"
	mkdir "$context"
	[ -e "$dir/scratch" ] || layer "$base.tar" 0-base
	layer "$image.tar" 1-image
	cp "$dir/Dockerfile" "$context/Dockerfile"
}

if [ $# -eq 0 ]; then
	for dir in "$here"/recipes/*/; do set -- "$@" "$(basename "$dir")"; done
fi
for name; do recipe "$name"; done

# What no context holds any longer.
find "$cache" -maxdepth 1 -name 'image-*.tar' -links 1 -exec sh -c 'for f; do rm -f "$f" "$f.sha256"; done' - {} +
