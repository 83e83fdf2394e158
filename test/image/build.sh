#!/usr/bin/env bash
# usage: [NODE_IMAGE=IMAGE] [RELEASE=1] build.sh [TAG]
# Builds the image with buildah, else with docker, and starts it once as its user, if possible on a read-only root file
# system. NODE_IMAGE is the base image; a release must name it by its digest. If no registry can be reached and the base
# image is missing, base.sh builds a stand-in, but never for a release.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
tag=${1:-wsproxy:$version}
base=${NODE_IMAGE:-$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)}
said="wsproxy $version"
by_digest='^[^@]+@sha256:[0-9a-f]{64}$'
if [[ ${RELEASE:-} == 1 && ! $base =~ $by_digest ]]; then
  echo "a release is built on a base image that is named by its digest, not on $base: a tag may be another image tomorrow." >&2
  echo "Give it as NODE_IMAGE=docker.io/library/node@sha256:<64 hex digits>; \`docker buildx imagetools inspect node:24-bookworm-slim\` tells it." >&2
  exit 1
fi
digest=
[[ $base == *@* ]] && digest=${base#*@}
arguments=(--build-arg "NODE_IMAGE=$base" --build-arg "VERSION=$version" --build-arg "BASE_NAME=${base%%@*}")

lack=$("$here/../machine/lacks.sh" image 2>&1) || { echo "make image: $lack" >&2; exit 1; }
if ! command -v buildah >/dev/null; then
  if [[ -z $digest ]]; then
    docker pull -q "$base" >/dev/null || docker image inspect "$base" >/dev/null
    digest=$(docker image inspect --format '{{range .RepoDigests}}{{.}} {{end}}' "$base" | sed 's/^[^@]*@\([^ ]*\).*/\1/')
  fi
  docker build "${arguments[@]}" --build-arg "BASE_DIGEST=$digest" -t "$tag" .
  [[ $(docker run --rm --read-only --network none --cap-drop ALL "$tag" --version) == "$said" ]]
  echo "built $tag on $base${digest:+ ($digest)}"
  exit 0
fi

if ! buildah inspect --type image "$base" >/dev/null 2>&1 && ! buildah pull -q "$base" 2>/dev/null; then
  [[ $base =~ $by_digest ]] && { echo "the base image $base cannot be pulled" >&2; exit 1; }
  "$here/base.sh" "$base"
fi
stand_in=$(buildah inspect --type image --format '{{index .OCIv1.Config.Labels "wsproxy.dev/base"}}' "$base")
if [[ -n $stand_in ]]; then
  [[ ${RELEASE:-} == 1 ]] && { echo "$base is the tests' stand-in, which no release is built on" >&2; exit 1; }
  arguments+=(--build-arg "ANY_NODE=1")
elif [[ -z $digest ]]; then
  digest=$(buildah inspect --type image --format '{{.FromImageDigest}}' "$base")
fi

# Isolation chroot: RUN steps use this machine's network and do not change it. If the machine trusts a CA of its own, npm
# must trust it too during the build; the image keeps neither file.
extra=$(mktemp -d)
trap 'rm -rf "$extra"' EXIT
mounts=()
if [[ -r /etc/ssl/certs/ca-certificates.crt ]]; then
  echo 'cafile=/machine/ca.crt' >"$extra/npmrc"
  mounts=(-v "/etc/ssl/certs/ca-certificates.crt:/machine/ca.crt:ro" -v "$extra/npmrc:/usr/local/etc/npmrc:ro")
fi
former=$(buildah images -q "$tag" 2>/dev/null | head -n 1 || true)
buildah bud -q --isolation chroot --format docker "${arguments[@]}" --build-arg "BASE_DIGEST=$digest" "${mounts[@]}" -t "$tag" . >/dev/null

container=$(buildah from --pull-never "$tag")
trap 'buildah rm "$container" >/dev/null; rm -rf "$extra"' EXIT
label() { buildah inspect --format "{{index .OCIv1.Config.Labels \"$1\"}}" "$container"; }
user=$(buildah inspect --format '{{.OCIv1.Config.User}}' "$container")
[[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || { echo "the image's user is '$user', not a number other than 0" >&2; exit 1; }
[[ $(label org.opencontainers.image.base.name) == "${base%%@*}" && $(label org.opencontainers.image.base.digest) == "$digest" ]] \
  || { echo "the image's labels do not name its base image, $base" >&2; exit 1; }
export PATH=$PATH:/usr/sbin:/sbin
# Starts node in the image.
in_image() {
  if [[ $(id -u) == 0 ]] && unshare --mount true 2>/dev/null; then
    tree=$(buildah mount "$container")
    unshare --mount sh -c "mount --bind '$tree' '$tree' && mount -o remount,bind,ro '$tree' \
      && exec chroot --userspec=$user '$tree' node \"\$@\"" node "$@"
  else
    buildah run --isolation chroot "$container" -- node "$@"
  fi
}
answer=$(in_image /app/wsproxy.js --version)
[[ $answer == "$said" ]] || { echo "the image says '$answer' instead of '$said'" >&2; exit 1; }
node=$(in_image --version)
listed=$(in_image -p "require('$(label wsproxy.dev/sbom)').components.find(({ name }) => name === 'node').version")
[[ $node == "v$listed" ]] || { echo "the image has Node $node, and its bill of materials says $listed" >&2; exit 1; }
# The former image of this tag now has no name: remove it.
[[ -z $former || $(buildah images -q "$tag") == "$former" ]] || buildah rmi "$former" >/dev/null 2>&1 || true
echo "built $tag: user $user, Node $node, $(buildah images --format '{{.Size}}' "$tag")${stand_in:+, on a $stand_in for $base}"
