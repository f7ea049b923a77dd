import { isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import { isLabelKey, isLabelValue } from '../../model/labels.ts'
import type { ImportReport, LegacyAgent, LegacyCapability, LegacyRow, LegacyTables } from './legacy-schema.ts'
import {
  createReadingCounts,
  parseEvent,
  readNumber,
  type ReadingCounts,
  readStructure,
  readColumnText,
  readTime,
  type ReportProblem,
  type Shape,
} from './legacy-values.ts'

/** Parses the rows into agents, and reports how their fields were read. */
export function parseAgents({ agents: rows, capabilities, events, counts: rowCounts }: LegacyTables): {
  agents: LegacyAgent[]
  report: ImportReport
} {
  const problems: { agent_id: string; field: string; problem: string }[] = []
  const agents: LegacyAgent[] = []
  const counts = createReadingCounts()
  const byAgent = Map.groupBy(capabilities, ({ agent_id }) => String(agent_id))
  const eventOf = new Map(events.map(({ agent_id, data }) => [String(agent_id), data]))
  for (const [index, row] of rows.entries()) {
    const id = row['id']
    if (typeof id !== 'string' || id === '') {
      problems.push({ agent_id: `row ${index + 1}`, field: 'id', problem: 'is missing; the agent was skipped' })
      continue
    }
    const report = (field: string, problem: string) => void problems.push({ agent_id: id, field, problem })
    const event = parseEvent(eventOf.get(id))
    agents.push(parseAgent(id, { row, event, capabilities: byAgent.get(id) ?? [] }, report, counts))
    byAgent.delete(id)
  }
  for (const [agent_id, orphans] of byAgent) {
    problems.push({
      agent_id,
      field: 'capabilities',
      problem: `${orphans.length} belong to a missing agent; skipped`,
    })
  }
  const all = agents.flatMap((agent) => agent.capabilities)
  return {
    agents,
    report: {
      agents: agents.length,
      capabilities: all.length,
      fields: counts.fields,
      problems,
      not_imported: rowCounts,
      notes: notesOn(all),
    },
  }
}

function notesOn(capabilities: readonly LegacyCapability[]): string[] {
  const notes = []
  if (capabilities.some(({ stability }) => stability === undefined)) {
    notes.push(
      'The original did not store category, stability and tags of capabilities; the next registration adds them.',
    )
  }
  if (capabilities.some(({ security_requirements: requirements }) => requirements !== undefined))
    notes.push('Security requirements of capabilities are not imported: mcp-roster has no such field.')
  return notes
}

type AgentRows = { readonly row: LegacyRow; readonly event: JsonObject; readonly capabilities: readonly LegacyRow[] }

function parseAgent(
  id: string,
  { row, event, capabilities }: AgentRows,
  report: ReportProblem,
  counts: ReadingCounts,
): LegacyAgent {
  const structure = (field: string, shape: Shape) =>
    readStructure({ stored: row[field], event: event[field], shape }, { field, report, counts })
  const map = (field: string) => (structure(field, 'map') ?? {}) as JsonObject
  const stored = (field: string) => withEvent(field, row, event, counts)
  const timeout = readNumber(stored('timeout_threshold'), 'timeout_threshold', report)
  const eviction = readNumber(stored('eviction_threshold'), 'eviction_threshold', report)
  const security = readColumnText(row['security_context'])
  const created = readTime(row['created_at'], 'created_at', report)
  const beat = readTime(row['last_heartbeat'], 'last_heartbeat', report)
  const capabilityEvents = capabilityEventsIn(event)
  return {
    id,
    name: readColumnText(row['name']) ?? id,
    namespace: readColumnText(row['namespace']) ?? 'default',
    endpoint: readColumnText(row['endpoint']) ?? `stdio://${id}`,
    ...separateLabels(map('labels'), map('annotations'), report),
    health_interval: readNumber(row['health_interval'], 'health_interval', report) ?? 30,
    ...(timeout !== undefined && { timeout_threshold: timeout }),
    ...(eviction !== undefined && { eviction_threshold: eviction }),
    agent_type: readColumnText(stored('agent_type')) ?? 'default',
    config: map('config'),
    ...(security !== undefined && { security_context: security }),
    dependencies: (structure('dependencies', 'list') ?? []) as readonly unknown[],
    capabilities: capabilities.flatMap((capability) => parseCapability(capability, capabilityEvents, report, counts)),
    ...(created !== undefined && { created_at: created }),
    ...(beat !== undefined && { last_heartbeat: beat }),
  }
}

/** The original took any text as a label; what is no label here becomes an annotation. */
function separateLabels(labels: JsonObject, annotations: JsonObject, report: ReportProblem) {
  const isLabel = ([key, value]: [string, unknown]) =>
    isLabelKey(key) && isLabelValue(typeof value === 'string' ? value : JSON.stringify(value))
  const [valid, others] = [
    Object.entries(labels).filter(isLabel),
    Object.entries(labels).filter((one) => !isLabel(one)),
  ]
  for (const [key] of others) report(`labels.${key}`, 'does not have the form of a label; kept as an annotation')
  return { labels: Object.fromEntries(valid), annotations: { ...Object.fromEntries(others), ...annotations } }
}

/** A value that the first schema had no column for, but its events have. */
function withEvent(field: string, row: LegacyRow, event: JsonObject, counts: ReadingCounts): unknown {
  if (row[field] !== undefined || event[field] === undefined) return row[field]
  counts.add(field, 'event')
  return event[field]
}

/** The capabilities in an event, by name. */
function capabilityEventsIn({ capabilities }: JsonObject): ReadonlyMap<unknown, JsonObject> {
  const list = Array.isArray(capabilities) ? capabilities.filter(isJsonObject) : []
  return new Map(list.map((capability) => [capability['name'], capability]))
}

function parseCapability(
  row: LegacyRow,
  events: ReadonlyMap<unknown, JsonObject>,
  report: ReportProblem,
  counts: ReadingCounts,
): LegacyCapability[] {
  const name = readColumnText(row['name'])
  if (name === undefined) {
    report('capabilities', 'one has no name; skipped')
    return []
  }
  const event = events.get(name) ?? {}
  const structure = (field: string, shape: Shape) =>
    readStructure(
      { stored: row[field], event: event[field], shape },
      { field: `capabilities.${name}.${field}`, kind: `capabilities.${field}`, report, counts },
    )
  const schema = structure('parameters_schema', 'any')
  const security = structure('security_requirements', 'list')
  const tags = structure('tags', 'list')
  const description = readColumnText(row['description'])
  const [category, stability] = ['category', 'stability'].map((field) => readColumnText(event[field]))
  for (const [field, value] of Object.entries({ category, stability }))
    if (value !== undefined) counts.add(`capabilities.${field}`, 'event')
  return [
    {
      name,
      version: readColumnText(row['version']) ?? '1.0.0',
      ...(description !== undefined && { description }),
      ...(schema !== undefined && { parameters_schema: schema }),
      ...(security !== undefined && { security_requirements: security as readonly unknown[] }),
      ...(tags !== undefined && { tags: tags as readonly unknown[] }),
      ...(category !== undefined && { category }),
      ...(stability !== undefined && { stability }),
    },
  ]
}
