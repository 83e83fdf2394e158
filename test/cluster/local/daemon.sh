#!/usr/bin/env bash
# usage: daemon.sh stop|start NAME
# Ends a daemon of the running cluster at once, such as kube-apiserver (asked to end, it would first wait a minute for those
# who watch), or starts it again.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
[[ $# == 2 && -s $logs/$2.log ]] || { echo "usage: daemon.sh stop|start NAME, one of $(cd "$run/pids" && echo *)" >&2; exit 64; }
case $1 in
  stop)
    inside kill -KILL "$(<"$run/pids/$2")"
    while [[ -e $run/pids/$2 ]]; do sleep 0.05; done
    ;;
  start)
    : >"$run/start/$2"
    while [[ -e $run/start/$2 || ! -e $run/pids/$2 ]]; do sleep 0.05; done
    ;;
  *) fail "neither stop nor start: $1" ;;
esac
