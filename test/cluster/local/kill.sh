#!/usr/bin/env bash
# usage: kill.sh CONTAINER
# Ends the process of a container of the running cluster with SIGKILL, as the kernel does when memory runs out.
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
ctr --address "$containerd" --namespace k8s.io tasks kill --signal SIGKILL "$1"
