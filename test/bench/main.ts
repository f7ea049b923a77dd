/**
 * Measures the daemon against bare peers in the same run: `npm run bench -- [PATTERN] [--seconds N] [--json FILE]`.
 *
 * Only ratios and goals count; the absolute figures are those of the machine it ran on, at that hour.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { openBench } from './bench.ts'
import type { Measured, Row } from './row.ts'
import { files } from './rows/files.ts'
import { lists } from './rows/lists.ts'
import { start } from './rows/start.ts'

const rows: readonly Row[] = [...start, ...lists, ...files]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '3' }, json: { type: 'string' } },
})
const chosen = rows.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)))

execFileSync(process.execPath, ['config/build.ts'], { stdio: 'inherit' })
const results: (Measured & { name: string; goal: string; reached: boolean | undefined })[] = []
for (const { name, goal, reaches, measure } of chosen) {
  await using bench = openBench({ seconds: Number(values.seconds) })
  process.stderr.write(`${name} …\n`)
  const measured = await measure(bench)
  results.push({ name, goal, ...measured, reached: reaches?.(measured.value) })
}

process.stdout.write(table())
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    JSON.stringify({ at: new Date().toISOString(), node: process.version, cpu: cpus()[0]?.model, results }, null, 2),
  )
}

function table(): string {
  const lines = results.map(({ name, goal, value, unit, reached, detail }) => {
    const shown = unit === 'ratio' ? value.toFixed(2) : `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
    const details = Object.entries(detail).map(([key, figure]) => `${key} ${figure}`)
    return `| ${name} | ${goal} | ${shown}${reached === false ? ' ✗' : ''} | ${details.join(', ')} |`
  })
  return ['| work | goal | measured | detail |', '|---|---|---|---|', ...lines, ''].join('\n')
}
