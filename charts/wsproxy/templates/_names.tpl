{{/* Names and labels that several templates share. */}}

{{- define "wsproxy.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if eq .Release.Name "wsproxy" -}}
wsproxy-operator
{{- else -}}
{{- printf "%s-wsproxy-operator" (.Release.Name | trunc 30 | trimSuffix "-") -}}
{{- end -}}
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
