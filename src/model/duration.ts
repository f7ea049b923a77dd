import { z } from 'zod'

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

/** A duration: seconds as a number, or text such as `"30s"`, `"5m"`, `"1m30s"`. The parsed value is in seconds. */
export function duration({ min = 0, max = 365 * 86_400 }: { min?: number; max?: number } = {}) {
  return z
    .union([z.number(), z.string()])
    .refine((value) => parseDuration(value) !== undefined, 'must be seconds, or text such as "30s" or "5m"')
    .refine((value) => (parseDuration(value) ?? min) >= min, `must be at least ${min} seconds`)
    .refine((value) => (parseDuration(value) ?? max) <= max, `must be at most ${max} seconds`)
    .transform((value) => parseDuration(value) ?? min)
}
