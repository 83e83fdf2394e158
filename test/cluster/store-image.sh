#!/usr/bin/env bash
# usage: store-image.sh NAME ARCHIVE
# Makes a docker archive of an image with valkey-server and what the manifests in examples/valkey call: sh, cut, sha256sum.
# The server is the one of test/store/setup.sh; where that has not run, Debian's redis-server under this name. Ends with 3
# where the machine has neither, or no buildah.
set -euo pipefail
name=$1
archive=$2
server=${WSPROXY_STORE:-$HOME/.cache/wsproxy/store}/valkey-server
[[ -x $server ]] || server=$(command -v redis-server) || exit 3
command -v buildah >/dev/null || exit 3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/usr/bin"
# `put FILE NAME`: a program under that name, with the libraries that it loads.
put() {
  local program
  program=$(readlink -e "$1")
  cp "$program" "$root/usr/bin/$2"
  ldd "$program" | grep -o '/[^ ]*' | while read -r file; do
    mkdir -p "$root${file%/*}"
    cp -L "$file" "$root$file"
  done
}
put "$server" valkey-server
for tool in sh cut sha256sum; do put "$(command -v "$tool")" "$tool"; done
container=$(buildah from scratch)
buildah add -q "$container" "$root" / >/dev/null
buildah config --env PATH=/usr/bin --user 65532:65532 "$container"
buildah commit -q --rm "$container" "$name" >/dev/null
buildah push -q "$name" "docker-archive:$archive:docker.io/library/$name"
buildah rmi "$name" >/dev/null
