# Sourced by up.sh: the certificates of the cluster in $pki, for as long as it lives.
authority() { # NAME
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
  openssl req -x509 -new -key "$1.key" -subj "/CN=wsproxy-e2e-$1" -days 30 -out "$1.crt"
}
certificate() { # NAME SUBJECT USE [ALTERNATIVE-NAMES [AUTHORITY]]
  local ca=${5:-ca}
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
  openssl req -new -key "$1.key" -subj "$2" | openssl x509 -req -CA "$ca.crt" -CAkey "$ca.key" \
    -set_serial "0x$(openssl rand -hex 8)" -days 30 -out "$1.crt" -extfile <(
    printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=%s\n' "$3"
    [[ -z ${4:-} ]] || echo "subjectAltName=$4"
  ) 2>/dev/null
}
kubeconfig_of() { # CERTIFICATE FILE
  cat >"$2" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: e2e, cluster: {server: "https://$node:6443", certificate-authority-data: $(base64 -w0 <ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 <"$1.crt"), client-key-data: $(base64 -w0 <"$1.key")}}]
contexts: [{name: e2e, context: {cluster: e2e, user: $1}}]
current-context: e2e
YAML
  chmod 600 "$2"
}

certificates() (
  cd "$pki"
  authority ca
  # An authority of its own: with the other one in its place, every client could call itself the front proxy.
  authority front-proxy-ca
  local names
  names=$(printf 'DNS:%s,' kubernetes{,.default{,.svc{,.cluster.local}}} localhost)
  certificate apiserver /CN=kube-apiserver serverAuth "${names}IP:$node,IP:${services%.*}.1,IP:127.0.0.1"
  certificate front-proxy /CN=front-proxy-client clientAuth "" front-proxy-ca
  certificate kubelet-serving "/CN=$node_name" serverAuth "DNS:$node_name,IP:$node"
  certificate admin /O=system:masters/CN=e2e-admin clientAuth
  certificate apiserver-kubelet /O=system:masters/CN=apiserver-kubelet clientAuth
  certificate kubelet "/O=system:nodes/CN=system:node:$node_name" clientAuth
  certificate controller-manager /CN=system:kube-controller-manager clientAuth
  certificate scheduler /CN=system:kube-scheduler clientAuth
  certificate proxy /CN=system:kube-proxy clientAuth
  openssl ecparam -name prime256v1 -genkey -noout -out tokens.key
  openssl ec -in tokens.key -pubout -out tokens.pub 2>/dev/null
  for name in kubelet controller-manager scheduler proxy; do kubeconfig_of "$name" "$conf/$name.kubeconfig"; done
  kubeconfig_of admin "$kubeconfig"
)
