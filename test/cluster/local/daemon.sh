#!/usr/bin/env bash
# usage: daemon.sh stop|start NAME
# Ends a daemon of the running cluster at once, such as kube-apiserver (asked to end, it would first wait a minute for its
# open watches), or starts it again.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
[[ $# == 2 && -s $logs/$2.log ]] || { echo "usage: daemon.sh stop|start NAME, one of $(cd "$run/pids" && echo *)" >&2; exit 64; }
running() { [[ ! -e $run/start/$1 && -e $run/pids/$1 ]]; }
gone() { [[ ! -e $run/pids/$1 ]]; }
await() { # STATE NAME
  for _ in {1..600}; do
    ! "$@" || return 0
    sleep 0.05
  done
  fail "$2 is not $1 after 30 s; see $logs/$2.log"
}
case $1 in
  stop)
    inside kill -KILL "$(<"$run/pids/$2")"
    await gone "$2"
    ;;
  start)
    : >"$run/start/$2"
    await running "$2"
    ;;
  *) fail "neither stop nor start: $1" ;;
esac
