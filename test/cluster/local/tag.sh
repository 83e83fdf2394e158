#!/usr/bin/env bash
# usage: tag.sh NAME OTHER
# Gives an image of the running cluster another name, too.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
ctr --address "$containerd" --namespace k8s.io images tag --force "$1" "$2" >/dev/null
