import { stat } from 'node:fs/promises'
import type { Reading } from '../model/source.ts'
import { type Command, type Invocation, textOption } from './command.ts'
import { escapeControls } from './text.ts'

export const check: Command = {
  summary: 'Check config files and server files offline, without a daemon.',
  usage: '[FILE…] [--config FILE]',
  options: { config: { type: 'string', short: 'c' } },
  help: [
    ['FILE…', 'Server files, directories, globs, or config files. Default: the config and the paths of its sources.'],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG).'],
  ],
  async run(invocation) {
    const report = createReport(invocation)
    const { positionals } = invocation
    const configFile = textOption(invocation, 'config')
    if (positionals.length === 0 || configFile !== undefined) {
      const sources = await checkConfig(invocation, report, configFile)
      if (positionals.length === 0) await checkSources(invocation, report, sources)
    }
    const listings: string[] = []
    for (const file of positionals) {
      if (await isConfig(file)) await checkConfig(invocation, report, file)
      else listings.push(file)
    }
    if (listings.length > 0) await checkPaths(report, listings, { mustExist: true })
    return report.finish()
  },
}

type Report = ReturnType<typeof createReport>

/** Prints findings as they come, and counts them. */
function createReport({ terminal }: Pick<Invocation, 'terminal'>) {
  const counts = { files: 0, servers: 0, problems: 0 }
  const places = new Map<string, string>()

  function problem(...parts: readonly (string | undefined)[]): void {
    counts.problems += 1
    terminal.out(
      `${parts
        .filter((part) => part)
        .map((part) => escapeControls(part ?? ''))
        .join(': ')}\n`,
    )
  }

  function valid(place: string, text: string, servers = 0): void {
    counts.files += 1
    counts.servers += servers
    terminal.out(`${escapeControls(place)}: ${text}\n`)
  }

  /** Where a server was defined before, if it was; remembers the place otherwise. */
  function defined(id: string, place: string): string | undefined {
    const first = places.get(id)
    if (first === undefined) places.set(id, place)
    return first
  }

  function finish(): number {
    const { files, servers, problems } = counts
    const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
    terminal.out(`${count(files, 'file')}, ${count(servers, 'server')}, ${count(problems, 'problem')}\n`)
    return problems > 0 ? 1 : 0
  }

  return { problem, valid, defined, finish, note: (text: string) => terminal.out(`${escapeControls(text)}\n`) }
}

async function checkConfig({ env }: Invocation, report: Report, file: string | undefined) {
  const { loadConfig } = await import('../config/load.ts')
  const { ConfigError, describeProblem } = await import('../config/setting-origin.ts')
  try {
    const loaded = await loadConfig({ flags: { config: file }, env })
    if (loaded.file === undefined) report.note('config: no file; defaults and environment apply')
    else report.valid(loaded.file, 'good')
    for (const warning of loaded.warnings) report.note(`warning: ${warning}`)
    return loaded.config.sources
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) report.problem(describeProblem(problem))
    return []
  }
}

async function checkSources(
  { env }: Invocation,
  report: Report,
  sources: Awaited<ReturnType<typeof checkConfig>>,
): Promise<void> {
  for (const source of sources) {
    if (!source.enabled) continue
    if (source.type === 'file') await checkPaths(report, source.paths ?? [], { mustExist: false })
    if (source.type !== 'env' || !env[source.variable]) continue
    const { readDocument } = await import('../sources/documents/read.ts')
    const { SourceError } = await import('../model/source.ts')
    const origin = `environment variable ${source.variable}`
    try {
      await reportReading(report, { origin, entries: await readDocument(env[source.variable] ?? '') })
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      await reportReading(report, { origin, error })
    }
  }
}

async function checkPaths(
  report: Report,
  paths: readonly string[],
  { mustExist }: { mustExist: boolean },
): Promise<void> {
  const { createScanner } = await import('../sources/file/scanner.ts')
  const { describeIgnored, parsePathPattern } = await import('../sources/file/path-patterns.ts')
  const scanner = createScanner({
    patterns: paths.map(parsePathPattern),
    recursive: false,
    max_bytes: 256 * 1024 * 1024,
    max_total_bytes: 1024 * 1024 * 1024,
    prepare: (entries) => entries,
  })
  const { readings, missing, ignored } = await scanner.scan({ thorough: true, signal: new AbortController().signal })
  for (const place of missing) {
    if (mustExist) report.problem(place, 'no such file or directory')
    else report.note(`${place}: does not exist yet`)
  }
  for (const reading of readings.toSorted(byRankAndName)) await reportReading(report, reading)
  for (const entries of ignored) report.note(describeIgnored(entries))
}

/** By the order of the given paths, then by name: the files are read concurrently. */
function byRankAndName(a: Reading, b: Reading): number {
  return (a.rank ?? 0) - (b.rank ?? 0) || (a.origin < b.origin ? -1 : 1)
}

async function reportReading(report: Report, reading: Reading): Promise<void> {
  const { origin } = reading
  if ('error' in reading) return report.problem(origin, reading.error.where, reading.error.message)
  const { validateEntry } = await import('../registry/supervision/validate-entry.ts')
  const trust = { stdio: () => true, questionsShrinks: false }
  const validated = reading.entries.map((entry) => validateEntry(entry, origin, 'check', trust))
  const good = validated.filter((one) => 'definition' in one)
  report.valid(origin, `${good.length} ${good.length === 1 ? 'server' : 'servers'}`, good.length)
  for (const one of validated) {
    if ('rejection' in one) report.problem(origin, one.rejection.where, one.rejection.name, one.rejection.reason)
  }
  const { entryWarnings } = await import('./entry-warnings.ts')
  for (const [index, entry] of reading.entries.entries()) {
    if (!('value' in entry)) continue
    const { id } = validated[index] ?? {}
    const place = entry.where === undefined ? origin : `${origin} (${entry.where})`
    const first = id && report.defined(id, place)
    const twice = first === undefined ? [] : [`${id} is defined in ${first} already; that one wins`]
    for (const warning of [...entryWarnings(entry.value), ...twice])
      report.note(`warning: ${[origin, entry.where, warning].filter(Boolean).join(': ')}`)
  }
}

/** Whether a file is a config and not a list of servers, by its top-level keys. */
async function isConfig(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined)
  if (!stats?.isFile() || stats.size > 4 * 1024 * 1024) return false
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(file, 'utf8').catch(() => '')
  const servers = /^["']?(servers|mcpServers)["']?\s*:/m
  return /^(listen|sources|store|health|auth|cors|limits|watch|metrics|log)\s*:/m.test(text) && !servers.test(text)
}
