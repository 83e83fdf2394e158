#!/usr/bin/env bash
# usage: up.sh [OWNER]
# Starts a Kubernetes of one node: etcd, control plane, kubelet, containerd and runc as processes of this machine, in
# namespaces of their own. Clears away first what a cluster has left whose OWNER, a process, is gone; a cluster that another
# live process owns is an error.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
. "$here/certificates.sh"
started=$(date +%s.%N)

lack=$("$here/../../machine/lacks.sh" local 2>&1) || fail "$lack"
if pid=$(holder); then
  owner=$(cat "$state/owner" 2>/dev/null) || owner=
  [[ $owner && ! -e /proc/$owner ]] || fail "one is up already (pid $pid); end it with $here/down.sh"
fi
"$here/down.sh"
"$tools" etcd kube-{apiserver,controller-manager,scheduler,proxy} kubelet kubectl coredns pause crictl
"$here/images.sh"

umask 022
mkdir -p "$state"
[[ -z ${1:-} ]] || echo "$1" >"$state/owner"
mkdir -p "$pki" "$conf/net.d" "$logs/pods" "$run"/{containerd,pids,start,sysctl} "$state"/{etcd,kubelet,containerd}
chmod 700 "$pki" "$state/etcd"
certificates
: >"$conf/resolv.conf"
for file in "$here"/config/*; do
  filled=$conf/$(basename "$file")
  cp "$file" "$filled"
  for key in state conf pki name node node_name pods dns pause_image coredns_image; do
    sed -i "s#@$key@#${!key}#g" "$filled"
  done
done
mv "$conf/bridge.conflist" "$conf/net.d/"

cgroups | while read -r cgroup; do
  parent=$(dirname "$cgroup")
  # v2 has to be told what it hands down; in v1 a new cpuset is empty, and would take no process.
  [[ ! -e $parent/cgroup.subtree_control ]] || sed 's/\(^\| \)/ +/g' "$parent/cgroup.controllers" >"$parent/cgroup.subtree_control"
  mkdir -p "$cgroup"
  for file in cpuset.cpus cpuset.mems; do
    [[ -e $parent/cgroup.subtree_control || ! -e $cgroup/$file ]] || cat "$parent/$file" >"$cgroup/$file"
  done
done

# One link joins the cluster to this machine. Neither end has a default route into the other, and this one forwards nothing
# for it: the cluster reaches $machine and no further. The routes let tests dial Services and pods.
mountpoint -q /run/netns || touch "$state/mounted-netns" # the first `ip netns add` mounts it
ip netns add "$name"
ip link add "$link" type veth peer name eth0 netns "$name"
ip addr add "$machine/30" dev "$link"
ip link set "$link" up
echo 0 >"/proc/sys/net/ipv4/conf/$link/forwarding"
ip -n "$name" addr add "$node/30" dev eth0
ip -n "$name" link set eth0 up
ip route replace "$services" via "$node" dev "$link"
ip route replace "$pods" via "$node" dev "$link"

# Not `ip netns exec`: it mounts a bare sysfs over /sys, which hides the cgroups. With --kill-child the end of the one
# process in holder.pid is the end of all.
setsid bash -c 'echo $$ >"$1/holder.pid"; exec nsenter --net="/run/netns/$2" \
  unshare --mount --propagation private --pid --uts --ipc --fork --kill-child --mount-proc bash "$3/init.sh"' \
  _ "$state" "$name" "$here" >"$logs/init.log" 2>&1 </dev/null &
disown

await() { # SECONDS WHAT COMMAND…
  local begin=$SECONDS limit=$1 what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS - begin < limit)) || fail "no $what after $limit s; see $logs"
    [[ ! -e $run/ended ]] || fail "$(<"$run/ended"); see $logs"
    ((SECONDS - begin < 3)) || holder >/dev/null || fail "its first process ended; see $logs/init.log"
    sleep 0.1
  done
}
kubectl() { command kubectl --kubeconfig "$kubeconfig" "$@"; }

await 60 containerd ctr --address "$containerd" version
for archive in "$archives"/*.tar; do import_image "$archive" >>"$logs/images.log" 2>&1; done
await 120 "API server" test -e "$run/apiserver-ready"
await 60 node kubectl get node "$node_name"
kubectl wait --for=condition=Ready "node/$node_name" --timeout=120s >/dev/null
kubectl apply -f "$conf/coredns.yaml" >/dev/null
await 90 "default ServiceAccount" kubectl get serviceaccount default
kubectl -n kube-system rollout status deployment/coredns --timeout=120s >/dev/null
say "up in $(seconds_since "$started"); KUBECONFIG=$kubeconfig"
