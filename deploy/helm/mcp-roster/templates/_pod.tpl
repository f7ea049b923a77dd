{{- define "mcp-roster.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "mcp-roster.probe" -}}
{{- $root := index . 0 -}}{{- $path := index . 1 -}}
{{- if eq $root.Values.mode "sidecar" }}
exec:
  # Listens on loopback only, which the kubelet cannot reach.
  command:
    - node
    - -e
    - "fetch('http://127.0.0.1:{{ $root.Values.port }}{{ $path }}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"
{{- else }}
httpGet:
  path: {{ $path }}
  port: http
  scheme: {{ ternary "HTTPS" "HTTP" (not (empty $root.Values.tls.existingSecret)) }}
{{- end }}
timeoutSeconds: 5
{{- end -}}

{{/* The container, the same in every mode. */}}
{{- define "mcp-roster.container" -}}
name: mcp-roster
image: {{ include "mcp-roster.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if eq .Values.mode "sidecar" }}
# Started before the other containers and stopped after them.
restartPolicy: Always
{{- end }}
args: [serve, --config, /etc/mcp-roster/config.yaml]
ports:
  - name: http
    containerPort: {{ .Values.port }}
    protocol: TCP
env:
  - name: HOST
    value: {{ ternary "localhost" .Values.host (eq .Values.mode "sidecar") | quote }}
  - name: PORT
    value: {{ .Values.port | quote }}
  - name: LOG_LEVEL
    value: {{ .Values.logLevel }}
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  {{- if eq .Values.mode "postgres" }}
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  {{- end }}
  - name: STATE_DIRECTORY
    value: /var/lib/mcp-roster
  {{- if .Values.auth.existingSecret }}
  - name: AUTH_TOKEN_FILE
    value: /run/secrets/mcp-roster/auth/token
  {{- end }}
  {{- if eq .Values.mode "postgres" }}
  - name: DATABASE_URL_FILE
    value: /run/secrets/mcp-roster/database/url
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
startupProbe:
  {{- include "mcp-roster.probe" (list . "/health") | trim | nindent 2 }}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  {{- include "mcp-roster.probe" (list . "/health") | trim | nindent 2 }}
  periodSeconds: {{ ternary 30 10 (eq .Values.mode "sidecar") }}
  failureThreshold: 3
readinessProbe:
  {{- include "mcp-roster.probe" (list . "/ready") | trim | nindent 2 }}
  periodSeconds: {{ ternary 30 5 (eq .Values.mode "sidecar") }}
  failureThreshold: 2
lifecycle:
  preStop:
    # Time for endpoints and load balancers to remove this pod.
    sleep:
      seconds: 3
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "mcp-roster.securityContext" . | nindent 2 }}
volumeMounts:
  - name: config
    mountPath: /etc/mcp-roster
    readOnly: true
  {{- if .Values.servers }}
  - name: servers
    mountPath: /etc/mcp
    readOnly: true
  {{- end }}
  - name: state
    mountPath: /var/lib/mcp-roster
  - name: tmp
    mountPath: /tmp
  {{- if .Values.auth.existingSecret }}
  - name: auth
    mountPath: /run/secrets/mcp-roster/auth
    readOnly: true
  {{- end }}
  {{- if eq .Values.mode "postgres" }}
  - name: database
    mountPath: /run/secrets/mcp-roster/database
    readOnly: true
  {{- end }}
  {{- if .Values.tls.existingSecret }}
  - name: tls
    mountPath: /run/secrets/mcp-roster/tls
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "mcp-roster.affinity" -}}
{{- if .Values.affinity -}}
{{- toYaml .Values.affinity -}}
{{- else if and (eq .Values.mode "postgres") (eq .Values.antiAffinity "required") -}}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "mcp-roster.selector" . | nindent 10 }}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "mcp-roster.selector" . | nindent 12 }}
{{- end -}}
{{- end -}}

{{- define "mcp-roster.topologySpread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{- toYaml .Values.topologySpreadConstraints -}}
{{- else if and (eq .Values.mode "postgres") (ne .Values.zoneSpread "none") -}}
- topologyKey: topology.kubernetes.io/zone
  maxSkew: 1
  whenUnsatisfiable: {{ ternary "DoNotSchedule" "ScheduleAnyway" (eq .Values.zoneSpread "required") }}
  labelSelector:
    matchLabels:
      {{- include "mcp-roster.selector" . | nindent 6 }}
  # Pods of the former version do not count during an upgrade.
  matchLabelKeys: [pod-template-hash]
{{- end -}}
{{- end -}}

{{/* The template of the pod. */}}
{{- define "mcp-roster.pod" -}}
metadata:
  labels:
    {{- include "mcp-roster.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "mcp-roster.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.kubernetes.enabled }}
  # Variables of service links could be mistaken for settings.
  enableServiceLinks: false
  # The daemon drains within ten seconds.
  terminationGracePeriodSeconds: 20
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if eq .Values.mode "sidecar" }}
  initContainers:
    - {{ include "mcp-roster.container" . | nindent 6 | trim }}
  containers:
    {{- toYaml .Values.sidecar.containers | nindent 4 }}
  {{- else }}
  containers:
    - {{ include "mcp-roster.container" . | nindent 6 | trim }}
  {{- end }}
  affinity:
    {{- include "mcp-roster.affinity" . | nindent 4 }}
  {{- with include "mcp-roster.topologySpread" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "mcp-roster.fullname" . }}
        items:
          - key: config.yaml
            path: config.yaml
    {{- if .Values.servers }}
    - name: servers
      configMap:
        name: {{ include "mcp-roster.fullname" . }}
        items:
          - key: servers.yaml
            path: servers.yaml
    {{- end }}
    {{- if ne .Values.mode "stateful" }}
    - name: state
      # Readings of ten thousand servers and the stored events fit.
      emptyDir:
        sizeLimit: 256Mi
    {{- end }}
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    {{- if .Values.auth.existingSecret }}
    - name: auth
      secret:
        secretName: {{ .Values.auth.existingSecret }}
        defaultMode: 288 # 0440
        items:
          - key: {{ .Values.auth.key }}
            path: token
    {{- end }}
    {{- if eq .Values.mode "postgres" }}
    - name: database
      secret:
        secretName: {{ .Values.database.existingSecret }}
        defaultMode: 288 # 0440
        items:
          - key: {{ .Values.database.key }}
            path: url
    {{- end }}
    {{- if .Values.tls.existingSecret }}
    - name: tls
      secret:
        secretName: {{ .Values.tls.existingSecret }}
        defaultMode: 288 # 0440
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
