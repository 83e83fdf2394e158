#!/usr/bin/env bash
# usage: engine.sh [NAME…]
# Prints which of docker and podman, or of the NAMEs, answers; the first one that does. The command alone is not enough: it
# may have no daemon to talk to, or one that hangs. Where none answers, it says why of each, and ends with status 1.
set -euo pipefail
seconds=${WSPROXY_ENGINE_SECONDS:-10}
(($# > 0)) || set -- docker podman

declare -a reasons=()
for name; do
  if ! command -v "$name" >/dev/null; then
    reasons+=("$name is not installed")
    continue
  fi
  status=0
  said=$(timeout -k 1 "$seconds" "$name" info 2>&1 </dev/null) || status=$?
  # Some versions of docker end with 0 without a daemon, and so does podman under docker's name.
  [[ $status != 0 || ($name == docker && $said != *"Server Version:"*) ]] || { echo "$name"; exit 0; }
  if ((status == 124 || status == 137)); then
    reasons+=("$name gave no answer in $seconds s")
  elif [[ $status == 0 && $said == *buildahVersion:* ]]; then
    reasons+=("$name is podman under another name")
  else
    said=${said%$'\n'errors pretty printing info} # behind the cause, in versions of docker before 25
    reasons+=("$name does not answer (${said##*$'\n'})")
  fi
done
printf -v text '; %s' "${reasons[@]}"
echo "${text#; }" >&2
exit 1
