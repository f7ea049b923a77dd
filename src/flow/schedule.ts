import type { Schedule } from './poll-loop.ts'

const nicknames = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'])
const months = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec'
/** How many days each of them may have. */
const lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const days = 'sun|mon|tue|wed|thu|fri|sat'

/** The fields of a cron expression, as node-cron takes them. */
const fields = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31, also: /^(\?|l|l-([1-9]|[12]\d|30)|(\d|[12]\d|3[01]|l)w)$/i },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of the week', min: 0, max: 7, names: days, also: /^(\?|[0-7]l|[0-7]#[1-5])$/i },
] as const

type Field = { name: string; min: number; max: number; names?: string; also?: RegExp }

function isTerm(text: string, { min, max, names, also }: Field): boolean {
  if (also?.test(text)) return true
  const value = names ? `(?:\\d+|${names})` : String.raw`\d+`
  const parts = new RegExp(String.raw`^(?:\*|(${value})(?:-(${value}))?)(?:/(\d+))?$`, 'i').exec(text)
  if (!parts) return false
  const [, from, to, step] = parts
  if (step !== undefined && (Number(step) < 1 || (from !== undefined && to === undefined))) return false
  return [from, to].every((one) => one === undefined || !/^\d/.test(one) || (Number(one) >= min && Number(one) <= max))
}

/** The five or six fields of an expression; five begin with the minute, and mean second 0. */
function fieldsOf(expression: string): string[] {
  const given = expression.trim().split(/\s+/)
  return given.length === 5 ? ['0', ...given] : given
}

/**
 * What is wrong with a cron expression; undefined if nothing is.
 *
 * Checks without loading node-cron, so that a daemon that has no schedule does not pay for it.
 */
export function scheduleProblem(expression: string): string | undefined {
  const text = expression.trim().toLowerCase()
  if (text.startsWith('@')) return nicknames.has(text) ? undefined : `must be one of ${[...nicknames].join(', ')}`
  const given = fieldsOf(text)
  if (given.length !== 6) return 'must have 5 fields (from minutes) or 6 (from seconds)'
  for (const [index, field] of fields.entries()) {
    const term = given[index]?.split(',').find((one) => !isTerm(one, field))
    if (term !== undefined) return `"${term}" is no ${field.name} of a cron expression`
  }
  const [, , , day = '', month = ''] = given
  return isInSome(day, month) ? undefined : `"${day}" is no day of the month "${month}" of a cron expression`
}

/** Whether one of the months may have one of the days. */
function isInSome(day: string, month: string): boolean {
  const lowest = Math.min(...day.split(',').map(lowestDay))
  return month.split(',').some((term) => mostDays(term) >= lowest)
}

function lowestDay(term: string): number {
  const [from = NaN, to = from] = (term.split('/')[0] ?? '').split('-').map(Number)
  return from <= to ? from : 1
}

function mostDays(term: string): number {
  const [from = '', to = from] = (term.split('/')[0] ?? '').split('-')
  // Of two months that follow each other one is long.
  if (from === '*' || from !== to) return 31
  return lengths[months.split('|').indexOf(from)] ?? lengths[Number(from) - 1] ?? 31
}

export function isTimezone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false // that is how Intl says no
  }
}

/** An upper bound of the seconds between two ticks, without working them out. */
export function longestGap(expression: string): number {
  const text = expression.trim().toLowerCase()
  if (text === '@hourly') return 3600
  if (text.startsWith('@')) return 367 * 86_400
  const [, minute = '', hour = '', day = '', month = '', weekday = ''] = fieldsOf(text)
  if (![day, month, weekday].every((field) => field === '*' || field === '?')) return 8 * 367 * 86_400
  if (hour !== '*') return 25 * 3600
  return minute === '*' ? 60 : 3600
}

/**
 * A look at every tick of a cron expression, each a little later by the same random phase, so that not everybody
 * looks at second 0.
 *
 * Follows the wall clock: a tick that a clock step or a sleeping machine jumped over is due once, a clock set back never
 * makes the pause longer than the schedule's own.
 */
export async function atSchedule(
  expression: string,
  { timezone, random = Math.random }: { timezone?: string | undefined; random?: () => number } = {},
): Promise<Schedule> {
  const cron = await import('node-cron')
  const quiet = { info() {}, warn() {}, error() {}, debug() {} }
  // The task is never started: it only works out times. Its own timer would log to the console and hold the process.
  const task = cron.createTask(expression, () => {}, { logger: quiet, unref: true, ...(timezone ? { timezone } : {}) })
  const following = () => task.getNextRuns(1)[0]?.getTime() ?? Infinity
  const [one, two] = task.getNextRuns(2)
  const phase = one && two ? random() * Math.min(5000, (two.getTime() - one.getTime()) / 10) : 0

  function begin(): () => number {
    let due = following() + phase
    return () => {
      due = Math.min(due, following() + phase)
      return due - Date.now()
    }
  }

  return { begin }
}
