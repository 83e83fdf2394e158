#!/usr/bin/env bash
# usage: run.sh
# Installs the Autobahn suite in WSPROXY_AUTOBAHN (~/.cache/wsproxy/autobahn), unless it is there, and runs it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=${WSPROXY_AUTOBAHN:-$HOME/.cache/wsproxy/autobahn}
if [[ ! -e $folder/installed ]]; then
  lack=$("$here/../machine/lacks.sh" autobahn 2>&1) || { echo "make conformance: $lack" >&2; exit 1; }
fi
"$here/setup.sh" "$folder"
exec node "$here/run.ts" "$folder"
