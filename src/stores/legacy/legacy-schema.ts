import { StoreRefusal } from '../store.ts'

/** One agent as the original mesh registry knew it: its shape of a registration, what could be read of it. */
export type LegacyAgent = {
  readonly id: string
  readonly name: string
  readonly namespace: string
  readonly endpoint: string
  readonly labels: Readonly<Record<string, unknown>>
  readonly annotations: Readonly<Record<string, unknown>>
  readonly health_interval: number
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
}

export type LegacyCapability = {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly parameters_schema?: unknown
  readonly security_requirements?: readonly unknown[]
}

export type ImportReport = {
  readonly agents: number
  readonly capabilities: number
  /** What could not be read, and what became of it. */
  readonly problems: readonly { readonly agent_id: string; readonly field: string; readonly problem: string }[]
  /** Rows of tables that are history or contracts, and are not taken over. */
  readonly not_imported: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

export type LegacyTables = {
  readonly agents: readonly LegacyRow[]
  readonly capabilities: readonly LegacyRow[]
  readonly counts: Readonly<Record<string, number>>
}
export type LegacyRow = Readonly<Record<string, unknown>>

/** Tables of the original beside `agents` and `capabilities`. */
export const skippedTables = [
  'agent_health',
  'registry_events',
  'service_contracts',
  'method_metadata',
  'method_parameters',
  'schema_version',
] as const

/** Refuses a database that is none of the original's. */
export function assertLegacyDatabase(tables: readonly string[], where: string): void {
  if (tables.includes('roster_meta')) {
    throw new StoreRefusal(
      `${where} is a store of mcp-roster: copy it with "mcp-roster backup" and "mcp-roster restore"`,
    )
  }
  if (!tables.includes('agents')) {
    throw new StoreRefusal(`${where} has no table "agents": it is no database of the original mesh registry`)
  }
}

/** The agents in the rows, and what could not be read in them. */
export function parseAgents({ agents: rows, capabilities, counts }: LegacyTables): {
  agents: LegacyAgent[]
  report: ImportReport
} {
  const problems: { agent_id: string; field: string; problem: string }[] = []
  const agents: LegacyAgent[] = []
  const byAgent = Map.groupBy(capabilities, ({ agent_id }) => String(agent_id))
  for (const [index, row] of rows.entries()) {
    const id = row['id']
    if (typeof id !== 'string' || id === '') {
      problems.push({ agent_id: `row ${index + 1}`, field: 'id', problem: 'is missing; the agent was left out' })
      continue
    }
    const report = (field: string, problem: string) => void problems.push({ agent_id: id, field, problem })
    agents.push(agentOf(id, row, byAgent.get(id) ?? [], report))
    byAgent.delete(id)
  }
  for (const [agent_id, orphans] of byAgent) {
    problems.push({
      agent_id,
      field: 'capabilities',
      problem: `${orphans.length} belong to an agent that is not there; left out`,
    })
  }
  const count = agents.reduce((sum, agent) => sum + agent.capabilities.length, 0)
  const notes = [
    'Category, stability and tags of capabilities were never stored by the original: they come with the next registration.',
  ]
  return { agents, report: { agents: agents.length, capabilities: count, problems, not_imported: counts, notes } }
}

type Report = (field: string, problem: string) => void

function agentOf(id: string, row: LegacyRow, capabilities: readonly LegacyRow[], report: Report): LegacyAgent {
  const json = <T>(field: string, fallback: T) => jsonIn(row[field], field, fallback, report)
  const number = (field: string) => numberIn(row[field], field, report)
  const timeout = number('timeout_threshold')
  const eviction = number('eviction_threshold')
  const security = row['security_context']
  const created = timeIn(row['created_at'], 'created_at', report)
  const beat = timeIn(row['last_heartbeat'], 'last_heartbeat', report)
  return {
    id,
    name: textIn(row['name']) ?? id,
    namespace: textIn(row['namespace']) ?? 'default',
    endpoint: textIn(row['endpoint']) ?? `stdio://${id}`,
    labels: json('labels', {}),
    annotations: json('annotations', {}),
    health_interval: number('health_interval') ?? 30,
    ...(timeout !== undefined && { timeout_threshold: timeout }),
    ...(eviction !== undefined && { eviction_threshold: eviction }),
    agent_type: textIn(row['agent_type']) ?? 'default',
    config: json('config', {}),
    ...(typeof security === 'string' && security !== '' && { security_context: security }),
    dependencies: json('dependencies', []),
    capabilities: capabilities.flatMap((capability) => capabilityOf(capability, report)),
    ...(created !== undefined && { created_at: created }),
    ...(beat !== undefined && { last_heartbeat: beat }),
  }
}

function capabilityOf(row: LegacyRow, report: Report): LegacyCapability[] {
  const name = textIn(row['name'])
  if (name === undefined) {
    report('capabilities', 'one has no name; left out')
    return []
  }
  const schema = jsonIn<unknown>(row['parameters_schema'], `capabilities.${name}.parameters_schema`, undefined, report)
  const security = jsonIn<readonly unknown[] | undefined>(
    row['security_requirements'],
    `capabilities.${name}.security_requirements`,
    undefined,
    report,
  )
  const description = textIn(row['description'])
  return [
    {
      name,
      version: textIn(row['version']) ?? '1.0.0',
      ...(description !== undefined && { description }),
      ...(schema !== undefined && { parameters_schema: schema }),
      ...(security !== undefined && { security_requirements: security }),
    },
  ]
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** JSON kept as text; of the same shape as `fallback`, where that has one. */
function jsonIn<T>(value: unknown, field: string, fallback: T, report: Report): T {
  if (value === null || value === undefined || value === '') return fallback
  try {
    const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value
    const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : text
    if (parsed === null) return fallback
    const isFit =
      fallback === undefined || (typeof parsed === 'object' && Array.isArray(parsed) === Array.isArray(fallback))
    if (isFit) return parsed as T
    report(field, `is no ${Array.isArray(fallback) ? 'list' : 'map'}; left empty`)
  } catch {
    report(field, 'is no JSON; left empty')
  }
  return fallback
}

function numberIn(value: unknown, field: string, report: Report): number | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const number = Number(value)
  if (Number.isFinite(number) && number > 0) return number
  report(field, 'is no positive number; the default is used')
  return undefined
}

/** Times without a zone were meant in UTC. */
function timeIn(value: unknown, field: string, report: Report): string | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).trim().replace(' ', 'T')
  const zoned = /(Z|[+-]\d{2}(:?\d{2})?)$/i.test(text) ? text : `${text}Z`
  // Python writes microseconds, Go nanoseconds; a zone may lack its minutes.
  const plain = zoned.replace(/(\.\d{3})\d+/, '$1').replace(/([+-]\d{2})$/, '$1:00')
  const time = Date.parse(plain)
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  report(field, 'is no time; left out')
  return undefined
}
