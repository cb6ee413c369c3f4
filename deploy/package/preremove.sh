#!/bin/sh
# Before the files of the package are removed: not while anything needs them.
# dpkg calls this with `remove` or `upgrade`, rpm with the number of versions
# that stay. Failing stops the removal, and everything stays as it is.
set -eu

case ${1:-} in
remove | 0) ;;
*) exit 0 ;; # an upgrade: the programs are replaced by rename, containers go on
esac

# RUNCLAD_REMOVE=force is for a node whose containers do not matter any more.
[ "${RUNCLAD_REMOVE:-}" != force ] || exit 0

if ! /usr/bin/runcladctl uninstall --check; then
	cat >&2 <<'END'

runclad is still needed here, so it is not removed: containers could not be
stopped any more, or engines could not create any. Do this first:
    runcladctl uninstall --dry-run     what would change
    runcladctl uninstall               take the engines' lines back, and reload or
                                       restart them as it says
END
	exit 1
fi
