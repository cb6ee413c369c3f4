#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# install.sh puts runclad on a machine and, where asked, names it to the
# engines. `install.sh --help` lists the options; docs/engines.md says why each
# file is written the way it is.
#
# Rules that it keeps:
#   - an engine's file is replaced by rename(2), after the engine itself has
#     accepted the new content, with a copy of the old one beside it;
#   - a second run changes nothing;
#   - no daemon is restarted or reloaded: the command is printed;
#   - --uninstall gives each file back byte for byte unless it was edited since.
set -eu
umask 022

prefix=${PREFIX:-/usr/local}
: "${DOCKERD:=dockerd}" "${CONTAINERD:=containerd}" "${PODMAN:=podman}" "${CRIO:=crio}"
root='' dry=0 force=0 remove=0 default=0 policy=0 logrotate=0 changed=0
docker=0 containerd=0 podman=0 crio=0

usage() {
	cat <<'END'
usage: ./install.sh [OPTION…]

Installs bin/runclad and bin/runcladctl (built with `make build` if they are
missing) and prints the lines by which each engine found here gets to know it.

  --docker            write /etc/docker/daemon.json
  --containerd        write /etc/containerd/config.toml, or a drop-in it imports
  --podman            write /etc/containers/containers.conf.d/runclad.conf
  --crio              write /etc/crio/crio.conf.d/90-runclad.conf
  --default-runtime   with --docker or --crio: for every container
  --policy            write /etc/runclad/policy.toml if there is none; it holds
                      the built-in defaults
  --logrotate         write /etc/logrotate.d/runclad
  --uninstall         take all of the above back; the policy and the audit log stay
  --force             with --uninstall: although containers created through
                      runclad are alive
  --dry-run           change nothing, print what would change
  --prefix DIR        instead of /usr/local
  --root DIR          work on the tree below DIR instead of /

The engines' programs are found in PATH; DOCKERD, CONTAINERD, PODMAN and CRIO
name others.
END
}

say() { printf '%s\n' "$*"; }
die() {
	printf 'install.sh: %s\n' "$*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--docker) docker=1 ;;
	--containerd) containerd=1 ;;
	--podman) podman=1 ;;
	--crio) crio=1 ;;
	--default-runtime) default=1 ;;
	--policy) policy=1 ;;
	--logrotate) logrotate=1 ;;
	--uninstall) remove=1 ;;
	--force) force=1 ;;
	--dry-run) dry=1 ;;
	--prefix | --root)
		[ $# -ge 2 ] || die "$1 needs a value"
		case $1 in --prefix) prefix=$2 ;; --root) root=$2 ;; esac
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*) usage >&2 && die "unknown option $1" ;;
	esac
	shift
done

# These go into JSON, TOML and sed as they are.
case $prefix in
/*[!A-Za-z0-9/._+-]* | [!/]* | '') die "--prefix $prefix is not an absolute path of letters, digits and ._+-/" ;;
esac
case $root in '' | /*) ;; *) root=$PWD/$root ;; esac
root=${root%/}
[ -z "$root" ] || [ -d "$root" ] || die "--root $root is not a directory"
[ -n "$root" ] || [ "$dry" = 1 ] || [ "$(id -u)" = 0 ] || die 'needs root (or --root DIR, or --dry-run)'
[ $default = 0 ] || [ $docker = 1 ] || [ $crio = 1 ] || die '--default-runtime goes with --docker or --crio'

src=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bindir=$prefix/bin mandir=$prefix/share/man
shim=$bindir/runclad
stamp=$(date -u +%Y%m%dT%H%M%SZ)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP

have() { command -v "$1" >/dev/null 2>&1; }

written="# Written by runclad's install.sh; removed by install.sh --uninstall."

# ---- files ------------------------------------------------------------------

# put FILE NEW [backup]: NEW becomes FILE's content, by rename(2), with the
# owner and mode that FILE had.
put() {
	if [ -L "$1" ]; then die "$1 is a symbolic link: make the change where it leads"; fi
	if [ -f "$1" ] && cmp -s "$1" "$2"; then
		say "unchanged  $1"
		return
	fi
	if [ $dry = 1 ]; then
		say "would write $1:"
		old=$1
		[ -f "$1" ] || old=/dev/null
		diff -u "$old" "$2" || true
		return
	fi
	mkdir -p "$(dirname "$1")"
	if [ -f "$1" ]; then
		if [ "${3-}" = backup ]; then
			copy=$1.runclad-backup-$stamp n=0
			while [ -e "$copy" ]; do n=$((n + 1)) && copy=$1.runclad-backup-$stamp-$n; done
			cp -p "$1" "$copy"
			say "backup     $copy"
		fi
		cp -p "$1" "$1.runclad-tmp"
	fi
	cat "$2" >"$1.runclad-tmp"
	mv -f "$1.runclad-tmp" "$1"
	changed=1
	say "wrote      $1"
}

# effect TEXT: the command that makes an engine read what was just changed.
effect() {
	[ $changed = 0 ] || say "           to take effect: $1"
	changed=0
}

# program FROM TO: a running shim keeps the file it was started from.
program() {
	if [ -f "$2" ] && cmp -s "$1" "$2"; then
		say "unchanged  $2"
	elif [ $dry = 1 ]; then
		say "would install $2"
	else
		mkdir -p "$(dirname "$2")"
		cp "$1" "$2.runclad-tmp"
		chmod "$3" "$2.runclad-tmp"
		mv -f "$2.runclad-tmp" "$2"
		say "installed  $2"
	fi
}

# drop FILE: removes what install.sh wrote.
drop() {
	[ -e "$1" ] || return 0
	if [ $dry = 1 ]; then
		say "would remove $1"
	else
		rm -f "$1"
		changed=1
		say "removed    $1"
	fi
}

# backups FILE: the copies beside it, the newest first.
backups() {
	for b in "$1".runclad-backup-*; do
		if [ -f "$b" ]; then printf '%s\n' "$b"; fi
	done | sort -r
}

# giveback FILE BACKUP: puts the original in place and drops the copies.
giveback() {
	put "$1" "$2"
	if [ $dry = 0 ]; then
		backups "$1" | while read -r b; do rm -f "$b"; done
	fi
}

# ---- Docker -----------------------------------------------------------------
# No drop-ins: the one file is merged with jq.

docker_file() { printf '%s' "$root/etc/docker/daemon.json"; }

# docker_valid FILE: one JSON object, and accepted by dockerd where it can say
# so (--validate exists since Docker 23).
docker_valid() {
	jq -es 'length == 1 and (.[0] | type == "object")' "$1" >/dev/null 2>"$tmp/why" || {
		[ -s "$tmp/why" ] || say 'not one JSON object' >"$tmp/why"
		return 1
	}
	if have "$DOCKERD" && "$DOCKERD" --help 2>/dev/null | grep -q -- '--validate'; then
		"$DOCKERD" --validate --config-file "$1" >"$tmp/why" 2>&1 || return 1
	fi
}

# docker_json FROM TO FILTER: keeps the way the file is indented.
docker_json() {
	indent=--indent\ 2
	if grep -q "^	" "$1"; then
		indent=--tab
	elif grep -q '^    "' "$1" && ! grep -q '^  "' "$1"; then
		indent=--indent\ 4
	fi
	# shellcheck disable=SC2086
	jq $indent --arg path "$shim" "$3" "$1" >"$2"
}

docker_install() {
	file=$(docker_file) changed=0
	have jq || die "--docker needs jq to change $file; install it, or add the lines by hand"
	if [ -f "$file" ]; then cp "$file" "$tmp/daemon.json"; else : >"$tmp/daemon.json"; fi
	# dockerd takes an empty file for {}.
	grep -q '[^[:space:]]' "$tmp/daemon.json" || say '{}' >"$tmp/daemon.json"
	docker_valid "$tmp/daemon.json" || die "$file is broken already and was left alone: $(cat "$tmp/why")"
	# shellcheck disable=SC2016 # $path is jq's
	filter='.runtimes = ((.runtimes // {}) + {"runclad": {"path": $path}})'
	[ $default = 0 ] || filter="$filter | .\"default-runtime\" = \"runclad\""
	docker_json "$tmp/daemon.json" "$tmp/daemon.new" "$filter"
	if [ "$(jq -S . "$tmp/daemon.json")" = "$(jq -S . "$tmp/daemon.new")" ]; then
		say "unchanged  $file"
		return
	fi
	docker_valid "$tmp/daemon.new" || die "$file was left alone: Docker does not accept the change: $(cat "$tmp/why")"
	put "$file" "$tmp/daemon.new" backup
	effect 'systemctl reload docker   (no container is stopped)'
}

docker_remove() {
	file=$(docker_file)
	grep -qs runclad "$file" || return 0
	have jq || die "needs jq to change $file"
	docker_valid "$file" || die "$file is broken and was left alone: $(cat "$tmp/why")"
	# What it was before: the newest copy that does not know runclad.
	original=''
	for b in $(backups "$file"); do
		if ! grep -q '"runclad"' "$b"; then
			original=$b
			break
		fi
	done
	say '{}' >"$tmp/before.json"
	if [ -n "$original" ] && grep -q '[^[:space:]]' "$original"; then cp "$original" "$tmp/before.json"; fi
	jq -n --slurpfile now "$file" --slurpfile before "$tmp/before.json" '
		$now[0] | $before[0] as $b
		| del(.runtimes.runclad)
		| if .runtimes == {} and ($b | has("runtimes") | not) then del(.runtimes) else . end
		| if ."default-runtime" != "runclad" then .
		  elif $b | has("default-runtime") then ."default-runtime" = $b."default-runtime"
		  else del(."default-runtime") end' >"$tmp/stripped.json"
	if [ "$(jq -S . "$tmp/stripped.json")" = "$(jq -S . "$tmp/before.json")" ]; then
		if [ -n "$original" ]; then giveback "$file" "$original"; else drop "$file"; fi
	else
		docker_json "$file" "$tmp/daemon.new" . # for the indentation alone
		docker_json "$tmp/stripped.json" "$tmp/daemon.new" .
		docker_valid "$tmp/daemon.new" || die "$file was left alone: $(cat "$tmp/why")"
		put "$file" "$tmp/daemon.new" backup
	fi
	effect 'systemctl reload docker   (containers created with --runtime runclad do not start any more: create them anew)'
}

# ---- containerd -------------------------------------------------------------
# A drop-in where the main file imports conf.d and containerd merges files key
# by key, which it does since 2.0; 1.x replaces a plugin's whole section by that
# of the imported file. Otherwise a marked block at the end of the main file.

begin='# BEGIN runclad (install.sh; removed by install.sh --uninstall)'
end='# END runclad'

containerd_dir() { printf '%s' "$root/etc/containerd"; }

# unblock FILE: its content without our block.
unblock() {
	awk -v b="$begin" -v e="$end" '$0 == b { skip = 1 } !skip { print } $0 == e { skip = 0 }' "$1"
}

# toml_version FILE: the top-level version, nothing if there is none.
toml_version() {
	awk '/^[ \t]*\[/ { exit } /^[ \t]*version[ \t]*=/ { gsub(/[^0-9]/, ""); print; exit }' "$1"
}

# toplevel FILE KEY: the value of a top-level list, over all its lines.
toplevel() {
	awk -v key="$2" '/^[ \t]*\[/ { exit } $0 ~ "^[ \t]*" key "[ \t]*=" { on = 1 } on { print } on && /\]/ { exit }' "$1"
}

# imports_confd FILE: whether the file itself imports conf.d. (The imports that
# containerd 2.2 and later show as their default are not acted upon when the
# file does not repeat them; seen with 2.4.2.)
imports_confd() {
	toplevel "$1" imports |
		grep -Eq '["'\''](/etc/containerd/)?conf\.d/\*\.toml["'\'']'
}

# dump FILE OUT: the whole configuration, one line for each setting, with the
# name of its table before it and one kind of quotes.
dump() {
	"$CONTAINERD" --config "$1" config dump >"$tmp/dump" 2>"$tmp/why" || {
		cat "$tmp/dump" >>"$tmp/why"
		return 1
	}
	tr "'" '"' <"$tmp/dump" | awk '
		/^imports/ { next }
		{ sub(/^[ \t]+/, "") }
		/^\[/ { table = $0 }
		/./ { print table " " $0 }' | sort -u >"$2"
}

# setting DUMP TABLE KEY: a value from a dump.
setting() {
	sed -n "s/^\[plugins\..*\.containerd\.runtimes\.$2\] $3 = //p" "$1" | head -n 1
}

# handler PLUGIN: the lines that make the runtime handler.
handler() {
	cat <<END
[plugins."$1".containerd.runtimes.runclad]
  runtime_type = "io.containerd.runc.v2"
[plugins."$1".containerd.runtimes.runclad.options]
  BinaryName = "$shim"
END
	if [ "${systemd-}" = true ]; then say '  SystemdCgroup = true'; fi
}

plugin_of() { if [ "$1" = 2 ]; then say io.containerd.grpc.v1.cri; else say io.containerd.cri.v1.runtime; fi; }

# containerd_plan: finds out how the handler gets there. Sets plan (there,
# dropin or block), plugin, version and lead, and leaves the lines in
# $work/handler. On failure $tmp/why says why.
containerd_plan() {
	dir=$(containerd_dir) file=$(containerd_dir)/config.toml work=$tmp/containerd plan=block lead=''
	rm -rf "$work"
	mkdir -p "$work/conf.d"
	for f in "$dir"/*; do
		case ${f##*/} in config.toml | conf.d | '*') ;; *) ln -s "$f" "$work/" ;; esac
	done
	for f in "$dir"/conf.d/*.toml; do
		case ${f##*/} in runclad.toml | '*.toml') ;; *) cp "$f" "$work/conf.d/" ;; esac
	done
	if [ -f "$file" ]; then unblock "$file" >"$work/base"; else : >"$work/base"; fi
	if toplevel "$work/base" disabled_plugins | grep -q 'cri["'\'']'; then
		say 'it disables the CRI plugin, so that nothing reads runtime handlers; Docker and ctr need no line in it' >"$tmp/why"
		return 1
	fi
	newest=$("$CONTAINERD" config default 2>/dev/null | sed -n 's/^version = //p')
	if grep -q '[^[:space:]]' "$work/base"; then
		version=$(toml_version "$work/base")
	else
		version=${newest:-0}
		[ "$version" -lt 4 ] || version=3 # read by every containerd since 2.0
		lead="version = $version"
	fi
	case $version in
	2 | 3 | 4) ;;
	'' | 1)
		say "it has configuration version 1 (or no version line), which containerd gives up; convert it with \`containerd config migrate\` first" >"$tmp/why"
		return 1
		;;
	*)
		say "configuration version $version is not known to install.sh" >"$tmp/why"
		return 1
		;;
	esac
	plugin=$(plugin_of "$version")
	config "$work/base"
	dump "$work/config.toml" "$work/before" || {
		sed -i '1i it is broken already:' "$tmp/why"
		return 1
	}
	binary=$(setting "$work/before" 'runclad\.options' BinaryName)
	if [ -n "$binary" ]; then
		plan=there
		[ "$binary" = "\"$shim\"" ] || say "it names another runclad, $binary: change it by hand" >"$tmp/why"
		[ "$binary" = "\"$shim\"" ]
		return
	fi
	systemd=$(setting "$work/before" 'runc\.options' SystemdCgroup)
	handler "$plugin" >"$work/handler"
	if imports_confd "$work/base" && [ "${newest:-0}" -ge 3 ]; then
		plan=dropin
		{ say "$written" && say "version = $version" && cat "$work/handler"; } >"$work/conf.d/runclad.toml"
		containerd_same
		return
	fi
	config "$work/base" "$work/handler"
	containerd_same && return
	# containerd 1.x forgets its built-in runc once any runtime is named.
	{ say "[plugins.\"$plugin\".containerd.runtimes.runc]" && say '  runtime_type = "io.containerd.runc.v2"' && cat "$work/handler"; } >"$work/both"
	mv "$work/both" "$work/handler"
	config "$work/base" "$work/handler"
	containerd_same
}

# config FILE…: what containerd is asked about, with conf.d as it is below
# --root.
config() {
	{ [ -z "$lead" ] || say "$lead" && cat "$@"; } |
		sed "s#\([\"']\)/etc/containerd/conf\.d/#\1$work/conf.d/#g" >"$work/config.toml"
}

containerd_install() {
	file=$(containerd_dir)/config.toml
	have "$CONTAINERD" || die "--containerd needs the containerd program to check $file with"
	if [ -L "$file" ]; then die "$file is a symbolic link: make the change where it leads"; fi
	changed=0
	containerd_plan || die "$file was left alone: $(cat "$tmp/why")"
	case $plan in
	there)
		say "unchanged  $file (the handler is there already)"
		return
		;;
	dropin)
		put "$dir/conf.d/runclad.toml" "$work/conf.d/runclad.toml"
		# A block of an earlier run has become one too many.
		if grep -qsxF "$begin" "$file"; then put "$file" "$work/base" backup; fi
		;;
	block)
		# awk ends a last line that has no newline.
		{ awk 1 "$work/base" && say "$begin" && { [ -z "$lead" ] || say "$lead"; } && cat "$work/handler" && say "$end"; } >"$work/new"
		put "$file" "$work/new" backup
		drop "$dir/conf.d/runclad.toml"
		;;
	esac
	effect 'systemctl restart containerd   (running containers go on)'
}

# containerd_same: whether containerd accepts the configuration, has the
# handler, and keeps all that it had.
containerd_same() {
	dump "$work/config.toml" "$work/after" || return 1
	if [ -z "$(setting "$work/after" 'runclad\.options' BinaryName)" ]; then
		say 'containerd does not see the handler' >"$tmp/why"
		return 1
	fi
	# Options of runc that say nothing may go: 1.x shows none for a runtime that
	# the file names without any.
	comm -23 "$work/before" "$work/after" | grep -Ev 'runtimes\.runc\.options\]( .* = ("")?(0|false)?)?$' >"$tmp/why" || true
	if [ -s "$tmp/why" ]; then
		sed -i '1i these settings would be lost:' "$tmp/why"
		return 1
	fi
}

containerd_remove() {
	dir=$(containerd_dir) file=$(containerd_dir)/config.toml
	drop "$dir/conf.d/runclad.toml"
	if grep -qsxF "$begin" "$file"; then
		unblock "$file" >"$tmp/base"
		original=''
		for b in $(backups "$file"); do
			awk 1 "$b" >"$tmp/b"
			if cmp -s "$tmp/base" "$tmp/b"; then original=$b && break; fi
		done
		if [ -n "$original" ]; then
			giveback "$file" "$original"
		elif ! grep -q '[^[:space:]]' "$tmp/base"; then
			drop "$file" # it held our block alone
		else
			# The version of a file that install.sh began stands in the block.
			if [ -z "$(toml_version "$tmp/base")" ]; then
				{ awk -v b="$begin" '$0 == b { on = 1 } on && /^version = / { print; exit }' "$file" && cat "$tmp/base"; } >"$tmp/b"
				mv "$tmp/b" "$tmp/base"
			fi
			if have "$CONTAINERD"; then
				dump "$tmp/base" "$tmp/after" || die "$file was left alone: without the block containerd does not accept it: $(cat "$tmp/why")"
			fi
			put "$file" "$tmp/base" backup
		fi
	fi
	effect 'systemctl restart containerd   (running containers go on)'
}

# ---- Podman and CRI-O: drop-ins ---------------------------------------------

podman_file() { printf '%s' "$root/etc/containers/containers.conf.d/runclad.conf"; }
podman_lines() {
	say '[engine.runtimes]'
	say "runclad = [\"$shim\"]"
}

podman_install() {
	file=$(podman_file)
	{ say "$written" && podman_lines; } >"$tmp/podman.conf"
	# Was it in order before? Else the check below would blame the drop-in.
	check=0
	if [ -z "$root" ] && [ $dry = 0 ] && have "$PODMAN" && "$PODMAN" info >/dev/null 2>&1; then check=1; fi
	had=0
	[ ! -f "$file" ] || had=1
	put "$file" "$tmp/podman.conf"
	if [ $check = 1 ]; then
		got=$("$PODMAN" --runtime runclad info --format '{{.Host.OCIRuntime.Path}}' 2>&1) || true
		if [ "$got" != "$shim" ]; then
			[ $had = 1 ] || drop "$file"
			die "Podman does not find the runtime runclad at $shim: $got"
		fi
	elif [ $dry = 0 ]; then
		say "           not checked: \`podman --runtime runclad info\` could not be asked"
	fi
}

crio_file() { printf '%s' "$root/etc/crio/crio.conf.d/90-runclad.conf"; }
crio_lines() {
	if [ $default = 1 ]; then
		say '[crio.runtime]'
		say 'default_runtime = "runclad"'
	fi
	say '[crio.runtime.runtimes.runclad]'
	say "runtime_path = \"$shim\""
	say 'runtime_type = "oci"'
	say 'runtime_root = "/run/runc"'
}

crio_install() {
	file=$(crio_file)
	{ say "$written" && crio_lines; } >"$tmp/crio.conf"
	had=0 changed=0
	[ ! -f "$file" ] || had=1
	put "$file" "$tmp/crio.conf"
	if [ -z "$root" ] && [ $dry = 0 ] && have "$CRIO"; then
		"$CRIO" config >/dev/null 2>"$tmp/why" || {
			[ $had = 1 ] || drop "$file"
			die "CRI-O does not accept the drop-in: $(cat "$tmp/why")"
		}
	elif [ $dry = 0 ]; then
		say "           not checked: \`crio config\` could not be asked"
	fi
	effect 'systemctl restart crio   (running containers go on)'
}

# ---- the whole --------------------------------------------------------------

# alive: what still needs the shim to be stopped through its engine.
alive() {
	[ -z "$root" ] || return 0
	[ -d /run/runclad ] || return 0
	ctl=$shim"ctl"
	[ -x "$ctl" ] || ctl=$src/bin/runcladctl
	"$ctl" list >"$tmp/list" 2>"$tmp/why" || {
		say "whether any is alive could not be found out: $(cat "$tmp/why")"
		return 0
	}
	awk 'NR == 1 || $NF != "no"' "$tmp/list" >"$tmp/alive"
	[ "$(wc -l <"$tmp/alive")" -le 1 ] || cat "$tmp/alive"
}

uninstall() {
	changed=0
	left=$(alive)
	if [ -n "$left" ]; then
		say "$left"
		if [ $force = 0 ]; then
			die 'containers created through runclad are alive, and their engines stop and remove them through it: remove them first, or give --force'
		fi
		say 'going on, as --force asks: the real runtime still stops these (runc --root ROOT kill ID KILL; docs/how-it-works.md)'
	fi
	docker_remove
	containerd_remove
	drop "$(podman_file)"
	changed=0 # Podman reads it at each call
	drop "$(crio_file)"
	effect 'systemctl restart crio   (running containers go on)'
	drop "$root/etc/logrotate.d/runclad"
	for p in "$src"/docs/man/*.[58]; do
		[ -f "$p" ] || continue
		drop "$root$mandir/man${p##*.}/${p##*/}"
	done
	drop "$root$bindir/runcladctl"
	drop "$root$shim"
	if [ $dry = 0 ] && [ -d "$root/etc/runclad" ]; then
		rmdir "$root/etc/runclad" 2>/dev/null || say "kept       $root/etc/runclad (not empty)"
	fi
	[ ! -d "$root/var/log/runclad" ] || say "kept       $root/var/log/runclad"
}

# lines TITLE COMMAND: what to do by hand.
lines() {
	say
	say "$1"
	shift
	"$@" | sed 's/^/    /'
}

docker_lines() {
	if grep -qsF "\"$shim\"" "$(docker_file)"; then
		say '(there already)'
		return
	fi
	say "{ \"runtimes\": { \"runclad\": { \"path\": \"$shim\" } } }"
}

containerd_lines() {
	if containerd_plan; then
		if [ "$plan" = there ]; then
			say '(there already)'
		else
			[ -z "$lead" ] || say "$lead"
			cat "$work/handler"
		fi
	else
		say "(config.toml needs a look first: $(cat "$tmp/why"))"
	fi
}

hints() {
	if [ $docker = 0 ] && have "$DOCKERD"; then
		lines 'Docker: merge into /etc/docker/daemon.json (--docker does), then systemctl reload docker:' docker_lines
	fi
	if [ $containerd = 0 ] && have "$CONTAINERD"; then
		lines 'containerd: add to /etc/containerd/config.toml (--containerd does), then systemctl restart containerd:' containerd_lines
	fi
	if [ $podman = 0 ] && have "$PODMAN"; then
		lines 'Podman: write /etc/containers/containers.conf.d/runclad.conf (--podman does):' podman_lines
	fi
	if [ $crio = 0 ] && have "$CRIO"; then
		lines 'CRI-O: write /etc/crio/crio.conf.d/90-runclad.conf (--crio does), then systemctl restart crio:' crio_lines
	fi
}

if [ $remove = 1 ]; then
	uninstall
	exit 0
fi

if [ ! -x "$src/bin/runclad" ] || [ ! -x "$src/bin/runcladctl" ]; then
	if [ $dry = 1 ]; then
		say 'would run make build'
	else
		make -C "$src" build
	fi
fi
program "$src/bin/runclad" "$root$shim" 0755
program "$src/bin/runcladctl" "$root$bindir/runcladctl" 0755
for p in "$src"/docs/man/*.[58]; do
	if [ -f "$p" ]; then program "$p" "$root$mandir/man${p##*.}/${p##*/}" 0644; fi
done
if [ $dry = 0 ]; then mkdir -p "$root/etc/runclad"; fi
if [ $policy = 1 ]; then
	if [ -e "$root/etc/runclad/policy.toml" ]; then
		say "kept       $root/etc/runclad/policy.toml"
	else
		put "$root/etc/runclad/policy.toml" "$src/deploy/policy.toml"
	fi
fi
if [ $logrotate = 1 ]; then put "$root/etc/logrotate.d/runclad" "$src/deploy/logrotate"; fi
if [ -z "$root" ] && [ $dry = 0 ]; then
	"$shim" --version >/dev/null 2>"$tmp/why" || say "note: $(cat "$tmp/why")"
fi
if [ $docker = 1 ]; then docker_install; fi
if [ $containerd = 1 ]; then containerd_install; fi
if [ $podman = 1 ]; then podman_install; fi
if [ $crio = 1 ]; then crio_install; fi
hints
