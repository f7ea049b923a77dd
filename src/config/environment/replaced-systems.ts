import type { ValueKind } from '../schema-paths.ts'

/** A variable of a replaced system, the setting that it maps to, and how its value is read. */
export type ReplacedVariable = {
  /** The first one set wins. */
  readonly names: readonly string[]
  /** Absent: the variable is accepted without effect. */
  readonly path?: readonly string[]
  readonly kind?: Exclude<ValueKind, 'data'>
  readonly read?: (text: string) => unknown
  /** A warning about the given value, logged at start. */
  readonly note?: (text: string) => string | undefined
}

const levels: Readonly<Record<string, string>> = { warning: 'warn', critical: 'fatal', notice: 'info', off: 'silent' }

/** The variables of the two replaced systems, except those of their databases. */
export const replacedVariables: readonly ReplacedVariable[] = [
  { names: ['HOST'], path: ['listen', 'host'] },
  { names: ['PORT', 'REGISTRY_PORT'], path: ['listen', 'port'], kind: 'number' },
  { names: ['LOG_LEVEL'], path: ['log', 'level'], read: (text) => levels[text.toLowerCase()] ?? text.toLowerCase() },
  { names: ['ACCESS_LOG'], path: ['log', 'access'], kind: 'boolean' },
  { names: ['AUTH_TOKEN'], path: ['auth', 'token'] },
  { names: ['HEALTH_CHECK_INTERVAL'], path: ['health', 'interval'] },
  { names: ['DEFAULT_TIMEOUT_THRESHOLD', 'AGENT_TIMEOUT'], path: ['health', 'agents', 'timeout_threshold'] },
  { names: ['DEFAULT_EVICTION_THRESHOLD'], path: ['health', 'agents', 'eviction_threshold'] },
  { names: ['ENABLE_CORS'], path: ['cors', 'enabled'], kind: 'boolean' },
  { names: ['ALLOWED_ORIGINS'], path: ['cors', 'origins'], kind: 'list' },
  { names: ['ALLOWED_METHODS'], path: ['cors', 'methods'], kind: 'list' },
  { names: ['ALLOWED_HEADERS'], path: ['cors', 'headers'], kind: 'list' },
  { names: ['ENABLE_METRICS'], path: ['metrics', 'enabled'], kind: 'boolean' },
  { names: ['METRICS_PORT'], path: ['metrics', 'port'], kind: 'number' },
  { names: ['ENABLE_EVENTS'], path: ['events', 'enabled'], kind: 'boolean' },
  { names: ['MCP_MESH_EVENT_MAX_ROWS'], path: ['events', 'max_rows'], read: eventRows },
  { names: ['CACHE_TTL'], note: () => 'has no effect: responses are never older than the registry' },
  { names: ['ENABLE_RESPONSE_CACHE'], note: () => 'has no effect: responses are never older than the registry' },
  { names: ['REGISTRY_NAME'], path: ['listen', 'name'] },
  { names: ['REGISTRY_NAME'], path: ['listen', 'service'] },
  { names: ['MCP_MESH_PUBLIC_URL_PREFIX'], path: ['publish', 'a2a_url'] },
  { names: ['REGISTRY_INSTANCE_ID'], path: ['cluster', 'id'] },
  { names: ['ENABLE_LEADER_ELECTION'], path: ['cluster', 'leader_election'], kind: 'boolean' },
  { names: ['LEADER_ELECTION_LEASE_DURATION'], path: ['cluster', 'lease_duration'] },
  { names: ['LEADER_ELECTION_RENEW_DEADLINE'], path: ['cluster', 'renew_deadline'] },
  { names: ['LEADER_ELECTION_RETRY_PERIOD'], path: ['cluster', 'retry_period'] },
  { names: ['DB_SYNCHRONOUS'], note: durability },
  { names: ['DB_CONNECTION_TIMEOUT'] },
  { names: ['DB_BUSY_TIMEOUT'] },
  { names: ['DB_JOURNAL_MODE'] },
  { names: ['DB_CACHE_SIZE'] },
  { names: ['DB_ENABLE_FOREIGN_KEYS'] },
]

/** The original takes any number, and 0 for no limit. */
function eventRows(text: string): number {
  const rows = Number(text)
  return rows === 0 ? 10_000_000 : Math.min(10_000_000, Math.max(100, Math.trunc(rows)))
}

function durability(text: string): string | undefined {
  if (/^(full|extra|[23])$/i.test(text.trim())) return undefined
  return 'has no effect: every acknowledged write is synced to disk'
}
