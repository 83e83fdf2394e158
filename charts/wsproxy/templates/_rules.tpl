{{/* Permissions of the operator in the namespaces of WebSocketProxies: exactly the calls that it makes. */}}
{{- define "wsproxy.rules" -}}
# The WebSocketProxies and their status.
- apiGroups: [wsproxy.dev]
  resources: [websocketproxies]
  verbs: [list, watch]
- apiGroups: [wsproxy.dev]
  resources: [websocketproxies/status]
  verbs: [patch]
# Owner references that block deletion need this if the admission plugin OwnerReferencesPermissionEnforcement is on.
- apiGroups: [wsproxy.dev]
  resources: [websocketproxies/finalizers]
  verbs: [update]
# The operator watches metadata of Secrets and ConfigMaps, and reads the data of those that a WebSocketProxy selects or
# names. It writes its own objects by server-side apply. It lists first, and leaves an object of the same name alone that
# it did not create.
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch, delete]
# ReplicaSets link pods to the Deployment of a gateway. The operator ignores other pods with the same labels.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list, watch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# An annotation on a pod makes its node read the new config at once.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{- define "wsproxy.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "wsproxy.serviceAccount" . }}
    namespace: {{ .Release.Namespace }}
{{- end }}
