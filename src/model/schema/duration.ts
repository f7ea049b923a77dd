import * as z from 'zod'

const secondsPer = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds meant by `30`, `"30"`, `"30s"`, `"1m30s"` or `"500ms"`; undefined where the text is no duration. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  if (typeof value !== 'string') return undefined
  const text = value.trim()
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined
  let seconds = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    seconds += Number(amount) * secondsPer[unit as keyof typeof secondsPer]
  }
  return seconds
}

/** One for all durations: there are many of them, and each schema costs a little at start. */
const Written = z.union([z.number(), z.string()])

/** A duration: seconds as a number, or text such as `"30s"`, `"5m"`, `"1m30s"`. The parsed value is in seconds. */
export function duration({ min = 0, max = 365 * 86_400 }: { min?: number; max?: number } = {}) {
  return Written.transform((value, context) => {
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
