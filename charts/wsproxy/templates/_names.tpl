{{/* Names and labels that several templates share. */}}

{{- define "wsproxy.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if eq .Release.Name "wsproxy" -}}
wsproxy-operator
{{- else -}}
{{- /* Services have this name too: a letter first, and no dot. A release may be called 1.x. */ -}}
{{- $release := .Release.Name | replace "." "-" | trunc 30 | trimSuffix "-" -}}
{{- printf "%s%s-wsproxy-operator" (regexMatch "^[0-9]" $release | ternary "r" "") $release -}}
{{- end -}}
{{- end }}

{{/* The webhook's Service, Secret and Certificate. */}}
{{- define "wsproxy.webhook" -}}
{{ include "wsproxy.name" . }}-webhook
{{- end }}

{{/*
The webhook's objects without a namespace. Releases with watchNamespaces may have one name in several namespaces: one must
not take the configuration of another over, or the pods of that one would start without a gateway.
*/}}
{{- define "wsproxy.webhookConfiguration" -}}
{{ include "wsproxy.name" . }}.{{ .Release.Namespace }}
{{- end }}

{{- define "wsproxy.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "wsproxy.name" .) -}}
{{- else -}}
{{- required "serviceAccount.name is required with serviceAccount.create: false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "wsproxy.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "wsproxy.selector" -}}
app.kubernetes.io/name: wsproxy
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "wsproxy.labels" -}}
{{ include "wsproxy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The labels that the operator gives to every data plane pod. */}}
{{- define "wsproxy.dataplane" -}}
app.kubernetes.io/name: wsproxy
app.kubernetes.io/component: dataplane
app.kubernetes.io/managed-by: wsproxy-operator
{{- end }}

{{/* Selects the pods into which the operator put a data plane: the other labels are their users'. */}}
{{- define "wsproxy.injected" -}}
matchExpressions:
  - { key: wsproxy.dev/injected, operator: Exists }
{{- end }}
