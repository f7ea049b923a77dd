/**
 * Measures the built daemon against bare peers in the same run.
 *
 *   npm run bench -- [PATTERN…] [--seconds N] [--long] [--curves] [--json FILE] [--readme] [--bin FILE]
 *   npm run bench -- --compare BEFORE.json AFTER.json
 *
 * Only ratios and goals count; absolute figures hold for this machine at this hour.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { openBench } from './bench.ts'
import { comparisonOf, isReached, type Report, type Result, tableOf, writeInto } from './report.ts'
import type { Row } from './row.ts'
import { agents } from './rows/agents.ts'
import { curves } from './rows/curves.ts'
import { dashboardRows } from './rows/dashboard.ts'
import { durable } from './rows/durable.ts'
import { files } from './rows/files.ts'
import { filters } from './rows/filters.ts'
import { fleetRows } from './rows/fleet.ts'
import { heartbeats } from './rows/heartbeats.ts'
import { kubernetes } from './rows/kubernetes.ts'
import { lists } from './rows/lists.ts'
import { memory } from './rows/memory.ts'
import { mesh } from './rows/mesh.ts'
import { pulled } from './rows/pulled.ts'
import { start } from './rows/start.ts'
import { watch } from './rows/watch.ts'

const goals: readonly Row[] = [
  ...start,
  ...lists,
  ...filters,
  ...durable,
  ...heartbeats,
  ...agents,
  ...mesh,
  ...watch,
  ...files,
  ...kubernetes,
  ...pulled,
  ...memory,
  ...fleetRows,
  ...dashboardRows,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    long: { type: 'boolean', default: false },
    curves: { type: 'boolean', default: false },
    json: { type: 'string' },
    readme: { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
    bin: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
if (!(seconds >= 1 && seconds <= 600)) throw new Error('--seconds must be a number from 1 to 600')

// A signal ends the child processes too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

if (values.compare) compare()
else if (values.list) process.stdout.write([...goals, ...curves].map(({ name }) => `${name}\n`).join(''))
else await runAll()

async function runAll(): Promise<void> {
  const rows = values.curves ? curves : goals
  const chosen = rows.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
  if (chosen.length === 0) throw new Error(`no row is called ${positionals.join(' or ')}; see --list`)
  if (values.bin === undefined) execFileSync(process.execPath, ['config/build.ts'], { stdio: 'inherit' })
  const results: Result[] = []
  for (const row of chosen) results.push(await resultOf(row))
  process.stdout.write(tableOf(results))
  const report: Report = {
    at: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? '',
    results,
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(report, null, 2))
  if (values.readme) writeInto('README.md', report)
  if (results.some((result) => 'failed' in result)) process.exitCode = 1
}

/** Measures one row. A row that cannot be measured fails the run at its end; the other rows are measured. */
async function resultOf({ name, goal, reaches, measure }: Row): Promise<Result> {
  process.stderr.write(`${name} … `)
  const begun = performance.now()
  try {
    await using bench = openBench({ bin: values.bin ?? 'dist/main.js', seconds, long: values.long })
    const found = await measure(bench)
    if (!('value' in found)) return { name, goal, ...found }
    if (!Number.isFinite(found.value)) throw new Error(`measured ${found.value}`)
    return { name, goal, ...found, reached: isReached(found, reaches) }
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.stack : String(error)}\n`)
    return { name, goal, failed: error instanceof Error ? error.message : String(error) }
  } finally {
    process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0)} s\n`)
  }
}

function compare(): void {
  const [before, after] = positionals.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Report)
  if (!before || !after) throw new Error('--compare needs two files that --json wrote')
  process.stdout.write(comparisonOf(before, after))
}
