#!/usr/bin/env bash
# usage: base.sh IMAGE
# Builds a stand-in for the Node base image if no registry can be reached: Debian from the machine's mirror, the Node that
# package-lock.json pins, and an npm, under the base image's name in buildah's store. For tests only.
set -euo pipefail
image=$1
lack=$("$(dirname "${BASH_SOURCE[0]}")/../machine/lacks.sh" stand-in 2>&1) \
  || { echo "no registry can be reached, and no stand-in for $image can be built: $lack" >&2; exit 1; }
echo "no registry can be reached: a stand-in for $image is built"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
architecture=$(dpkg --print-architecture | sed 's/amd64/x64/')
package=node-linux-$architecture@$(sed -n "s/^    \"node-linux-$architecture\": \"\(.*\)\",\?$/\1/p" "$root/package.json")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" "$mirror" >"$work/log" 2>&1 \
  || { tail -n 20 "$work/log" >&2; exit 1; }
rm -rf "$work"/root/var/{cache/apt,lib/apt/lists}/* "$work"/root/usr/share/{doc,man,info,locale}/*

(cd "$work" && npm pack --silent "$package" npm@11 >/dev/null)
mkdir -p "$work/root/usr/local/bin" "$work/root/usr/local/lib/node_modules/npm"
tar -xzf "$work"/node-linux-*.tgz -C "$work/root/usr/local/bin" --strip-components=2 package/bin/node
tar -xzf "$work"/npm-*.tgz -C "$work/root/usr/local/lib/node_modules/npm" --strip-components=1
for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$work/root/usr/local/bin/$name"; done
chmod 755 "$work"/root/usr/local/lib/node_modules/npm/bin/*-cli.js

container=$(buildah from scratch)
buildah add -q "$container" "$work/root" / >/dev/null
buildah config --label wsproxy.dev/base=stand-in --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit -q --rm "$container" "$image" >/dev/null
