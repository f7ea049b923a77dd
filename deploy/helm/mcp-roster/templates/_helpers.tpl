{{- define "mcp-roster.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "mcp-roster.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "mcp-roster.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "mcp-roster.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mcp-roster.selector" -}}
app.kubernetes.io/name: {{ include "mcp-roster.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mcp-roster.labels" -}}
{{ include "mcp-roster.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: registry
app.kubernetes.io/part-of: mcp-roster
{{- end -}}

{{- define "mcp-roster.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "mcp-roster.labels" . | nindent 2 }}
{{- end -}}

{{- define "mcp-roster.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "mcp-roster.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* 0 is a number of replicas too. */}}
{{- define "mcp-roster.replicas" -}}
{{- if kindIs "invalid" .Values.replicas -}}
{{- ternary 3 1 (eq .Values.mode "postgres") -}}
{{- else -}}
{{- int .Values.replicas -}}
{{- end -}}
{{- end -}}

{{- define "mcp-roster.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "mcp-roster.namespaces" -}}
{{- default (list .Release.Namespace) .Values.kubernetes.namespaces | toJson -}}
{{- end -}}

{{/* The config file: the chart's values, overridden by `config`. */}}
{{- define "mcp-roster.config" -}}
{{- $sources := list -}}
{{- if .Values.servers -}}
{{- $sources = append $sources (dict "type" "file" "paths" (list "/etc/mcp/servers.yaml")) -}}
{{- end -}}
{{- if .Values.kubernetes.enabled -}}
{{- $source := dict "type" "kubernetes" -}}
{{- if eq .Values.kubernetes.scope "namespaced" -}}
{{- $_ := set $source "namespaces" (include "mcp-roster.namespaces" . | fromJsonArray) -}}
{{- end -}}
{{- $sources = append $sources (mergeOverwrite $source (deepCopy .Values.kubernetes.settings)) -}}
{{- end -}}
{{- if has .Values.mode (list "stateful" "postgres") -}}
{{- $sources = append $sources (dict "type" "agents") -}}
{{- end -}}
{{- $config := dict "sources" $sources -}}
{{- /* Without a volume SQLite is on an emptyDir: it keeps the last readings over a restart of the container. */}}
{{- if ne .Values.mode "postgres" -}}
{{- $_ := set $config "store" (dict "type" "sqlite") -}}
{{- end -}}
{{- if .Values.auth.anonymous -}}
{{- $_ := set $config "auth" (dict "anonymous" .Values.auth.anonymous) -}}
{{- end -}}
{{- if .Values.tls.existingSecret -}}
{{- $_ := set $config "listen" (dict "tls" (dict "cert" "/run/secrets/mcp-roster/tls/tls.crt" "key" "/run/secrets/mcp-roster/tls/tls.key")) -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy .Values.config) | toYaml -}}
{{- end -}}

{{/* Refuses impossible values before anything is installed. */}}
{{- define "mcp-roster.refuse" -}}
{{- if and (eq .Values.mode "stateful") (gt (include "mcp-roster.replicas" . | int) 1) -}}
{{- fail "mode stateful stores registrations in SQLite, which has one writer: replicas must be 1. For more replicas, use mode postgres." -}}
{{- end -}}
{{- if and (eq .Values.mode "postgres") (not .Values.database.existingSecret) -}}
{{- fail "mode postgres needs database.existingSecret: the name of a Secret whose key `url` is the address of the database." -}}
{{- end -}}
{{- if and (eq .Values.mode "sidecar") (not .Values.sidecar.containers) -}}
{{- fail "mode sidecar needs sidecar.containers: the containers beside which mcp-roster runs." -}}
{{- end -}}
{{- if and (eq .Values.mode "sidecar") .Values.tls.existingSecret -}}
{{- fail "mode sidecar listens on localhost without TLS: leave tls.existingSecret empty." -}}
{{- end -}}
{{- if and (not .Values.kubernetes.enabled) (not .Values.servers) (not .Values.config.sources) (has .Values.mode (list "aggregator" "sidecar")) -}}
{{- fail "no source is configured: enable kubernetes.enabled, or set servers or config.sources." -}}
{{- end -}}
{{- end -}}
