import { redactText } from '../model/redaction/redact-text.ts'
import type { SkippedAgent } from '../registrations/agent-import.ts'
import type { FieldReadings, ImportReport, FieldReading } from '../stores/legacy/legacy-schema.ts'
import { type Command, CommandError, type Invocation, UsageError } from './command.ts'
import { countOf, withOneLineErrors, storeHelp, storeOptions, withStore } from './store.ts'
import { escapeControls } from './text.ts'

export const importCommand: Command = {
  summary: 'Import the agents from a database of the original mesh registry.',
  usage: 'URL [--dry-run] [--config FILE]',
  options: { ...storeOptions, 'dry-run': { type: 'boolean' } },
  help: [
    ['URL', 'Path of its SQLite file, sqlite://…, or postgres://user:password@host/name. The database is only read.'],
    ['--dry-run', 'Show what would be imported, without writing.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const [url, ...more] = invocation.positionals
    if (url === undefined || more.length > 0)
      throw new UsageError('import needs the URL or path of exactly one database')
    const { readLegacyAgents } = await import('../stores/legacy/legacy-import.ts')
    const { agents, report } = await withOneLineErrors(() => orRedactedError(() => readLegacyAgents(url)))
    const { out } = invocation.terminal
    printReport(invocation, report)
    const { importAgents, parseImportedAgents } = await import('../registrations/agent-import.ts')
    if (invocation.values['dry-run'] === true) {
      const { requests, skipped } = parseImportedAgents(agents, dryRunThresholds)
      for (const each of skipped) out(lineOf(each))
      out(
        `dry run, nothing written: ${countOf(requests.length, 'agent')} would be imported, ${skipped.length} skipped\n`,
      )
      return skipped.length > 0 ? 1 : 0
    }
    const { imported, existing, skipped } = await withStore(invocation, { mustExist: false }, (store, { config }) => {
      const { timeout_threshold: timeout, eviction_threshold: eviction } = config.health.agents
      return importAgents(store, agents, { timeout, eviction })
    })
    for (const each of skipped) out(lineOf(each))
    for (const id of existing) out(line(id, 'id', 'already registered here; the existing agent is kept'))
    const existingText = existing.length > 0 ? `, ${existing.length} already registered` : ''
    out(`${countOf(imported, 'agent')} imported${existingText}, ${skipped.length} skipped\n`)
    if (imported > 0) out('Imported agents are pending until their next heartbeat.\n')
    return skipped.length > 0 ? 1 : 0
  },
}

function printReport({ terminal: { out } }: Pick<Invocation, 'terminal'>, report: ImportReport): void {
  out(`found ${countOf(report.agents, 'agent')} with ${countOf(report.capabilities, 'capability', 'capabilities')}\n`)
  for (const [field, readings] of report.fields) out(`read ${field}: ${describeReadings(readings)}\n`)
  for (const { agent_id, field, problem } of report.problems) out(line(agent_id, field, problem))
  const skippedRows = Object.entries(report.not_imported).filter(([, rows]) => rows > 0)
  for (const [table, rows] of skippedRows) out(`not imported: ${countOf(rows, 'row')} of ${escapeControls(table)}\n`)
  for (const note of report.notes) out(`note: ${note}\n`)
}

const readingTexts: Readonly<Record<FieldReading, string>> = {
  json: 'as JSON',
  python: 'as Python literals',
  event: 'from registry_events',
  unreadable: 'not at all',
}

/** `12 as Python literals, 1 from registry_events` */
function describeReadings(readings: FieldReadings): string {
  const forms = Object.keys(readingTexts) as FieldReading[]
  return forms
    .flatMap((form) => (readings[form] === undefined ? [] : `${readings[form]} ${readingTexts[form]}`))
    .join(', ')
}

/** Thresholds of a dry run: they fill in missing values and never reject an agent. Seconds. */
const dryRunThresholds = { timeout: 60, eviction: 120 }

function lineOf({ agent_id, field, problem }: SkippedAgent): string {
  return line(agent_id, field, `${problem}; agent skipped`)
}

function line(agent: string, field: string, problem: string): string {
  return `${escapeControls(redactText(`${agent}: ${field}: ${problem}`))}\n`
}

/** Reports an unreadable URL without repeating it: it may contain a password. */
async function orRedactedError<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Error && error.name !== 'Error') throw error
    throw new CommandError(redactText(error instanceof Error ? error.message : 'database cannot be read'), {
      cause: error,
    })
  }
}
