#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh NFPM VERSION [FOLDER]: makes a .deb and an .rpm of the programs in
# bin/, there or in FOLDER. `make package` calls it.
set -eu
umask 022
cd "$(dirname "$0")/../.."
nfpm=$1 version=$2 out=${3:-bin}

# A version that dpkg and rpm order: v1.2.0-3-gabc becomes 1.2.0+3.gabc, and what
# has no tag 0.0.0+abc.
version=$(printf '%s' "${version#v}" | sed 's/-\([0-9]*\)-g/+\1.g/; s/-dirty$/.dirty/; s/-/~/g')
case $version in [0-9]*.[0-9]*.[0-9]*) ;; *) version=0.0.0+$version ;; esac

TREE=$(mktemp -d)
trap 'rm -rf "$TREE"' EXIT
share=$TREE/usr/share
mkdir -p "$TREE/usr/bin" "$share/runclad" "$share/doc/runclad/examples"
install -m 0755 bin/runclad bin/runcladctl "$TREE/usr/bin"
# runcladctl looks for this: what a package owns is not its to remove.
: >"$share/runclad/packaged"
for page in docs/man/*.[58]; do
	mkdir -p "$share/man/man${page##*.}"
	gzip -9nc "$page" >"$share/man/man${page##*.}/${page##*/}.gz"
done
install -m 0644 README.md SECURITY.md CHANGELOG.md docs/*.md "$share/doc/runclad"
install -m 0644 deploy/package/copyright "$share/doc/runclad/copyright"
install -m 0644 deploy/policy.toml "$share/doc/runclad/examples"
cp -R deploy/kubernetes "$share/doc/runclad/examples"

completion() {
	bin/runcladctl completion "$1" >"$TREE/completion"
	mkdir -p "$(dirname "$share/$2")"
	cp "$TREE/completion" "$share/$2"
}
completion bash bash-completion/completions/runcladctl
completion zsh zsh/vendor-completions/_runcladctl # Debian's place
completion zsh zsh/site-functions/_runcladctl
completion fish fish/vendor_completions.d/runcladctl.fish
rm -f "$TREE/completion"

# The same source gives the same packages.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
find "$TREE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
ARCH=$(go env GOARCH) VERSION=$version
export TREE ARCH VERSION SOURCE_DATE_EPOCH
rm -f "$out"/runclad[_-]*.deb "$out"/runclad[_-]*.rpm
"$nfpm" package --config deploy/package/nfpm.yaml --packager deb --target "$out/"
"$nfpm" package --config deploy/package/nfpm.yaml --packager rpm --target "$out/"
