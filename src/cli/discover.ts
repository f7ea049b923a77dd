import { createWakeSignal } from '../flow/wake-signal.ts'
import { createLog } from '../log.ts'
import { shortId } from '../model/names.ts'
import { redactServer } from '../model/redaction/redact-server.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import type { ServerDefinition } from '../model/server.ts'
import { type Reading, type Sighting, SourceError } from '../model/source.ts'
import { type Command, CommandError, type Invocation, textOption, UsageError } from './command.ts'
import { outputFormat, outputOptions, render } from './output.ts'
import { escapeControls } from './text.ts'

/** Maximum duration of the first read of the source. */
const maxReadMs = 60_000

export const discover: Command = {
  summary: 'Read one configured source once, without a daemon, and show the result.',
  usage: 'SOURCE [--once] [--config FILE] [-o json|yaml]',
  options: { ...outputOptions, once: { type: 'boolean' }, config: { type: 'string', short: 'c' } },
  help: [
    ['SOURCE', 'Name of the source in the config.'],
    ['--once', 'Read once and exit. Always the case; accepted for clarity.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG).'],
    ['-o, --output FORM', 'text (default), json or yaml.'],
  ],
  async run(invocation) {
    const [name, ...more] = invocation.positionals
    if (name === undefined || more.length > 0) throw new UsageError('discover needs the name of exactly one source')
    const form = outputFormat(invocation, ['text', 'json', 'yaml'])
    const result = await readOnce(invocation, name)
    const origins = await Promise.all(result.readings.map((reading) => originResult(reading, name, result.stdio)))
    for (const note of result.notes) invocation.terminal.err(`${escapeControls(note)}\n`)
    invocation.terminal.out(form === 'text' ? asText(origins) : await render({ source: name, origins }, form))
    return origins.some(({ error, rejected }) => error !== undefined || rejected.length > 0) ? 1 : 0
  },
}

/** The result of one origin, redacted. */
type OriginResult = {
  readonly origin: string
  readonly servers: readonly Pick<ServerDefinition, 'namespace' | 'name' | 'type' | 'url' | 'command'>[]
  readonly rejected: readonly {
    readonly name?: string | undefined
    readonly where?: string | undefined
    readonly reason: string
  }[]
  readonly error?: string
}

async function originResult(
  reading: Reading,
  source: string,
  stdio: (namespace: string) => boolean,
): Promise<OriginResult> {
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
  const { validateEntry } = await import('../registry/supervision/validate-entry.ts')
  const validated = reading.entries.map((entry) =>
    validateEntry(entry, origin, source, { stdio, plain: stdio, questionsShrinks: false }),
  )
  return {
    origin,
    servers: validated.flatMap((one) => ('definition' in one ? [redactServer(one.definition)] : [])),
    rejected: validated.flatMap((one) => {
      if (!('rejection' in one)) return []
      const { name, where, reason } = one.rejection
      return [{ name, where, reason: redactText(reason) }]
    }),
  }
}

function asText(origins: readonly OriginResult[]): string {
  const lines = origins.flatMap(({ origin, servers, rejected, error }) => [
    error === undefined
      ? `${origin}: ${servers.length} ${servers.length === 1 ? 'server' : 'servers'}`
      : `${origin}: ${error}`,
    ...servers.map((server) => `  ${shortId(server)}  ${server.type}  ${server.url ?? server.command ?? ''}`),
    ...rejected.map(({ name, where, reason }) => `  rejected: ${[where, name, reason].filter(Boolean).join(': ')}`),
  ])
  return lines.length === 0 ? 'Nothing there.\n' : lines.map((line) => `${escapeControls(line)}\n`).join('')
}

type ReadOnce = { readonly readings: readonly Reading[]; readonly notes: readonly string[] }

/** Runs the source until its first read has ended. */
async function readOnce(
  { env, signal, values }: Invocation,
  name: string,
): Promise<ReadOnce & { stdio: (namespace: string) => boolean }> {
  const { loadConfig } = await import('../config/load.ts')
  const { kindOf, openSource } = await import('../sources/catalogue.ts')
  const { openHttpClient } = await import('../outbound/http-client.ts')
  const { config } = await loadConfig({ flags: { config: textOption({ values }, 'config') }, env })
  const source = config.sources.find((one) => one.name === name)
  if (!source) {
    const names = config.sources.map((one) => one.name).join(', ')
    throw new CommandError(`source "${name}" not found in the config; configured sources: ${names || 'none'}`)
  }
  const end = new AbortController()
  const stopped = AbortSignal.any([signal, end.signal, AbortSignal.timeout(maxReadMs)])
  const wake = createWakeSignal({ signal: stopped })
  const sightings: Sighting[] = []
  const httpClient = openHttpClient()
  try {
    wake.raise()
    const run = { signal: stopped, wake, push: (sighting: Sighting) => void sightings.push(sighting) }
    const result = await firstRead(
      openSource(source, { log: createLog({ level: 'silent' }), env, httpClient })(run),
      sightings,
    )
    const kind = kindOf(source)
    const stdio = (namespace: string) => source.allow_stdio ?? kind.mayIntroduceStdio(source, namespace)
    if (!result) throw new CommandError(`source "${name}" did not answer within ${maxReadMs / 1000} s`)
    return { ...result, stdio }
  } catch (error) {
    throw error instanceof SourceError
      ? new CommandError(`${name}: ${redactText(error.message)}`, { cause: error })
      : error
  } finally {
    end.abort()
    await httpClient.close()
  }
}

async function firstRead(stream: AsyncIterable<Sighting>, pushed: readonly Sighting[]): Promise<ReadOnce | undefined> {
  for await (const sighting of stream) {
    if (sighting.type !== 'alive') return readResultOf(sighting)
  }
  return pushed[0] && readResultOf(pushed[0])
}

function readResultOf(sighting: Sighting): ReadOnce {
  return {
    readings: sighting.type === 'alive' ? [] : sighting.readings,
    notes: sighting.note === undefined ? [] : [sighting.note],
  }
}
