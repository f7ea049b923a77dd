import { LRUCache } from 'lru-cache'
import type { Rate } from '../../config/auth.ts'

/** Maximum clients whose rate is tracked. */
const maxClients = 10_000

/**
 * Keeps each client to its rate; returns how many seconds a client that exceeds it has to wait.
 *
 * GCRA: one number per client, the time at which its next request would be due if all were evenly spaced.
 */
export function createRateLimiter({ now = () => performance.now() }: { now?: () => number } = {}) {
  // Made with the first limited request: it takes its memory at once.
  let dueTimes: LRUCache<string, number> | undefined

  return function wait(client: string, { requests_per_second, burst }: Rate): number | undefined {
    dueTimes ??= new LRUCache({ max: maxClients })
    const at = now()
    const step = 1000 / requests_per_second
    const due = Math.max(dueTimes.get(client) ?? 0, at)
    const early = due - at - step * ((burst ?? Math.max(1, Math.ceil(requests_per_second))) - 1)
    if (early > 0) return Math.max(1, Math.ceil(early / 1000))
    dueTimes.set(client, due + step)
    return undefined
  }
}
