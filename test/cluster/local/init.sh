#!/usr/bin/env bash
# Process 1 of the cluster's namespaces; started by up.sh. When it dies, the kernel ends every process in there, pods
# included, and with them every mount that was made in there.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"

hostname "$node_name"
ulimit -n "$(ulimit -Hn)"

# The kubelet and runc share mounts among themselves; the machine does not see them.
mount --make-rshared /
mount -t tmpfs -o mode=700,size=1g tmpfs "$state/etcd" # a slow disk's fsync would be the API's latency
# Covered: what containerd, runc, the CNI plugins and the kubelet have built in, so that nothing of the machine's is used.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/containerd /run/netns /run/lock /run/cni-ipam
mount --bind "$run/containerd" /run/containerd
for folder in /var/lib/cni /var/log/pods /var/log/containers; do
  [[ -d $folder ]] || { mkdir -p "$folder"; echo "$folder" >>"$state/made"; } # down.sh removes it
done
mount -t tmpfs tmpfs /var/lib/cni
mount -t tmpfs tmpfs /var/log/containers
mount --bind "$logs/pods" /var/log/pods

# The kubelet insists on these sysctls of the whole machine, and would write them: it is shown files that hold what it
# wants.
sysctl() {
  echo "$2" >"$run/sysctl/$1"
  mount --bind "$run/sysctl/$1" "/proc/sys/${1//.//}"
}
sysctl vm.overcommit_memory 1
sysctl vm.panic_on_oom 0
sysctl kernel.panic 10
sysctl kernel.panic_on_oops 1
sysctl kernel.keys.root_maxkeys 1000000
sysctl kernel.keys.root_maxbytes 25000000

# The tables of this network namespace. From pod to Service to pod, answers have to pass iptables on one bridge, too.
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
# A process of the node that dials a Service needs some route for the packet to get to where kube-proxy rewrites it.
ip route replace "$services" dev lo src "$node"

# A daemon that ends starts again only when daemon.sh asks for it: a test has to see that it is gone.
daemon() { # NAME ARGUMENT…
  local daemon=$1 status
  shift
  while :; do
    "$daemon" "$@" >>"$logs/$daemon.log" 2>&1 &
    echo $! >"$run/pids/$daemon"
    status=0
    wait $! || status=$?
    rm "$run/pids/$daemon"
    echo "$daemon ended with status $status at $(date -Is)" >>"$run/ended"
    until [[ -e $run/start/$daemon ]]; do sleep 0.1; done
    rm "$run/start/$daemon"
  done
}

daemon etcd --name=e2e --data-dir="$state/etcd" --unsafe-no-fsync --log-level=warn \
  --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
  --listen-peer-urls=http://127.0.0.1:2380 --initial-advertise-peer-urls=http://127.0.0.1:2380 \
  --initial-cluster=e2e=http://127.0.0.1:2380 &

daemon containerd --config "$conf/containerd.toml" &

daemon kube-apiserver \
  --advertise-address="$node" --bind-address=0.0.0.0 --secure-port=6443 \
  --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range="$services" \
  --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file="$pki/tokens.pub" --service-account-signing-key-file="$pki/tokens.key" \
  --kubelet-client-certificate="$pki/apiserver-kubelet.crt" --kubelet-client-key="$pki/apiserver-kubelet.key" \
  --kubelet-certificate-authority="$pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
  --requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
  --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
  --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
  --profiling=false &

# The others wait: before the API server is there, they only take the processor away from it.
credentials=(--cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key")
until curl -sf "${credentials[@]}" https://127.0.0.1:6443/readyz >/dev/null; do sleep 0.1; done
: >"$run/apiserver-ready"

daemon kubelet --config="$conf/kubelet.yaml" --kubeconfig="$conf/kubelet.kubeconfig" \
  --hostname-override="$node_name" --node-ip="$node" --root-dir="$state/kubelet" --v=1 &

# At the default of 20 requests a second, the controllers' own tokens take five seconds. After the default of 50 s a minute
# without an API server would be a dead node: all of its pods would be out of their Services until the kubelet contradicts.
daemon kube-controller-manager --kube-api-qps=500 --kube-api-burst=1000 --node-monitor-grace-period=5m \
  --kubeconfig="$conf/controller-manager.kubeconfig" \
  --authentication-kubeconfig="$conf/controller-manager.kubeconfig" \
  --authorization-kubeconfig="$conf/controller-manager.kubeconfig" \
  --service-account-private-key-file="$pki/tokens.key" --root-ca-file="$pki/ca.crt" \
  --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
  --use-service-account-credentials=true --leader-elect=false --bind-address=127.0.0.1 --profiling=false &

daemon kube-scheduler --kubeconfig="$conf/scheduler.kubeconfig" \
  --authentication-kubeconfig="$conf/scheduler.kubeconfig" --authorization-kubeconfig="$conf/scheduler.kubeconfig" \
  --leader-elect=false --bind-address=127.0.0.1 --profiling=false &

daemon kube-proxy --config="$conf/kube-proxy.yaml" &

wait # for ever; bash reaps what is left to it
