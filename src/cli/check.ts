import { stat } from 'node:fs/promises'
import type { Reading } from '../model/source.ts'
import { type Command, type Invocation, textOption } from './command.ts'
import { shown } from './text.ts'

export const check: Command = {
  summary: 'Check the config and the files with servers, without a daemon or a network.',
  usage: '[FILE…] [--config FILE]',
  options: { config: { type: 'string', short: 'c' } },
  help: [
    [
      'FILE…',
      'Files, directories or globs with servers, or config files. Default: the config and what its sources name.',
    ],
    ['-c, --config FILE', 'The config file (MCP_ROSTER_CONFIG).'],
  ],
  async run(invocation) {
    const report = createReport(invocation)
    const { positionals } = invocation
    const asked = textOption(invocation, 'config')
    if (positionals.length === 0 || asked !== undefined) {
      const sources = await checkConfig(invocation, report, asked)
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

/** Says what was found as it comes, and counts it. */
function createReport({ terminal }: Pick<Invocation, 'terminal'>) {
  const counts = { files: 0, servers: 0, problems: 0 }

  function problem(...parts: readonly (string | undefined)[]): void {
    counts.problems += 1
    terminal.out(
      `${parts
        .filter((part) => part)
        .map((part) => shown(part ?? ''))
        .join(': ')}\n`,
    )
  }

  function good(what: string, text: string, servers = 0): void {
    counts.files += 1
    counts.servers += servers
    terminal.out(`${shown(what)}: ${text}\n`)
  }

  function finish(): number {
    const { files, servers, problems } = counts
    const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`
    terminal.out(`${count(files, 'file')}, ${count(servers, 'server')}, ${count(problems, 'problem')}\n`)
    return problems > 0 ? 1 : 0
  }

  return { problem, good, finish, note: (text: string) => terminal.out(`${shown(text)}\n`) }
}

async function checkConfig({ env }: Invocation, report: Report, file: string | undefined) {
  const { loadConfig } = await import('../config/load.ts')
  const { ConfigError, describeProblem } = await import('../config/setting-origin.ts')
  try {
    const loaded = await loadConfig({ flags: { config: file }, env })
    if (loaded.file === undefined) report.note('config: no file, the defaults and the environment')
    else report.good(loaded.file, 'good')
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
  const { parsePathPattern } = await import('../sources/file/path-patterns.ts')
  const scanner = createScanner({
    patterns: paths.map(parsePathPattern),
    recursive: false,
    max_bytes: 256 * 1024 * 1024,
    max_total_bytes: 1024 * 1024 * 1024,
    prepare: (entries) => entries,
  })
  const { readings, missing } = await scanner.scan({ thorough: true, signal: new AbortController().signal })
  for (const place of missing) {
    if (mustExist) report.problem(place, 'there is no such file')
    else report.note(`${place}: not there (yet)`)
  }
  for (const reading of readings.toSorted(asNamed)) await reportReading(report, reading)
}

/** In the order of the paths, and of the names below one: they are read side by side. */
function asNamed(a: Reading, b: Reading): number {
  return (a.rank ?? 0) - (b.rank ?? 0) || (a.origin < b.origin ? -1 : 1)
}

async function reportReading(report: Report, reading: Reading): Promise<void> {
  const { origin } = reading
  if ('error' in reading) return report.problem(origin, reading.error.where, reading.error.message)
  const { validateEntry: examine } = await import('../registry/supervision/validate-entry.ts')
  const trust = { stdio: () => true, questionsShrinks: false }
  const examined = reading.entries.map((entry) => examine(entry, origin, 'check', trust))
  const good = examined.filter((one) => 'definition' in one)
  report.good(origin, `${good.length} ${good.length === 1 ? 'server' : 'servers'}`, good.length)
  for (const one of examined) {
    if ('rejection' in one) report.problem(origin, one.rejection.where, one.rejection.name, one.rejection.reason)
  }
  const { strangersIn } = await import('./strangers.ts')
  for (const entry of reading.entries) {
    if (!('value' in entry)) continue
    for (const stranger of strangersIn(entry.value))
      report.note(`warning: ${[origin, entry.where, stranger].filter(Boolean).join(': ')}`)
  }
}

/** Whether a file is a config rather than a list of servers, by the names at its left margin. */
async function isConfig(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined)
  if (!stats?.isFile() || stats.size > 4 * 1024 * 1024) return false
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(file, 'utf8').catch(() => '')
  const servers = /^["']?(servers|mcpServers)["']?\s*:/m
  return /^(listen|sources|store|health|auth|cors|limits|watch|metrics|log)\s*:/m.test(text) && !servers.test(text)
}
