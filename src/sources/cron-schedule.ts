import type { Schedule } from '../flow/poll-loop.ts'

const nicknames = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'])
const months = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec'
/** Maximum number of days of each month. */
const monthDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const weekdays = 'sun|mon|tue|wed|thu|fri|sat'

/** The fields of a cron expression, as node-cron accepts them. */
const fields = [
  { name: 'second', min: 0, max: 59 },
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of the month', min: 1, max: 31, special: /^(\?|l|l-([1-9]|[12]\d|30)|(\d|[12]\d|3[01]|l)w)$/i },
  { name: 'month', min: 1, max: 12, names: months },
  { name: 'day of the week', min: 0, max: 7, names: weekdays, special: /^(\?|[0-7]l|[0-7]#[1-5])$/i },
] as const

type Field = { name: string; min: number; max: number; names?: string; special?: RegExp }

function isTerm(text: string, { min, max, names, special }: Field): boolean {
  if (special?.test(text)) return true
  const value = names ? `(?:\\d+|${names})` : String.raw`\d+`
  const parts = new RegExp(String.raw`^(?:\*|(${value})(?:-(${value}))?)(?:/(\d+))?$`, 'i').exec(text)
  if (!parts) return false
  const [, from, to, step] = parts
  if (step !== undefined && (Number(step) < 1 || (from !== undefined && to === undefined))) return false
  return [from, to].every((one) => one === undefined || !/^\d/.test(one) || (Number(one) >= min && Number(one) <= max))
}

/** The six fields of an expression; one of five fields begins with the minute and means second 0. */
function fieldsOf(expression: string): string[] {
  const terms = expression.trim().split(/\s+/)
  return terms.length === 5 ? ['0', ...terms] : terms
}

/**
 * Validates a cron expression; undefined if it is valid.
 *
 * Does not load node-cron, so that a daemon without a cron schedule does not pay for it.
 */
export function cronProblem(expression: string): string | undefined {
  const text = expression.trim().toLowerCase()
  if (text.startsWith('@')) return nicknames.has(text) ? undefined : `must be one of ${[...nicknames].join(', ')}`
  const terms = fieldsOf(text)
  if (terms.length !== 6) return 'must have 5 fields (from minutes) or 6 (from seconds)'
  for (const [index, field] of fields.entries()) {
    const term = terms[index]?.split(',').find((one) => !isTerm(one, field))
    if (term !== undefined) return `"${term}" is not a valid ${field.name} of a cron expression`
  }
  const [, , , day = '', month = ''] = terms
  return hasDate(day, month) ? undefined : `day of the month "${day}" never occurs in month "${month}"`
}

/** Whether one of the months can have one of the days. */
function hasDate(day: string, month: string): boolean {
  const lowest = Math.min(...day.split(',').map(lowestDay))
  return month.split(',').some((term) => maxDays(term) >= lowest)
}

function lowestDay(term: string): number {
  const [from = NaN, to = from] = (term.split('/')[0] ?? '').split('-').map(Number)
  return from <= to ? from : 1
}

function maxDays(term: string): number {
  const [from = '', to = from] = (term.split('/')[0] ?? '').split('-')
  // Of two consecutive months one has 31 days.
  if (from === '*' || from !== to) return 31
  return monthDays[months.split('|').indexOf(from)] ?? monthDays[Number(from) - 1] ?? 31
}

export function isTimezone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false // Intl throws for an unknown zone.
  }
}

/** An upper bound of the seconds between two ticks, without computing them. */
export function maxGapSeconds(expression: string): number {
  const text = expression.trim().toLowerCase()
  if (text === '@hourly') return 3600
  if (text.startsWith('@')) return 367 * 86_400
  const [, minute = '', hour = '', day = '', month = '', weekday = ''] = fieldsOf(text)
  if (![day, month, weekday].every((field) => field === '*' || field === '?')) return 8 * 367 * 86_400
  if (hour !== '*') return 25 * 3600
  return minute === '*' ? 60 : 3600
}

/**
 * A poll at every tick of a cron expression, delayed by a fixed random phase, so that not all daemons poll at second 0.
 *
 * Follows the wall clock: ticks skipped by a clock step or a suspend are due once, and a clock set back never makes the
 * pause longer than the schedule's own.
 */
export async function cronSchedule(
  expression: string,
  { timezone, random = Math.random }: { timezone?: string | undefined; random?: () => number } = {},
): Promise<Schedule> {
  const cron = await import('node-cron')
  const quiet = { info() {}, warn() {}, error() {}, debug() {} }
  // The task is never started, it only computes times: its own timer would log to the console and keep the process alive.
  const task = cron.createTask(expression, () => {}, { logger: quiet, unref: true, ...(timezone ? { timezone } : {}) })
  const nextTick = () => task.getNextRuns(1)[0]?.getTime() ?? Infinity
  const [one, two] = task.getNextRuns(2)
  const phase = one && two ? random() * Math.min(5000, (two.getTime() - one.getTime()) / 10) : 0

  function begin(): () => number {
    let due = nextTick() + phase
    return () => {
      due = Math.min(due, nextTick() + phase)
      return due - Date.now()
    }
  }

  return { begin }
}
