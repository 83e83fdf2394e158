{{/* What the operator may do where WebSocketProxies are: what it calls, and nothing more. */}}
{{- define "wsproxy.rules" -}}
# What is asked for, and what is said about it.
- apiGroups: [wsproxy.dev]
  resources: [websocketproxies]
  verbs: [list, watch]
- apiGroups: [wsproxy.dev]
  resources: [websocketproxies/status]
  verbs: [patch]
# Owner references that block deletion need it where OwnerReferencesPermissionEnforcement is on.
- apiGroups: [wsproxy.dev]
  resources: [websocketproxies/finalizers]
  verbs: [update]
# Metadata of Secrets and ConfigMaps is watched; the data of those that a WebSocketProxy selects or names is read. What the
# operator makes is written by server-side apply; what has its name and is somebody else's is seen in a list, and left alone.
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch, delete]
# Which pods a gateway's Deployment has made: others with the same labels are not asked, told or counted.
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
