#!/usr/bin/env bash
# usage: update.sh
# Writes go.mod and go.sum for the versions below. Run it by hand to change a version; builds only read the result.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
kubernetes=v1.37.2 staging=v0.37.2
cmd=k8s.io/kubernetes/cmd

rm -f go.mod go.sum
go mod init wsproxy.dev/test/tools
go mod edit -go=1.26.0
# k8s.io/kubernetes asks for its staging modules at v0.0.0 and replaces them by a path; outside of its repository each is
# replaced by the release of the same number.
mod=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
for module in $(awk '$1 ~ /^k8s\.io\// && $2 == "v0.0.0" { print $1 }' "$mod"); do
  go mod edit -replace="$module=$module@$staging"
done
# One graph for all tools, also those of the cluster tests: Go compiles shared packages once.
go get -tool "$cmd/"{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubectl}"@$kubernetes" \
  go.etcd.io/etcd/server/v3@v3.7.3 helm.sh/helm/v4/cmd/helm@v4.3.1 sigs.k8s.io/cri-tools/cmd/crictl@v1.36.0 \
  sigs.k8s.io/kind@v0.33.0
go get github.com/coredns/coredns@v1.15.0 # for coredns/main.go
go mod tidy
