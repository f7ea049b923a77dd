import { redactText } from '../model/redaction/redact-text.ts'
import type { SkippedAgent } from '../registrations/agent-import.ts'
import type { ImportReport } from '../stores/legacy/legacy-schema.ts'
import { type Command, CommandError, type Invocation, UsageError } from './command.ts'
import { counted, plainly, storeHelp, storeOptions, withStore } from './store.ts'
import { shown } from './text.ts'

export const imports: Command = {
  summary: 'Take the agents over from a database of the original mesh registry.',
  usage: 'URL [--dry-run] [--config FILE]',
  options: { ...storeOptions, 'dry-run': { type: 'boolean' } },
  help: [
    ['URL', 'Path of its SQLite file, sqlite://…, or postgres://user:password@host/name. It is only read.'],
    ['--dry-run', 'Say what would be taken over, and write nothing.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const [url, ...more] = invocation.positionals
    if (url === undefined || more.length > 0) throw new UsageError('import takes the URL or path of one database')
    const { importOriginal } = await import('../stores/legacy/legacy-import.ts')
    const { agents, report } = await plainly(() => readable(() => importOriginal(url)))
    const { out } = invocation.terminal
    tell(invocation, report)
    const { importAgents, parseImportedAgents } = await import('../registrations/agent-import.ts')
    if (invocation.values['dry-run'] === true) {
      const { requests, skipped } = parseImportedAgents(agents, anyThresholds)
      for (const each of skipped) out(lineOf(each))
      out(`nothing was written; ${counted(requests.length, 'agent')} could be taken over, ${skipped.length} left out\n`)
      return skipped.length > 0 ? 1 : 0
    }
    const { imported, existing, skipped } = await withStore(invocation, { mustExist: false }, (store, { config }) => {
      const { timeout_threshold: timeout, eviction_threshold: eviction } = config.health.agents
      return importAgents(store, agents, { timeout, eviction })
    })
    for (const each of skipped) out(lineOf(each))
    for (const id of existing) out(line(id, 'id', 'is registered here already; what is here stays'))
    const rest = existing.length > 0 ? `, ${existing.length} were here already` : ''
    out(`${counted(imported, 'agent')} taken over${rest}, ${skipped.length} left out\n`)
    if (imported > 0) out('They are pending until they send their next heartbeat.\n')
    return skipped.length > 0 ? 1 : 0
  },
}

function tell({ terminal: { out } }: Pick<Invocation, 'terminal'>, report: ImportReport): void {
  out(`found ${counted(report.agents, 'agent')} with ${counted(report.capabilities, 'capability', 'capabilities')}\n`)
  for (const { agent_id, field, problem } of report.problems) out(line(agent_id, field, problem))
  const left = Object.entries(report.not_imported).filter(([, rows]) => rows > 0)
  for (const [table, rows] of left) out(`not taken over: ${counted(rows, 'row')} of ${shown(table)}\n`)
  for (const note of report.notes) out(`note: ${note}\n`)
}

/** They fill in what an agent does not say, and keep none from being taken. */
const anyThresholds = { timeout: 60, eviction: 120 }

function lineOf({ agent_id, field, problem }: SkippedAgent): string {
  return line(agent_id, field, `${problem}; the agent was left out`)
}

function line(agent: string, field: string, problem: string): string {
  return `${shown(redactText(`${agent}: ${field}: ${problem}`))}\n`
}

/** What is wrong with the URL is said without repeating it: it may hold a password. */
async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Error && error.name !== 'Error') throw error
    throw new CommandError(redactText(error instanceof Error ? error.message : 'it cannot be read'), { cause: error })
  }
}
