import type { JsonObject } from '../../model/data/json-object.ts'
import { StoreRefusal } from '../store.ts'

/** The readable fields of one agent, in the shape of a registration of the original mesh registry. */
export type LegacyAgent = {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly endpoint?: string
  readonly labels: Readonly<Record<string, unknown>>
  readonly annotations: Readonly<Record<string, unknown>>
  readonly health_interval?: number
  readonly timeout_threshold?: number
  readonly eviction_threshold?: number
  readonly agent_type: string
  readonly config: Readonly<Record<string, unknown>>
  readonly security_context?: string
  readonly dependencies: readonly unknown[]
  readonly capabilities: readonly LegacyCapability[]
  /** RFC 3339. */
  readonly created_at?: string
  readonly last_heartbeat?: string
} & LegacyTools

/** The fields of the present registry in Go, whose agents register functions. */
type LegacyTools = {
  readonly tools?: readonly JsonObject[]
  readonly runtime?: string
  readonly version?: string
  readonly description?: string
  readonly http_host?: string
  readonly http_port?: number
  readonly a2a_producer?: boolean
  readonly a2a_consumer?: boolean
  readonly surfaces?: unknown
}

export type LegacyCapability = {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly parameters_schema?: unknown
  readonly security_requirements?: readonly unknown[]
  /** Known from an event only: the original had no column for it. */
  readonly category?: string
  readonly stability?: string
  readonly tags?: readonly unknown[]
}

export type ImportReport = {
  readonly agents: number
  readonly capabilities: number
  /** By field: how many values were read in which way. */
  readonly fields: ReadonlyMap<string, FieldReadings>
  /** Unreadable fields, and how the import handled them. */
  readonly problems: readonly { readonly agent_id: string; readonly field: string; readonly problem: string }[]
  /** Row counts of tables that are not imported. */
  readonly not_imported: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

/** `event`: from the newest event of the agent, since its own column is unreadable or absent. */
export type FieldReading = 'json' | 'python' | 'event' | 'unreadable'
export type FieldReadings = Readonly<Partial<Record<FieldReading, number>>>

export type LegacyTables = {
  readonly agents: readonly LegacyRow[]
  readonly capabilities: readonly LegacyRow[]
  /** The newest event of each agent: `agent_id` and `data`. */
  readonly events: readonly LegacyRow[]
  /** Canonical schemas: `hash` and `canonical`. */
  readonly schemas: readonly LegacyRow[]
  readonly counts: Readonly<Record<string, number>>
}
export type LegacyRow = Readonly<Record<string, unknown>>

/** Tables of the original that are not imported: history, contracts, resolutions and jobs. */
export const skippedTables = [
  'agent_health',
  'registry_events',
  'service_contracts',
  'method_metadata',
  'method_parameters',
  'schema_version',
  'dependency_resolutions',
  'llm_tool_resolutions',
  'llm_provider_resolutions',
  'jobs',
  'job_events',
] as const

/** The columns that `newestEvents` needs. */
export const legacyEventColumns = ['id', 'agent_id', 'event_type', 'data'] as const

/** The newest registration of each agent as an event holds it, in SQLite and PostgreSQL. */
export const newestEvents = `
  SELECT agent_id, data FROM registry_events WHERE id IN (
    SELECT max(id) FROM registry_events
    WHERE event_type <> 'DELETED' AND agent_id IN (SELECT id FROM agents)
    GROUP BY agent_id
  )`

/** Refuses any database but that of an original mesh registry. */
export function assertLegacyDatabase(tables: readonly string[], label: string): void {
  if (tables.includes('roster_meta')) {
    throw new StoreRefusal(
      `${label} is a store of mcp-roster: copy it with "mcp-roster backup" and "mcp-roster restore"`,
    )
  }
  if (!tables.includes('agents')) {
    throw new StoreRefusal(`${label} is not a database of the original mesh registry: it has no table "agents"`)
  }
}
