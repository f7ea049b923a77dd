import { createWakeSignal } from '../flow/wake-signal.ts'
import { createLog } from '../log.ts'
import { shortId } from '../model/names.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { redactServer } from '../model/redaction/redact.ts'
import type { ServerDefinition } from '../model/server.ts'
import { type Reading, type Sighting, SourceError } from '../model/source.ts'
import { type Command, CommandError, type Invocation, textOption, UsageError } from './command.ts'
import { formOf, outputOptions, rendered } from './output.ts'
import { shown } from './text.ts'

const patienceMs = 60_000

export const discover: Command = {
  summary: 'Look at one configured source once, and show what it sees.',
  usage: 'SOURCE [--once] [--config FILE] [-o json|yaml]',
  options: { ...outputOptions, once: { type: 'boolean' }, config: { type: 'string', short: 'c' } },
  help: [
    ['SOURCE', 'Name of the source in the config.'],
    ['--once', 'Look once and end; the only way there is, said for clarity.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG).'],
    ['-o, --output FORM', 'text (default), json or yaml.'],
  ],
  async run(invocation) {
    const [name, ...more] = invocation.positionals
    if (name === undefined || more.length > 0) throw new UsageError('discover takes the name of one source')
    const form = formOf(invocation, ['text', 'json', 'yaml'])
    const looked = await look(invocation, name)
    const origins = await Promise.all(looked.readings.map((reading) => seenIn(reading, name, looked.stdio)))
    for (const note of looked.notes) invocation.terminal.err(`${shown(note)}\n`)
    invocation.terminal.out(form === 'text' ? asText(origins) : await rendered({ source: name, origins }, form))
    return origins.some(({ error, rejected }) => error !== undefined || rejected.length > 0) ? 1 : 0
  },
}

/** What was seen at one origin, secrets taken out. */
type Seen = {
  readonly origin: string
  readonly servers: readonly Pick<ServerDefinition, 'namespace' | 'name' | 'type' | 'url' | 'command'>[]
  readonly rejected: readonly {
    readonly name?: string | undefined
    readonly where?: string | undefined
    readonly reason: string
  }[]
  readonly error?: string
}

async function seenIn(reading: Reading, source: string, stdio: (namespace: string) => boolean): Promise<Seen> {
  const origin = redactText(reading.origin)
  if ('error' in reading) {
    const { where, message } = reading.error
    return {
      origin,
      servers: [],
      rejected: [],
      error: redactText(where === undefined ? message : `${where}: ${message}`),
    }
  }
  const { validateEntry: examine } = await import('../registry/supervision/validate-entry.ts')
  const examined = reading.entries.map((entry) => examine(entry, origin, source, { stdio, questionsShrinks: false }))
  return {
    origin,
    servers: examined.flatMap((one) => ('definition' in one ? [redactServer(one.definition)] : [])),
    rejected: examined.flatMap((one) => {
      if (!('rejection' in one)) return []
      const { name, where, reason } = one.rejection
      return [{ name, where, reason: redactText(reason) }]
    }),
  }
}

function asText(origins: readonly Seen[]): string {
  const lines = origins.flatMap(({ origin, servers, rejected, error }) => [
    error === undefined
      ? `${origin}: ${servers.length} ${servers.length === 1 ? 'server' : 'servers'}`
      : `${origin}: ${error}`,
    ...servers.map((server) => `  ${shortId(server)}  ${server.type}  ${server.url ?? server.command ?? ''}`),
    ...rejected.map(({ name, where, reason }) => `  turned away: ${[where, name, reason].filter(Boolean).join(': ')}`),
  ])
  return lines.length === 0 ? 'Nothing there.\n' : lines.map((line) => `${shown(line)}\n`).join('')
}

type Looked = { readonly readings: readonly Reading[]; readonly notes: readonly string[] }

/** Runs the source until it has said what it sees. */
async function look(
  { env, signal, values }: Invocation,
  name: string,
): Promise<Looked & { stdio: (namespace: string) => boolean }> {
  const { loadConfig } = await import('../config/load.ts')
  const { kindOf, openSource } = await import('../sources/catalogue.ts')
  const { openHttpClient: openDoor } = await import('../outbound/http-client.ts')
  const { config } = await loadConfig({ flags: { config: textOption({ values }, 'config') }, env })
  const source = config.sources.find((one) => one.name === name)
  if (!source) {
    const names = config.sources.map((one) => one.name).join(', ')
    throw new CommandError(`there is no source "${name}" in the config; there are ${names || 'none'}`)
  }
  const end = new AbortController()
  const over = AbortSignal.any([signal, end.signal, AbortSignal.timeout(patienceMs)])
  const wake = createWakeSignal({ signal: over })
  const told: Sighting[] = []
  const door = openDoor()
  try {
    wake.raise()
    const run = { signal: over, wake, push: (sighting: Sighting) => void told.push(sighting) }
    const looked = await firstLook(openSource(source, { log: createLog({ level: 'silent' }), env, door })(run), told)
    const kind = kindOf(source)
    const stdio = (namespace: string) => source.allow_stdio ?? kind.mayIntroduceStdio(source, namespace)
    if (!looked) throw new CommandError(`the source "${name}" said nothing within ${patienceMs / 1000} seconds`)
    return { ...looked, stdio }
  } catch (error) {
    throw error instanceof SourceError
      ? new CommandError(`${name}: ${redactText(error.message)}`, { cause: error })
      : error
  } finally {
    end.abort()
    await door.close()
  }
}

async function firstLook(sightings: AsyncIterable<Sighting>, told: readonly Sighting[]): Promise<Looked | undefined> {
  for await (const sighting of sightings) {
    if (sighting.type !== 'alive') return lookedOf(sighting)
  }
  return told[0] && lookedOf(told[0])
}

function lookedOf(sighting: Sighting): Looked {
  return {
    readings: sighting.type === 'alive' ? [] : sighting.readings,
    notes: sighting.note === undefined ? [] : [sighting.note],
  }
}
