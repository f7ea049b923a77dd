import { StoreRefusal } from '../store.ts'

/** The readable fields of one agent, in the shape of a registration of the original mesh registry. */
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
  /** Unreadable fields, and how the import handled them. */
  readonly problems: readonly { readonly agent_id: string; readonly field: string; readonly problem: string }[]
  /** Row counts of tables that are not imported. */
  readonly not_imported: Readonly<Record<string, number>>
  readonly notes: readonly string[]
}

export type LegacyTables = {
  readonly agents: readonly LegacyRow[]
  readonly capabilities: readonly LegacyRow[]
  readonly counts: Readonly<Record<string, number>>
}
export type LegacyRow = Readonly<Record<string, unknown>>

/** Tables of the original that are not imported: history and contracts. */
export const skippedTables = [
  'agent_health',
  'registry_events',
  'service_contracts',
  'method_metadata',
  'method_parameters',
  'schema_version',
] as const

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

/** Parses the rows into agents, and reports unreadable fields. */
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
      problems.push({ agent_id: `row ${index + 1}`, field: 'id', problem: 'is missing; the agent was skipped' })
      continue
    }
    const report = (field: string, problem: string) => void problems.push({ agent_id: id, field, problem })
    agents.push(parseAgent(id, row, byAgent.get(id) ?? [], report))
    byAgent.delete(id)
  }
  for (const [agent_id, orphans] of byAgent) {
    problems.push({
      agent_id,
      field: 'capabilities',
      problem: `${orphans.length} belong to a missing agent; skipped`,
    })
  }
  const count = agents.reduce((sum, agent) => sum + agent.capabilities.length, 0)
  const notes = [
    'The original did not store category, stability and tags of capabilities; the next registration adds them.',
  ]
  return { agents, report: { agents: agents.length, capabilities: count, problems, not_imported: counts, notes } }
}

type Report = (field: string, problem: string) => void

function parseAgent(id: string, row: LegacyRow, capabilities: readonly LegacyRow[], report: Report): LegacyAgent {
  const json = <T>(field: string, fallback: T) => readJson(row[field], field, fallback, report)
  const number = (field: string) => readNumber(row[field], field, report)
  const timeout = number('timeout_threshold')
  const eviction = number('eviction_threshold')
  const security = row['security_context']
  const created = readTime(row['created_at'], 'created_at', report)
  const beat = readTime(row['last_heartbeat'], 'last_heartbeat', report)
  return {
    id,
    name: readText(row['name']) ?? id,
    namespace: readText(row['namespace']) ?? 'default',
    endpoint: readText(row['endpoint']) ?? `stdio://${id}`,
    labels: json('labels', {}),
    annotations: json('annotations', {}),
    health_interval: number('health_interval') ?? 30,
    ...(timeout !== undefined && { timeout_threshold: timeout }),
    ...(eviction !== undefined && { eviction_threshold: eviction }),
    agent_type: readText(row['agent_type']) ?? 'default',
    config: json('config', {}),
    ...(typeof security === 'string' && security !== '' && { security_context: security }),
    dependencies: json('dependencies', []),
    capabilities: capabilities.flatMap((capability) => parseCapability(capability, report)),
    ...(created !== undefined && { created_at: created }),
    ...(beat !== undefined && { last_heartbeat: beat }),
  }
}

function parseCapability(row: LegacyRow, report: Report): LegacyCapability[] {
  const name = readText(row['name'])
  if (name === undefined) {
    report('capabilities', 'one has no name; skipped')
    return []
  }
  const schema = readJson<unknown>(
    row['parameters_schema'],
    `capabilities.${name}.parameters_schema`,
    undefined,
    report,
  )
  const security = readJson<readonly unknown[] | undefined>(
    row['security_requirements'],
    `capabilities.${name}.security_requirements`,
    undefined,
    report,
  )
  const description = readText(row['description'])
  return [
    {
      name,
      version: readText(row['version']) ?? '1.0.0',
      ...(description !== undefined && { description }),
      ...(schema !== undefined && { parameters_schema: schema }),
      ...(security !== undefined && { security_requirements: security }),
    },
  ]
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Parses JSON text, which must be a list or a map where `fallback` is one. */
function readJson<T>(value: unknown, field: string, fallback: T, report: Report): T {
  if (value === null || value === undefined || value === '') return fallback
  try {
    const text = value instanceof Uint8Array ? new TextDecoder().decode(value) : value
    const parsed: unknown = typeof text === 'string' ? JSON.parse(text) : text
    if (parsed === null) return fallback
    const hasExpectedShape =
      fallback === undefined || (typeof parsed === 'object' && Array.isArray(parsed) === Array.isArray(fallback))
    if (hasExpectedShape) return parsed as T
    report(field, `is not a ${Array.isArray(fallback) ? 'list' : 'map'}; left empty`)
  } catch {
    report(field, 'is not valid JSON; left empty')
  }
  return fallback
}

function readNumber(value: unknown, field: string, report: Report): number | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const number = Number(value)
  if (Number.isFinite(number) && number > 0) return number
  report(field, 'is not a positive number; the default is used')
  return undefined
}

/** A time without a zone is UTC. */
function readTime(value: unknown, field: string, report: Report): string | undefined {
  if (value === null || value === undefined || value === '') return undefined
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).trim().replace(' ', 'T')
  const zoned = /(Z|[+-]\d{2}(:?\d{2})?)$/i.test(text) ? text : `${text}Z`
  // Python writes microseconds, Go nanoseconds; a zone may lack its minutes.
  const plain = zoned.replace(/(\.\d{3})\d+/, '$1').replace(/([+-]\d{2})$/, '$1:00')
  const time = Date.parse(plain)
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  report(field, 'is not a valid time; omitted')
  return undefined
}
