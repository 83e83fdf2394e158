#!/usr/bin/env bash
# usage: lacks.sh PURPOSE…
# Says in one line, and with status 1, all that this machine lacks for the PURPOSEs together; says nothing where it lacks
# nothing. So a user installs once, not once for each failed run.
#   local       a cluster without an engine        kind        the routes into kind's network
#   image       to build the image                 stand-in    to build its base where no registry can be reached
#   go          to build the tools of the tests    prometheus  the scenario that has one
#   autobahn    to install the Autobahn suite
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${WSPROXY_MACHINE_ROOT:-} # of another machine, in tests
tools=$("$here/../apiserver/tools/build.sh" --where)

declare -a packages=() others=()
# Pairs of a command, or a file, and its Debian package.
needs() {
  while (($# > 1)); do
    if [[ $1 == /* ]]; then [[ -e $root$1 ]]; else command -v "$1" >/dev/null; fi \
      || [[ " ${packages[*]} " == *" $2 "* ]] || packages+=("$2")
    shift 2
  done
}
builds_tools() { [[ ! -d $tools ]]; } # the first build: later ones find most of it
free() { # GIB FOLDER
  local folder=$2 line
  until [[ -d $folder ]]; do folder=${folder%/*}; folder=${folder:-/}; done
  line=$(df -Pk "$folder" 2>/dev/null) || return 0
  read -r _ _ _ line _ <<<"${line##*$'\n'}"
  [[ ! $line =~ ^[0-9]+$ ]] || ((line >= $1 * 1024 * 1024)) \
    || others+=("$folder has $((line / 1024 / 1024)) GiB of free space, and $1 are needed")
}
memory() { # GIB
  local key kib
  while read -r key kib _; do
    [[ $key == MemTotal: ]] || continue
    # What the kernel keeps for itself is not in there: a machine of 4 GiB has 3.8.
    ((kib >= $1 * 1024 * 1024 * 9 / 10)) || others+=("it has $((kib / 1024)) MiB of memory, and $1 GiB are needed")
  done <"$root/proc/meminfo"
}
is_root() { [[ $(id -u) == 0 ]]; }
is_debian() { command -v apt-get >/dev/null && command -v dpkg >/dev/null; }

for purpose; do
  case $purpose in
    local)
      is_root || others+=("it needs root: it makes namespaces, mounts and cgroups")
      is_debian || others+=("it is for Debian 12 and systems like it: apt-get and dpkg are missing")
      needs containerd containerd ctr containerd runc runc iptables iptables iptables-save iptables conntrack conntrack \
        ip iproute2 nsenter util-linux unshare util-linux mountpoint util-linux flock util-linux ps procps \
        openssl openssl curl curl buildah buildah /usr/lib/cni/bridge containernetworking-plugins
      memory 3
      free 3 "${WSPROXY_E2E_STATE:-/tmp}"
      ;;
    kind)
      needs ip iproute2
      is_root || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; } \
        || others+=("it needs root, or sudo without a password: it adds routes to the cluster's addresses")
      memory 3
      ;;
    image)
      command -v buildah >/dev/null || why=$("$here/engine.sh" docker 2>&1) \
        || { needs buildah buildah; others+=("the image is built with buildah or with docker, and $why"); }
      ;;
    stand-in)
      is_root || others+=("a base image is built as root where no registry can be reached")
      is_debian || others+=("a base image is built on Debian only where no registry can be reached")
      needs buildah buildah debootstrap debootstrap npm npm
      ;;
    go)
      command -v go >/dev/null || ! builds_tools || needs curl curl unzip unzip
      ! builds_tools || free 8 "$HOME"
      ;;
    prometheus) needs prometheus prometheus ;;
    autobahn)
      is_debian && [[ $(dpkg --print-architecture) == amd64 ]] || others+=("the Autobahn suite needs Debian on amd64")
      needs python3 python3 pip3 python3-pip gcc gcc /usr/include/stdio.h libc6-dev
      ;;
    *) echo "lacks.sh knows no purpose $purpose" >&2; exit 64 ;;
  esac
done
# Only where no registry can be reached; with the others it is one command all the same.
[[ " $* " != *" local "* || ${#packages[@]} == 0 ]] || needs debootstrap debootstrap

line=
for other in "${others[@]}"; do [[ $line == *"$other"* ]] || line+="; $other"; done
((${#packages[@]} == 0)) || line+="; missing, install with: apt-get install -y ${packages[*]}"
[[ -n $line ]] || exit 0
echo "${line#; }" >&2
exit 1
