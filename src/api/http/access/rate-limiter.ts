import type { Rate } from '../../config/auth.ts'

/** So many askers are remembered; of more, those are forgotten that asked longest ago. */
const most = 10_000

/**
 * Keeps each asker to its rate; says how many seconds to wait where one comes too soon.
 *
 * One number per asker: when its next request would be due if all were evenly spaced (GCRA).
 */
export function createRateLimiter({ now = () => performance.now() }: { now?: () => number } = {}) {
  const due = new Map<string, number>()

  return function wait(asker: string, { requests_per_second, burst }: Rate): number | undefined {
    const at = now()
    const step = 1000 / requests_per_second
    const next = Math.max(due.get(asker) ?? 0, at)
    const early = next - at - step * ((burst ?? Math.max(1, Math.ceil(requests_per_second))) - 1)
    if (early > 0) return Math.max(1, Math.ceil(early / 1000))
    due.delete(asker)
    due.set(asker, next + step)
    const [oldest] = due.size > most ? due.keys() : []
    if (oldest !== undefined) due.delete(oldest)
    return undefined
  }
}
