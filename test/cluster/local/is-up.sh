#!/usr/bin/env bash
# usage: is-up.sh
# Status 0 where a cluster is up.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
holder >/dev/null && kubectl --kubeconfig "$kubeconfig" get --raw /readyz >/dev/null
