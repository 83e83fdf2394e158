#!/usr/bin/env bash
# usage: load.sh ARCHIVE…
# Gives images to the running cluster, from docker archives.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
holder >/dev/null || fail "none is up"
for archive; do import_image "$archive"; done
