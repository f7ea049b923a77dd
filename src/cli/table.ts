import type { Status } from '../model/health.ts'
import { shortId } from '../model/names.ts'
import type { Server } from '../model/server.ts'
import type { Terminal } from './command.ts'
import { ageOf, truncate, padEnd, escapeControls, widthOf } from './text.ts'

type Column = {
  readonly title: string
  readonly of: (server: Server) => string
  /** Truncated first when a line exceeds the terminal. */
  readonly flexible?: boolean
}

const marks: Readonly<Record<Status, string>> = {
  healthy: '\u001B[32m●',
  degraded: '\u001B[33m◐',
  pending: '\u001B[36m○',
  unhealthy: '\u001B[31m✖',
  offline: '\u001B[31m✖',
  unknown: '\u001B[2m·',
}
const dim = '\u001B[2m'
const plain = '\u001B[0m'

/** An aligned table of servers; on a terminal in colour and no wider than it. */
export function serverTable(
  servers: readonly Server[],
  { terminal, wide, now }: { terminal: Pick<Terminal, 'tty' | 'colour' | 'columns'>; wide: boolean; now: number },
): string {
  const columns = wide ? [...defaultColumns(now), ...wideColumns(now)] : defaultColumns(now)
  const cells = servers.map((server) => columns.map((column) => escapeControls(column.of(server))))
  const titles = columns.map(({ title }) => title)
  const widths = fitWidths(columns, [titles, ...cells], terminal.columns)
  const lines = cells.map((row, index) => {
    const { status, enabled } = servers[index] ?? { status: 'unknown', enabled: true }
    const line = row.map((cell, at) => alignCell(cell, widths[at] ?? 0, at === row.length - 1))
    if (terminal.colour) line[1] = colourCell(line[1] ?? '', enabled ? status : 'unknown')
    return line.join('  ')
  })
  const heading = titles.map((title, at) => alignCell(title, widths[at] ?? 0, at === titles.length - 1)).join('  ')
  return `${[terminal.colour ? `${dim}${heading}${plain}` : heading, ...lines].join('\n')}\n`
}

/** One event as a line: type, server, current status, address. */
export function eventLine(
  type: 'ADDED' | 'MODIFIED' | 'DELETED',
  server: Server,
  { colour }: Pick<Terminal, 'colour'>,
): string {
  const isDeleted = type === 'DELETED'
  const status = isDeleted ? '- gone' : escapeControls(statusOf(server))
  const cells = [padEnd(type, 8), padEnd(escapeControls(shortId(server)), 32), padEnd(status, 11)]
  if (colour && !isDeleted) cells[2] = colourCell(cells[2] ?? '', server.enabled ? server.status : 'unknown')
  return [...cells, padEnd(server.type, 5), escapeControls(addressOf(server))].join('  ').trimEnd()
}

function colourCell(cell: string, status: Status): string {
  const mark = marks[status]
  return `${mark.slice(0, -1)}${cell}${plain}`
}

const defaultColumns = (now: number): readonly Column[] => [
  { title: 'NAME', of: (server) => shortId(server), flexible: true },
  { title: 'STATUS', of: statusOf },
  { title: 'TYPE', of: ({ type }) => type },
  { title: 'ADDRESS', of: addressOf, flexible: true },
  { title: 'SOURCE', of: ({ source, stale }) => (stale ? `${source} (stale)` : source) },
  { title: 'AGE', of: ({ created_at }) => ageOf(created_at, now) },
]

const wideColumns = (now: number): readonly Column[] => [
  { title: 'SINCE', of: ({ health }) => ageOf(health.since, now) },
  { title: 'REASON', of: ({ health }) => health.reason ?? '-' },
  { title: 'VERSION', of: ({ version }) => version ?? '-' },
  { title: 'CAPABILITIES', of: ({ capabilities }) => String(capabilities.length) },
  { title: 'TAGS', of: ({ tags }) => tags.join(',') || '-', flexible: true },
  { title: 'ORIGIN', of: ({ origin }) => origin, flexible: true },
]

function statusOf({ status, enabled }: Server): string {
  return `${marks[enabled ? status : 'unknown'].slice(-1)} ${enabled ? status : 'disabled'}`
}

/** Where clients reach a server: its URL or its command line. */
export function addressOf({ url, command, args }: Server): string {
  return url ?? [command, ...(args ?? [])].join(' ')
}

function alignCell(cell: string, width: number, last: boolean): string {
  const fits = truncate(cell, width)
  return last ? fits : padEnd(fits, width)
}

/** Column widths by content; excess over the terminal's width is taken from flexible columns, the widest first. */
function fitWidths(columns: readonly Column[], rows: readonly (readonly string[])[], maxWidth: number): number[] {
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => widthOf(row[at] ?? ''))))
  let over = widths.reduce((sum, width) => sum + width + 2, -2) - maxWidth
  while (over > 0 && Number.isFinite(maxWidth)) {
    const [widest] = columns
      .map(({ flexible }, at) => ({ at, width: flexible ? (widths[at] ?? 0) : 0 }))
      .toSorted((a, b) => b.width - a.width)
    if (!widest || widest.width <= 12) break
    widths[widest.at] = widest.width - 1
    over -= 1
  }
  return widths
}
