#!/usr/bin/env bash
# usage: images.sh
# Makes the images that a local cluster itself consists of, each of one binary, and keeps them as archives.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
mkdir -p "$archives"

image() { # BINARY TAG USER
  local archive=$archives/$1.tar container
  [[ ! -s $archive ]] || return 0
  container=$(buildah from scratch)
  buildah add -q "$container" "$bin/$1" / >/dev/null
  buildah config --entrypoint "[\"/$1\"]" --user "$3" "$container"
  buildah commit -q --rm "$container" "$2" >/dev/null
  buildah push -q "$2" "docker-archive:$archive.$$:$2"
  buildah rmi "$2" >/dev/null
  mv "$archive.$$" "$archive"
}
image pause "$pause_image" 65535:65535
image coredns "$coredns_image" 65532:65532
