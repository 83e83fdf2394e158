#!/usr/bin/env bash
# usage: go.sh
# Prints the path of a Go that can build the tools. The machine's Go is used from 1.21 on: it fetches the version that go.mod
# names by itself. Otherwise this script fetches that version from the Go module proxy, verifies the checksum below, and
# keeps it outside the checkout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# If the version in go.mod changes, change this to the SHA-256 of golang.org/toolchain/@v/v0.0.1-goVERSION.linux-ARCH.zip.
declare -A checksums=(
  [1.26.2-amd64]=5c28763f43da5409ea590cf3c3fb1442c6c4e668d8f6af8c44a621a23f39a006
  [1.26.2-arm64]=acb5cab2ad9d639b79b9e086a42bbff7c8931e2ceb0fd241c993e29378007e67
)

if [[ $(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21)); then
  command -v go
  exit 0
fi

version=$(sed -n 's/^go //p' "$here/go.mod")
case $(uname -m) in
  x86_64) arch=amd64 ;;
  aarch64) arch=arm64 ;;
  *) arch=$(uname -m) ;;
esac
checksum=${checksums[$version-$arch]:-}
[[ -n $checksum ]] || {
  echo "no checksum of Go $version for linux-$arch is known: install Go 1.21 or newer, or add it to ${BASH_SOURCE[0]}" >&2
  exit 1
}
kept=${WSPROXY_KUBE:-$HOME/.cache/wsproxy/kube}/go$version
if [[ ! -x $kept/bin/go ]]; then
  missing=
  for tool in curl unzip; do command -v "$tool" >/dev/null || missing+=" $tool"; done
  [[ -z $missing ]] || {
    echo "Go $version is fetched with curl and unzip; missing, install with: apt-get install -y$missing (or install Go 1.21 or newer)" >&2
    exit 1
  }
  mkdir -p "${kept%/*}"
  work=$(mktemp -d "$kept.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  module="golang.org/toolchain@v0.0.1-go$version.linux-$arch"
  proxy=${GOPROXY:-https://proxy.golang.org}
  echo "fetching Go $version into $kept" >&2
  curl --fail --silent --show-error --location --retry 3 --output "$work/go.zip" \
    "${proxy%%[,|]*}/${module/@//@v/}.zip"
  sha256sum --check --quiet <<<"$checksum  $work/go.zip"
  unzip -q "$work/go.zip" -d "$work"
  # The archive of a module has no file modes, and its go.mod files have another name.
  chmod +x "$work/$module"/bin/* "$work/$module"/pkg/tool/*/*
  find "$work/$module" -name _go.mod -execdir mv {} go.mod \;
  mv -T "$work/$module" "$kept" 2>/dev/null || [[ -x $kept/bin/go ]] # another run was faster
fi
echo "$kept/bin/go"
