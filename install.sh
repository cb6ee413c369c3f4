#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# install.sh builds runclad where that is still to be done, and has runcladctl
# install it from this folder. What happens to the engines' files is decided
# there (internal/install); docs/engines.md says why each is written as it is.
set -eu
umask 022

src=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

usage() {
	cat <<'END'
usage: ./install.sh [OPTION…]

Installs bin/runclad and bin/runcladctl (built with `make build` if they are
missing) with their manual, and prints the lines by which each engine found here
gets to know runclad. With --uninstall it takes everything back. The options are
those of `runcladctl install` and `runcladctl uninstall`:

  --docker            write /etc/docker/daemon.json
  --containerd        write /etc/containerd/config.toml, or a drop-in it imports
  --podman            write /etc/containers/containers.conf.d/runclad.conf
  --crio              write /etc/crio/crio.conf.d/90-runclad.conf
  --default-runtime   with --docker, --containerd or --crio: for every container
  --policy            write /etc/runclad/policy.toml if there is none; it holds
                      the built-in defaults
  --logrotate         write /etc/logrotate.d/runclad
  --uninstall         take all of the above back; the policy and the audit log stay
  --force             with --uninstall: although containers depend on runclad;
                      then the programs stay
  --keep-binary       with --uninstall: leave the programs in place
  --check             with --uninstall: only say what depends on runclad
  --dry-run           change nothing, print what would change
  --json              print JSON
  --prefix DIR        instead of /usr/local (or $PREFIX)
  --root DIR          work on the tree below DIR instead of /

The engines' programs are found in PATH; DOCKERD, CONTAINERD, PODMAN and CRIO
name others.
END
}

command=install
for arg; do # each is taken from the front and, if it goes on, put at the end
	shift
	case $arg in
	--uninstall) command=uninstall ;;
	-h | --help) usage && exit 0 ;;
	*) set -- "$@" "$arg" ;;
	esac
done

if [ ! -x "$src/bin/runclad" ] || [ ! -x "$src/bin/runcladctl" ]; then
	make -C "$src" build >&2
fi
[ $command = uninstall ] || set -- --from "$src" "$@"
exec "$src/bin/runcladctl" $command --prefix "${PREFIX:-/usr/local}" "$@"
