/** Resolves a host name to addresses, with the signature of `dns.lookup`. */
export type HostLookup = (
  hostname: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void

/** A lookup that fails after this long failed for lack of a response, not because the name does not exist. */
const slowLookupMs = 1000
const maxSlowNames = 10_000

type LookupCallback = Parameters<HostLookup>[2]

/**
 * Coalesces concurrent lookups of one name, and serializes lookups of names that got no response last time.
 *
 * The system resolver has few threads and waits up to 30 s for a dead name server: a few such names would block the lookups
 * of all others.
 */
export function createDnsLookup({
  lookup,
  now = () => performance.now(),
}: {
  lookup: HostLookup
  now?: () => number
}): HostLookup {
  const inFlight = new Map<string, LookupCallback[]>()
  /** Names whose last lookup got no response; oldest first. */
  const slowNames = new Set<string>()
  const slowQueue: (() => void)[] = []
  let isSlowLookupRunning = false

  function resolve(key: string, hostname: string, options: Parameters<HostLookup>[1], done: () => void): void {
    const start = now()
    lookup(hostname, options, (error, addresses) => {
      // A late success is not slow: it may have queued behind other lookups.
      recordSpeed(hostname, error !== null && now() - start > slowLookupMs)
      const callbacks = inFlight.get(key) ?? []
      inFlight.delete(key)
      done()
      for (const callback of callbacks) callback(error, addresses)
    })
  }

  function recordSpeed(hostname: string, isSlow: boolean): void {
    slowNames.delete(hostname)
    if (isSlow) slowNames.add(hostname)
    const [oldest] = slowNames
    if (slowNames.size > maxSlowNames && oldest !== undefined) slowNames.delete(oldest)
  }

  function runNextSlow(): void {
    const run = slowQueue.shift()
    isSlowLookupRunning = run !== undefined
    run?.()
  }

  return (hostname, options, callback) => {
    const key = `${options.family ?? 0} ${hostname}`
    const callbacks = inFlight.get(key)
    if (callbacks) {
      callbacks.push(callback)
      return
    }
    inFlight.set(key, [callback])
    if (!slowNames.has(hostname)) return resolve(key, hostname, options, () => undefined)
    slowQueue.push(() => resolve(key, hostname, options, runNextSlow))
    if (!isSlowLookupRunning) runNextSlow()
  }
}
