import * as z from 'zod'

const secondsPer = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds of `30`, `"30"`, `"30s"`, `"1m30s"` or `"500ms"`; undefined for an invalid duration. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined
  let seconds = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/gy)) {
    seconds += Number(amount) * secondsPer[unit as keyof typeof secondsPer]
  }
  return seconds
}

/** Shared by all durations, because each schema adds to the start-up time. */
const DurationInput = z.union([z.number(), z.string()])

/** A duration: seconds as a number, or text such as `"30s"`, `"5m"`, `"1m30s"`. The parsed value is in seconds. */
export function duration({ min = 0, max = 365 * 86_400 }: { min?: number; max?: number } = {}) {
  return DurationInput.transform((value, context) => {
    const seconds = parseDuration(value)
    if (seconds !== undefined && seconds >= min && seconds <= max) return seconds
    context.addIssue({ code: 'custom', message: problemOf(seconds, min, max) })
    return z.NEVER
  })
}

function problemOf(seconds: number | undefined, min: number, max: number): string {
  if (seconds === undefined) return 'must be seconds, or text such as "30s" or "5m"'
  return seconds < min ? `must be at least ${min} seconds` : `must be at most ${max} seconds`
}
