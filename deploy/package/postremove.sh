#!/bin/sh
# `apt purge` also removes what runclad was given and what it wrote. rpm has no
# purge: there they stay.
set -eu

[ "${1:-}" = purge ] || exit 0
rm -rf /etc/runclad /run/runclad /var/log/runclad
