import { readFileSync, writeFileSync } from 'node:fs'
import { rounded } from './figures.ts'
import type { Interval, Measured, Row, Skipped, Unit } from './row.ts'

/** Result of a row. `failed`: it could not be measured, although it should have been. */
export type Result = {
  readonly name: string
  readonly goal: string
  readonly reached?: Verdict | undefined
} & (Measured | Skipped | { readonly failed: string })

export type Verdict = boolean | 'undecided'

/** One run, as written to a file. */
export type Report = { readonly at: string; readonly node: string; readonly cpu: string; readonly results: Result[] }

/** Event-loop stalls above this are long, in ms. */
const longStallMs = 20

/** How far the worse end of an interval may miss a goal. */
const tolerance = 0.03

/** Whether a row reaches its goal; undefined where the goal has no number. */
export function isReached({ value, stallMs, interval }: Measured, reaches: Row['reaches']): Verdict | undefined {
  if (stallMs !== undefined && stallMs > longStallMs) return false
  if (interval && reaches) return verdictOn(interval, reaches)
  return reaches?.(value) ?? (stallMs === undefined ? undefined : true)
}

/** Reached where both ends are, within the tolerance; missed where neither end is; else the pairs differ too much to say. */
function verdictOn({ low, high }: Interval, reaches: (value: number) => boolean): Verdict {
  const isWithin = [tolerance, -tolerance].some((by) => reaches(low + by) && reaches(high + by))
  if (isWithin) return true
  return reaches(low) || reaches(high) ? 'undecided' : false
}

/** The table of a run, without the detailed figures. */
export function tableOf(results: readonly Result[], { short = false } = {}): string {
  const lines = results.map((result) => {
    const cells = [result.name, result.goal, valueOf(result)]
    return line(short ? cells : [...cells, detailOf(result)])
  })
  const head = ['work', 'goal', 'measured', ...(short ? [] : ['detail'])]
  return [line(head), line(head.map(() => '---')), ...lines, ''].join('\n')
}

/** Two runs side by side with the change of each row. */
export function comparisonOf(before: Report, after: Report): string {
  const was = new Map(before.results.map((result) => [result.name, result]))
  const lines = after.results.map((result) => {
    const old = was.get(result.name)
    return line([result.name, result.goal, old ? valueOf(old) : '–', valueOf(result), changeOf(old, result)])
  })
  const head = ['work', 'goal', before.at, after.at, 'change']
  return [line(head), line(head.map(() => '---')), ...lines, ''].join('\n')
}

const markers = ['<!-- bench: written by npm run bench -- --readme -->', '<!-- /bench -->'] as const

/** Replaces the text between the two markers of a page; throws where they are missing. */
export function writeInto(path: string, { results, at, cpu, node }: Report): void {
  const page = readFileSync(path, 'utf8')
  const [from, to] = [page.indexOf(markers[0]), page.indexOf(markers[1])]
  if (from < 0 || to < from) throw new Error(`${path} lacks the markers of the table: ${markers.join(' … ')}`)
  const footer = `Measured ${at.slice(0, 10)} on ${cpu}, Node ${node}, client and daemon sharing the machine.`
  const text = `${markers[0]}\n\n${tableOf(results, { short: true })}\n${footer}\n\n`
  writeFileSync(path, page.slice(0, from) + text + page.slice(to))
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function valueOf(result: Result): string {
  if ('failed' in result) return 'failed ✗'
  if ('skipped' in result) return 'skipped'
  const stall = result.stallMs === undefined ? '' : `, stall ${rounded(result.stallMs)} ms`
  const interval = result.interval
    ? ` (${shown(result.interval.low, result.unit)}–${shown(result.interval.high, result.unit)})`
    : ''
  return `${shown(result.value, result.unit)}${interval}${stall}${marks.get(result.reached) ?? ''}`
}

const marks = new Map<Verdict | undefined, string>([
  [false, ' ✗'],
  ['undecided', ' ?'],
])

function shown(value: number, unit: Unit): string {
  if (unit === 'ratio') return value.toFixed(2)
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
}

function detailOf(result: Result): string {
  if ('failed' in result) return result.failed
  if ('skipped' in result) return result.skipped
  return Object.entries(result.detail)
    .map(([key, figure]) => `${key} ${figure}`)
    .join(', ')
}

function changeOf(before: Result | undefined, after: Result): string {
  if (!before || !('value' in before) || !('value' in after) || before.value === 0) return '–'
  const percent = (after.value / before.value - 1) * 100
  return `${percent > 0 ? '+' : ''}${percent.toFixed(0)} %`
}
