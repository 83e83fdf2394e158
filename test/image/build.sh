#!/usr/bin/env bash
# usage: build.sh [TAG]
# Builds the image with buildah, else with docker, and starts it once, as its user; where that can be done, on a root
# file system that cannot be written to. Where no registry can be reached and the base image is not there, base.sh
# builds a stand-in.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
tag=${1:-wsproxy:$version}
base=docker.io/library/node:24-bookworm-slim
said="wsproxy $version"

if ! command -v buildah >/dev/null; then
  command -v docker >/dev/null || { echo "make image needs buildah or docker" >&2; exit 1; }
  docker build --build-arg "VERSION=$version" -t "$tag" .
  [[ $(docker run --rm --read-only --network none --cap-drop ALL "$tag" --version) == "$said" ]]
  echo "built $tag"
  exit 0
fi

buildah inspect --type image "$base" >/dev/null 2>&1 || buildah pull -q "$base" 2>/dev/null || "$here/base.sh" "$base"

# chroot: RUN steps use this machine's network, and nothing of it is changed. Where the machine trusts an authority of
# its own, npm has to trust it too while the image is built; the image keeps neither file.
extra=$(mktemp -d)
trap 'rm -rf "$extra"' EXIT
mounts=()
if [[ -r /etc/ssl/certs/ca-certificates.crt ]]; then
  echo 'cafile=/machine/ca.crt' >"$extra/npmrc"
  mounts=(-v "/etc/ssl/certs/ca-certificates.crt:/machine/ca.crt:ro" -v "$extra/npmrc:/usr/local/etc/npmrc:ro")
fi
former=$(buildah images -q "$tag" 2>/dev/null | head -n 1 || true)
buildah bud -q --isolation chroot --format docker --build-arg "VERSION=$version" "${mounts[@]}" -t "$tag" . >/dev/null

container=$(buildah from --pull-never "$tag")
trap 'buildah rm "$container" >/dev/null; rm -rf "$extra"' EXIT
user=$(buildah inspect --format '{{.OCIv1.Config.User}}' "$container")
[[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || { echo "the image's user is '$user', not a number other than 0" >&2; exit 1; }
export PATH=$PATH:/usr/sbin:/sbin
if [[ $(id -u) == 0 ]] && unshare --mount true 2>/dev/null; then
  tree=$(buildah mount "$container")
  answer=$(unshare --mount sh -c "mount --bind '$tree' '$tree' && mount -o remount,bind,ro '$tree' \
    && exec chroot --userspec=$user '$tree' node /app/wsproxy.js --version")
else
  answer=$(buildah run --isolation chroot "$container" -- node /app/wsproxy.js --version)
fi
[[ $answer == "$said" ]] || { echo "the image says '$answer' instead of '$said'" >&2; exit 1; }
# Its former self has no name any more.
[[ -z $former || $(buildah images -q "$tag") == "$former" ]] || buildah rmi "$former" >/dev/null 2>&1 || true
stand_in=$(buildah inspect --format '{{index .OCIv1.Config.Labels "wsproxy.dev/base"}}' "$container")
echo "built $tag: user $user, $(buildah images --format '{{.Size}}' "$tag")${stand_in:+, on a $stand_in for $base}"
