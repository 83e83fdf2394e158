#!/usr/bin/env bash
# usage: down.sh
# Ends the cluster and takes away everything that it left. It may be run at any time, and after a crash.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
[[ -e $state ]] || ip link show "$link" >/dev/null 2>&1 || exit 0
if pid=$(holder); then
  first=$(first_process || true)
  kill -KILL "$pid" # and with it its child, which is process 1 of all the others
  for _ in {1..200}; do
    [[ -e /proc/$pid || (-n $first && -e /proc/$first) ]] || break
    sleep 0.05
  done
fi
# The link goes with the namespace, and the routes with the link.
ip netns del "$name" 2>/dev/null || true
ip link del "$link" 2>/dev/null || true
if [[ -e $state/mounted-netns && -z $(ls -A /run/netns) ]]; then umount /run/netns && rmdir /run/netns; fi
if [[ -s $state/made ]]; then xargs rmdir --ignore-fail-on-non-empty <"$state/made" 2>/dev/null || true; fi
# Empty cgroups outlive their processes; from the leaves up.
cgroups | while read -r cgroup; do
  for _ in {1..200}; do
    [[ ! -d $cgroup ]] || find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [[ -d $cgroup ]] || break
    sleep 0.1
  done
done
# All mounts were in the namespace that is gone; nothing is deleted through one that is not.
if grep -F " $state/" /proc/self/mounts; then fail "these are still mounted"; fi
rm -rf --one-file-system "$state"
