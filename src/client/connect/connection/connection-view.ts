import type { Server } from '../../../model/server.ts'
import type { CircuitState } from '../../resilience/circuit-breaker.ts'

/**
 * `connecting`: for the first time. `reconnecting`: lost or failed, tries again. `error`: failed more often than `max_retries`, tries at
 * the maximum pause, or not at all where `auto_reconnect` is false. `disconnected`: not asked to connect.
 */
export type ConnectionState = 'disconnected' | 'connecting' | 'connected' | 'error' | 'reconnecting'

/** One server, as the registry and the fleet see it. */
export type ConnectionView = {
  /** The server, as the registry shows it: with its status, and without its secrets. */
  readonly server: Server
  readonly state: ConnectionState
  /** Why it is in this state. */
  readonly reason: string
  /** RFC 3339; absent unless connected. */
  readonly connected_at?: string
  /** Last answer of the server (RFC 3339). */
  readonly last_activity?: string
  /** Failed attempts since it was last connected. */
  readonly retry_count: number
  readonly circuit: CircuitState
  /** Number of its tools. */
  readonly tools: number
  /** Tools beyond the limit, or named twice: they are left out. */
  readonly tools_omitted?: number
  /** The verdict of the registry. */
  readonly health: Server['health'] & { readonly status: Server['status'] }
  /** Absent unless connected: `modern` is the revision 2026-07-28 and later. */
  readonly era?: 'modern' | 'legacy'
}

type Facts = {
  readonly state: ConnectionState
  readonly reason: string
  readonly retries: number
  readonly circuit: CircuitState
  /** Milliseconds since 1970, as `lastActivity`. */
  readonly connectedAt: number | undefined
  readonly lastActivity: number | undefined
  readonly era: 'modern' | 'legacy' | undefined
  readonly tools: number
  readonly omitted: number
}

export function viewOf(server: Server, facts: Facts): ConnectionView {
  const { state, reason, retries, circuit, connectedAt, lastActivity, era, tools, omitted } = facts
  return {
    server,
    state,
    reason,
    ...(connectedAt === undefined ? {} : { connected_at: new Date(connectedAt).toISOString() }),
    ...(lastActivity === undefined ? {} : { last_activity: new Date(lastActivity).toISOString() }),
    retry_count: retries,
    circuit,
    tools,
    ...(omitted === 0 ? {} : { tools_omitted: omitted }),
    health: { ...server.health, status: server.status },
    ...(era === undefined ? {} : { era }),
  }
}

/** Why a server is not to be connected at all. */
export function barrierTo(
  server: Server,
  { stdio }: { readonly stdio: (server: Server) => boolean },
): string | undefined {
  if (!server.enabled) return 'disabled'
  if (server.type !== 'stdio') return undefined
  if (!server.command) return 'it has no endpoint'
  try {
    // Anything else than true is no consent: a promise of false would be taken for one.
    return (stdio(server) as unknown) === true ? undefined : 'commands are not run here (option stdio)'
  } catch (error) {
    return `commands are not run here: the option stdio failed (${String(error)})`
  }
}

/** What a session depends on. Values of secrets are redacted in it: a new secret alone opens no new session. */
export const addressOf = ({ type, url, headers, command, args, env, cwd }: Server) => ({
  type,
  url,
  headers,
  command,
  args,
  env,
  cwd,
})

/** Why a circuit has its state. */
export const circuitReasons = {
  open: 'its calls keep failing',
  half_open: 'one call decides',
  closed: 'its calls succeed',
} as const
