#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# node.sh install|uninstall: puts runclad on the node whose root is mounted on
# /host, or takes it back. The engine's files are changed by runcladctl inside
# the node's root, where the engine's own program checks them.
#
#   RUNCLAD_ENGINE           containerd or crio
#   RUNCLAD_RESTART          yes: restart it when it has to read its files anew
#   RUNCLAD_DEFAULT_RUNTIME  yes: make runclad the default for pods
set -eu

host=/host prefix=/usr/local
# Remembers a restart that is due, also if this pod dies in between. /run is
# empty after a boot, when nothing is due any more.
due=$host/run/runclad-restart-due

die() {
	echo "node.sh: $*" >&2
	exit 1
}

engine=${RUNCLAD_ENGINE:-}
case $engine in containerd | crio) ;; *) die "RUNCLAD_ENGINE=$engine: containerd or crio" ;; esac

# ctl ARGS…: runcladctl in the node's root. What would need a restart is found
# out before anything is changed.
ctl() {
	plan=$(chroot "$host" "$prefix/bin/runcladctl" "$@" --prefix "$prefix" --dry-run 2>&1) || die "$plan"
	case $plan in *"to take effect: systemctl restart $engine"*) : >"$due" ;; esac
	chroot "$host" "$prefix/bin/runcladctl" "$@" --prefix "$prefix"
}

restart() {
	[ -e "$due" ] || return 0
	if [ "${RUNCLAD_RESTART:-no}" = yes ]; then
		# systemctl speaks to the node's systemd by a socket in /run.
		chroot "$host" /usr/bin/env SYSTEMD_IGNORE_CHROOT=1 systemctl restart "$engine"
		rm -f "$due"
		echo "restarted $engine"
	else
		echo "still to be done on this node: systemctl restart $engine"
	fi
}

case ${1:-} in
install)
	set -- install "--$engine"
	if [ "${RUNCLAD_DEFAULT_RUNTIME:-no}" = yes ]; then
		# Without one, the node's own agents would not start any more.
		set -- "$@" --default-runtime
		ls "$host"/etc/runclad/policy.toml "$host"/etc/runclad/policy.d/*.toml 2>/dev/null | grep -q . ||
			die 'runclad as the default runtime needs a policy on the node that exempts its agents (docs/kubernetes.md)'
	fi
	/runclad/bin/runcladctl install --root "$host" --prefix "$prefix" --from /runclad
	ctl "$@"
	;;
uninstall)
	if [ -x "$host$prefix/bin/runcladctl" ]; then ctl uninstall; fi
	;;
*) die 'usage: node.sh install|uninstall' ;;
esac
restart
