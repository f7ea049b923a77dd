import type { JsonObject } from '../../model/data/json-object.ts'
import type { ImportReport, LegacyAgent, LegacyRow, LegacyTables } from './legacy-schema.ts'
import {
  createReadingCounts,
  type ReadingCounts,
  readColumnText,
  readStructure,
  readTime,
  type ReportProblem,
  type Shape,
} from './legacy-values.ts'

/** Columns of a function whose JSON is sent under the same name. */
const jsonColumns = [
  ['input_schema', 'map'],
  ['tags', 'list'],
  ['kwargs', 'map'],
  ['dependencies', 'list'],
  ['llm_filter', 'map'],
  ['llm_provider', 'map'],
] as const

/** Whether the tables are those of the present registry in Go: its agents have no column `id`. */
export function isGoRegistry({ agents: [first] }: LegacyTables): boolean {
  return first !== undefined && first['id'] === undefined && first['agent_id'] !== undefined
}

/** Parses the rows of the present registry in Go into registrations with `tools`, as its agents send them. */
export function parseGoAgents({ agents: rows, capabilities, schemas, counts: rowCounts }: LegacyTables): {
  agents: LegacyAgent[]
  report: ImportReport
} {
  const problems: { agent_id: string; field: string; problem: string }[] = []
  const counts = createReadingCounts()
  const toolsOf = Map.groupBy(capabilities, (row) => String(row['agent_capabilities']))
  const schemaOf = new Map(schemas.map(({ hash, canonical }) => [hash, canonical]))
  const agents = rows.map((row) => {
    const id = String(row['agent_id'])
    const report = (field: string, problem: string) => void problems.push({ agent_id: id, field, problem })
    const tools = (toolsOf.get(id) ?? []).map((tool) => parseTool(tool, schemaOf, report, counts))
    return parseAgent(id, row, { tools, report, counts })
  })
  return {
    agents,
    report: {
      agents: agents.length,
      capabilities: capabilities.length,
      fields: counts.fields,
      problems,
      not_imported: rowCounts,
      notes: [],
    },
  }
}

function parseAgent(
  id: string,
  row: LegacyRow,
  { tools, report, counts }: { tools: readonly JsonObject[]; report: ReportProblem; counts: ReadingCounts },
): LegacyAgent {
  const surfaces = readStructure(
    { stored: row['a2a_surfaces'], event: undefined, shape: 'list' },
    { field: 'a2a_surfaces', report, counts },
  )
  const created = readTime(row['created_at'], 'created_at', report)
  const text = (field: string) => {
    const value = readColumnText(row[field])
    return value === undefined ? {} : { [field]: value }
  }
  return {
    id,
    name: readColumnText(row['name']) ?? id,
    namespace: readColumnText(row['namespace']) ?? 'default',
    agent_type: readColumnText(row['agent_type']) ?? 'mcp_agent',
    ...text('runtime'),
    ...text('version'),
    ...text('description'),
    ...text('http_host'),
    http_port: Number(row['http_port'] ?? 0),
    a2a_producer: Boolean(row['a2a_producer']),
    a2a_consumer: Boolean(row['a2a_consumer']),
    ...(surfaces !== undefined && { surfaces }),
    tools,
    labels: {},
    annotations: {},
    config: {},
    dependencies: [],
    capabilities: [],
    ...(created !== undefined && { created_at: created }),
  }
}

function parseTool(
  row: LegacyRow,
  schemaOf: ReadonlyMap<unknown, unknown>,
  report: ReportProblem,
  counts: ReadingCounts,
): JsonObject {
  const name = readColumnText(row['function_name']) ?? ''
  const structure = (stored: unknown, field: string, shape: Shape) =>
    readStructure(
      { stored, event: undefined, shape },
      { field: `tools.${name}.${field}`, kind: `tools.${field}`, report, counts },
    )
  const json = jsonColumns.map(([field, shape]) => [field, structure(row[field], field, shape)] as const)
  // A hash without its schema is none.
  const hashes = (['input_schema', 'output_schema'] as const).flatMap((side) => {
    const hash = readColumnText(row[`${side}_hash`])
    const canonical = hash === undefined ? undefined : structure(schemaOf.get(hash), `${side}_canonical`, 'map')
    return canonical === undefined ? [] : [[`${side}_hash`, hash] as const, [`${side}_canonical`, canonical] as const]
  })
  return {
    function_name: name,
    capability: readColumnText(row['capability']) ?? '',
    version: readColumnText(row['version']) ?? '',
    description: readColumnText(row['description']) ?? '',
    ...Object.fromEntries([...json.filter(([, value]) => value !== undefined), ...hashes]),
  }
}
