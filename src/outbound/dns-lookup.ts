import type { HostLookup } from './connection-pools.ts'

/** A lookup that fails after this long was not answered, rather than answered with no. */
const slowMs = 1000
const mostRemembered = 10_000

type Callback = Parameters<HostLookup>[2]

/**
 * Looks names up, each at most once at a time, and those that last were not answered one after the other.
 *
 * The system resolves names on two threads and waits up to half a minute for a dead name server: a few such names would
 * otherwise stand in the way of all others.
 */
export function createDnsLookup({
  lookup,
  now = () => performance.now(),
}: {
  lookup: HostLookup
  now?: () => number
}): HostLookup {
  const underway = new Map<string, Callback[]>()
  /** Names that were not answered; oldest first. */
  const slow = new Set<string>()
  const line: (() => void)[] = []
  let slowUnderway = false

  function ask(key: string, hostname: string, options: Parameters<HostLookup>[1], done: () => void): void {
    const start = now()
    lookup(hostname, options, (error, addresses) => {
      // A name that was found in the end may only have waited behind others.
      note(hostname, error !== null && now() - start > slowMs)
      const callbacks = underway.get(key) ?? []
      underway.delete(key)
      done()
      for (const callback of callbacks) callback(error, addresses)
    })
  }

  function note(hostname: string, isSlow: boolean): void {
    slow.delete(hostname)
    if (isSlow) slow.add(hostname)
    const [oldest] = slow
    if (slow.size > mostRemembered && oldest !== undefined) slow.delete(oldest)
  }

  function next(): void {
    const go = line.shift()
    slowUnderway = go !== undefined
    go?.()
  }

  return (hostname, options, callback) => {
    const key = `${options.family ?? 0} ${hostname}`
    const waiting = underway.get(key)
    if (waiting) {
      waiting.push(callback)
      return
    }
    underway.set(key, [callback])
    if (!slow.has(hostname)) return ask(key, hostname, options, () => undefined)
    line.push(() => ask(key, hostname, options, next))
    if (!slowUnderway) next()
  }
}
