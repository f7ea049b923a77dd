/** Resolves a host name to addresses, with the signature of `dns.lookup`. */
export type HostLookup = (
  hostname: string,
  options: { readonly all: true; readonly family?: number; readonly hints?: number },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string; readonly family: number }[],
  ) => void,
) => void

/** A lookup that takes longer is stuck; one that fails after this long got no response. */
const slowLookupMs = 1000
const maxNames = 20_000
/** No probe and no connection waits longer for its address. */
const maxWaitMs = 10_000
/** Libuv runs lookups on half of its threads. */
const systemThreads = Math.ceil(Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) / 2)

type LookupCallback = Parameters<HostLookup>[2]
type Request = { readonly key: string; readonly hostname: string; readonly options: Parameters<HostLookup>[1] }

/**
 * Looks names up with the system's resolver, so that names without a response do not hold up those of others.
 *
 * That resolver has two threads here, and waits 20 s for a dead name server: of 1,000 healthy servers beside 500 dead names none was
 * found within minutes. So a new name passes only if a name server answers for it, which costs no thread to find out; any other fails
 * at once, and is tried in the background, one at a time: it may stand in a file of hosts. Concurrent lookups of a name are one.
 */
export function createDnsLookup({
  lookup,
  isAnswered,
  maxRunning = systemThreads,
  now = () => performance.now(),
}: {
  lookup: HostLookup
  /** Lookups that the system's resolver runs at once; more would wait in it, and could not be given up. */
  maxRunning?: number
  /** Whether a name server answers for a name at all, with an address or without; absent: not asked. */
  isAnswered?: ((hostname: string) => Promise<boolean>) | undefined
  now?: () => number
}): HostLookup {
  const inFlight = new Map<string, LookupCallback[]>()
  /** When each lookup in the system's resolver began; oldest first. */
  const begun = new Map<string, number>()
  const fastNames = createNameSet()
  const slowNames = createNameSet()
  /** For a thread of the resolver, in the order of arrival. */
  const waiting: (Request & { readonly since: number; readonly done: () => void })[] = []
  const slowQueue: (() => void)[] = []
  let isSlowLookupRunning = false

  function resolve(request: Request, done: () => void): void {
    if (begun.size < maxRunning) run(request, done)
    else waiting.push({ ...request, since: now(), done })
  }

  function runWaiting(): void {
    while (begun.size < maxRunning) {
      const next = waiting.shift()
      if (!next) return
      if (now() - next.since <= maxWaitMs) run(next, next.done)
      else {
        answer(next.key, busyError(next.hostname), [])
        next.done()
      }
    }
  }

  function run({ key, hostname, options }: Request, done: () => void): void {
    const start = now()
    begun.set(key, start)
    lookup(hostname, options, (error, addresses) => {
      begun.delete(key)
      // A late success is not slow: it may have queued behind other lookups.
      const isSlow = error !== null && now() - start > slowLookupMs
      const [joined, left] = isSlow ? [slowNames, fastNames] : [fastNames, slowNames]
      joined.add(hostname)
      left.delete(hostname)
      done()
      answer(key, error, addresses)
      runWaiting()
    })
  }

  function answer(key: string, ...result: Parameters<LookupCallback>): void {
    const callbacks = inFlight.get(key) ?? []
    inFlight.delete(key)
    for (const callback of callbacks) callback(...result)
  }

  /** Resolves after all other slow names. */
  function enqueue(request: Request): void {
    slowQueue.push(() => resolve(request, runNextSlow))
    if (!isSlowLookupRunning) runNextSlow()
  }

  function runNextSlow(): void {
    const run = slowQueue.shift()
    isSlowLookupRunning = run !== undefined
    run?.()
  }

  function begin(request: Request): void {
    if (slowNames.has(request.hostname)) enqueue(request)
    else resolve(request, () => undefined)
  }

  /** A name that no server answers for fails now; its callers do not wait for its turn. */
  function reject(request: Request): void {
    answer(request.key, unansweredError(request.hostname), [])
    inFlight.set(request.key, [])
    enqueue(request)
  }

  function isStuck(): boolean {
    const [oldest = Infinity] = begun.values()
    return now() - oldest > slowLookupMs
  }

  return (hostname, options, callback) => {
    const key = `${options.family ?? 0} ${hostname}`
    const callbacks = inFlight.get(key)
    if (callbacks) {
      // Rejected, and waiting for its turn in the background.
      if (callbacks.length === 0) return callback(unansweredError(hostname), [])
      callbacks.push(callback)
      return
    }
    const request = { key, hostname, options }
    inFlight.set(key, [callback])
    const isKnown = isThisHost(hostname) || (fastNames.has(hostname) && !isStuck())
    if (!isAnswered || isKnown) return begin(request)
    isAnswered(hostname).then(
      (answered) => (answered ? begin(request) : reject(request)),
      () => begin(request),
    )
  }
}

/** Names that no name server is asked about: https://www.rfc-editor.org/rfc/rfc6761#section-6.3. */
function isThisHost(hostname: string): boolean {
  return /(^|\.)localhost\.?$/i.test(hostname)
}

function unansweredError(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no name server answers for ${hostname}`), { code: 'EAI_AGAIN' })
}

function busyError(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`too many names are looked up before ${hostname}`), { code: 'EAI_AGAIN' })
}

/** The names added last, as many as are worth their memory. */
function createNameSet() {
  const names = new Set<string>()

  function add(name: string): void {
    names.delete(name)
    names.add(name)
    const [oldest] = names
    if (names.size > maxNames && oldest !== undefined) names.delete(oldest)
  }

  return { add, has: (name: string) => names.has(name), delete: (name: string) => names.delete(name) }
}
