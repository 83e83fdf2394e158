#!/usr/bin/env bash
# usage: build.sh [--where]
# Builds etcd and the parts of Kubernetes that the tests start, from the Go module proxy: go.sum verifies every byte.
# They are kept outside the checkout, by the hash of go.sum; what is there is not built again. From nothing it takes
# about seven minutes on two cores. `--where` only prints the folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${WSPROXY_KUBE:-$HOME/.cache/wsproxy/kube}/$(sha256sum "$here/go.sum" | cut -c1-16)
[[ ${1:-} != --where ]] || { echo "$bin"; exit 0; }

declare -A packages=(
  [etcd]=go.etcd.io/etcd/server/v3
  [kube-apiserver]=k8s.io/kubernetes/cmd/kube-apiserver
  [kube-controller-manager]=k8s.io/kubernetes/cmd/kube-controller-manager
  [kubectl]=k8s.io/kubernetes/cmd/kubectl
)
declare -a missing=()
for name in "${!packages[@]}"; do [[ -x $bin/$name ]] || missing+=("$name"); done
((${#missing[@]} > 0)) || exit 0

# From 1.21 on, go fetches the version that go.mod names by itself.
has=$(go env GOVERSION 2>/dev/null || true)
[[ $has =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21)) || {
  echo "the API server is built with go 1.21 or newer; here is ${has:-none}" >&2
  exit 1
}
# Static binaries, no C compiler; the pinned graph or an error.
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=auto

# Go stamps no version into a dependency that is built this way, and the API server reads its own.
version=$(sed -n 's/^\tk8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$here/go.mod")
stamp="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
done

mkdir -p "$bin"
for name in "${missing[@]}"; do
  echo "building $name into $bin" >&2
  (cd "$here" && go build -ldflags "$stamp" -o "$bin/$name.$$" "${packages[$name]}")
  mv "$bin/$name.$$" "$bin/$name" # another run never sees half a binary
done
