# Settings of the local cluster, sourced by the scripts beside it. There is one on a machine at a time: its network has
# fixed addresses and names.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$here/../../apiserver/tools/build.sh
bin=$("$tools" --where)
archives=$bin/images                     # of pause and coredns; kept
state=${WSPROXY_E2E_STATE:-/tmp/wsproxy-e2e} # all that a cluster writes; down.sh removes it
logs=$state/logs
run=$state/run
pki=$state/pki
conf=$state/conf
kubeconfig=$state/kubeconfig
containerd=$run/containerd/containerd.sock

name=wsproxy-e2e     # the network namespace, and the cgroup above all pods
link=wsproxy-e2e     # this machine's end of the only link into it; 15 characters at most
machine=10.213.0.1   # its address
node=10.213.0.2      # the other end's: API server, kubelet, node ports
node_name=node
services=10.96.0.0/16
dns=10.96.0.10
pods=10.244.0.0/24
pause_image=wsproxy.test/pause:1
coredns_image=wsproxy.test/coredns:1
PATH=$bin:$PATH

say() { echo "local cluster: $*" >&2; }
fail() { say "$*"; exit 1; }
seconds_since() { awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN { printf "%.1f s", to - from }'; }

# Pid of the outermost process, where it lives. A file may outlive its process, so the command line has to be ours.
holder() {
  local pid
  pid=$(cat "$state/holder.pid" 2>/dev/null) || return 1
  [[ $pid ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF local/init.sh || return 1
  echo "$pid"
}
# Its only child, process 1 of the cluster, as this machine numbers it.
first_process() {
  local pid
  pid=$(holder) && ps -o pid= --ppid "$pid" | tr -d ' ' | grep .
}
# Runs a command where the daemons run.
inside() { nsenter --target "$(first_process)" --mount --net --pid --uts --ipc -- "$@"; }
import_image() { ctr --address "$containerd" --namespace k8s.io images import "$1"; }

# The cgroup of all pods, in every hierarchy.
cgroups() { awk -v name="$name" '$3 ~ /^cgroup2?$/ && $2 ~ /^\/sys\/fs\/cgroup/ { print $2 "/" name }' /proc/mounts; }
