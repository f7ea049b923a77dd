import type { Reason, Status } from '../../client/index.ts'

/** How a status is called, and which shape shows it: never colour alone. */
export const statusTexts: Readonly<Record<Status, { readonly word: string; readonly shape: string }>> = {
  healthy: { word: 'healthy', shape: '●' },
  degraded: { word: 'degraded', shape: '▲' },
  unhealthy: { word: 'unhealthy', shape: '■' },
  offline: { word: 'offline', shape: '✕' },
  pending: { word: 'pending', shape: '◌' },
  unknown: { word: 'not checked', shape: '○' },
}

/** Worst first. */
export const statusOrder: readonly Status[] = ['offline', 'unhealthy', 'degraded', 'pending', 'unknown', 'healthy']

/** What a reason means, and what to do about it. */
export const reasonTexts: Readonly<Record<Reason, { readonly meaning: string; readonly remedy?: string }>> = {
  ok: { meaning: 'The last probe got an answer.' },
  auth_required: {
    meaning: 'The server is alive and asks for credentials.',
    remedy: 'Nothing, if its clients have them; else add headers to the definition.',
  },
  not_mcp: {
    meaning: 'Something answers there, but it does not speak MCP.',
    remedy: 'Check the path of the URL: most servers serve /mcp. For another protocol set health_check: http or tcp.',
  },
  refused: {
    meaning: 'Nothing listens at this address.',
    remedy: 'Start the server, or correct host and port in the definition.',
  },
  timeout: {
    meaning: 'No answer in time.',
    remedy: 'Look whether the server hangs, or a firewall drops the packets on the way.',
  },
  dns: {
    meaning: 'The name of the host does not resolve.',
    remedy: 'Correct the name, or the DNS that the daemon uses.',
  },
  tls: {
    meaning: 'The TLS handshake failed.',
    remedy: 'Renew the certificate, or give the daemon its authority (NODE_EXTRA_CA_CERTS).',
  },
  http_status: {
    meaning: 'It answers with an HTTP error.',
    remedy: 'Read the log of the server; a 404 mostly means another path.',
  },
  protocol: {
    meaning: 'It answers, but breaks the protocol.',
    remedy: 'Update the server, or read its log for the request of the probe.',
  },
  blocked: {
    meaning: 'The rules of the daemon forbid this address.',
    remedy:
      'If it is meant to be reached, name its network in health.allow of the config (127.0.0.0/8 for this host), or define the server in a file.',
  },
  no_endpoints: {
    meaning: 'The Kubernetes Service has no ready endpoints.',
    remedy: 'Look at the pods of the Service and their readiness.',
  },
  lease_lapsed: {
    meaning: 'The agent has stopped its heartbeats.',
    remedy: 'Start the agent again; it registers by itself.',
  },
  disabled: { meaning: 'It is disabled.', remedy: 'Enable it to have it probed and given to clients.' },
  not_checkable: {
    meaning: 'Clients start this command themselves, so the daemon does not check it.',
    remedy: 'Set health.stdio to have commands probed.',
  },
  command_failed: {
    meaning: 'The command does not start, or ends at once.',
    remedy: 'Run it by hand on the host of the daemon.',
  },
}
