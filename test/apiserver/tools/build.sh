#!/usr/bin/env bash
# usage: build.sh [--where] [NAME…]
# Builds etcd, the parts of Kubernetes and the tools that the tests start, from the Go module proxy: go.sum verifies every
# byte. Without names, those of `make test-apiserver`. The folder is outside the checkout and named by a hash of the
# sources; a tool that is there is not built again. A first build of all takes about eight minutes on two cores. `--where`
# only prints the folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${WSPROXY_KUBE:-$HOME/.cache/wsproxy/kube}/$(cd "$here" && cat go.mod go.sum */main.go | sha256sum | cut -c1-16)
[[ ${1:-} != --where ]] || { echo "$bin"; exit 0; }
(($# > 0)) || set -- etcd kube-apiserver kube-controller-manager kubectl helm

declare -A packages=(
  [coredns]=./coredns
  [crictl]=sigs.k8s.io/cri-tools/cmd/crictl
  [etcd]=go.etcd.io/etcd/server/v3
  [helm]=helm.sh/helm/v4/cmd/helm
  [kind]=sigs.k8s.io/kind
  [pause]=./pause
)
for name in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
  packages[$name]=k8s.io/kubernetes/cmd/$name
done
declare -a missing=()
for name; do
  [[ -n ${packages[$name]:-} ]] || { echo "build.sh knows no $name, only: ${!packages[*]}" >&2; exit 64; }
  [[ -x $bin/$name ]] || missing+=("$name")
done
((${#missing[@]} > 0)) || exit 0

go=$("$here/go.sh")
# Static binaries without a C compiler; an error if the module graph is not the pinned one.
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false" GOTOOLCHAIN=auto

# Go stamps no version into a dependency that is built this way; the API server, the kubelet and helm read their own.
release() { sed -n "s#^\t$1 v\([0-9.]*\).*#v\1#p" "$here/go.mod"; }
version=$(release k8s.io/kubernetes)
stamp="-s -w -X helm.sh/helm/v4/internal/version.version=$(release helm.sh/helm/v4)"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
  stamp+=" -X $package.gitTreeState=clean"
done

mkdir -p "$bin"
for name in "${missing[@]}"; do
  echo "building $name into $bin" >&2
  (cd "$here" && "$go" build -ldflags "$stamp" -o "$bin/$name.$$" "${packages[$name]}")
  mv "$bin/$name.$$" "$bin/$name" # another run never sees half a binary
done
