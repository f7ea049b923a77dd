import { LRUCache } from 'lru-cache'

/** Invalid tokens of one address that are answered at once. */
const burst = 10
/** Pause between two answers to invalid tokens of one address after that. */
const stepMs = 200
/** Waiting answers of one address beyond which its unknown tokens are not even compared. */
const maxDelayMs = 5000
/** Maximum addresses that are tracked. */
const maxAddresses = 10_000

/**
 * Makes guessing a token slow: the answers to invalid ones come at a limited pace for each address.
 *
 * Only invalid tokens cost time, so that other clients of the same address are not affected until it floods.
 */
export function createGuessLimiter({ now = () => performance.now() }: { now?: () => number } = {}) {
  // Made with the first invalid token: it takes its memory at once.
  let dueTimes: LRUCache<string, number> | undefined

  /** Seconds after which a token of the address is compared again; undefined where it is now. */
  function blockedSeconds(address: string): number | undefined {
    const delay = (dueTimes?.get(address) ?? -Infinity) - now()
    return delay > maxDelayMs ? Math.ceil((delay - maxDelayMs) / 1000) : undefined
  }

  /** Counts an invalid token; returns the time to wait before it is answered. */
  function recordFailure(address: string): number {
    dueTimes ??= new LRUCache({ max: maxAddresses })
    const at = now()
    const due = Math.max(dueTimes.get(address) ?? -Infinity, at - burst * stepMs) + stepMs
    dueTimes.set(address, due)
    return Math.max(0, due - at)
  }

  return { blockedSeconds, recordFailure }
}
