import { forEachYielding } from '../../../flow/cooperative.ts'
import { readLines } from '../../../flow/line-reader.ts'
import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { SourceError } from '../../../model/source.ts'
import { KubeApiError, toSourceError, errorForStatus, isAuthError, isPermanent } from '../connection/kube-api-error.ts'
import type { KubeClient } from '../connection/kube-client.ts'
import type { RequestLimiter } from '../connection/request-limiter.ts'
import type { Tuning } from '../tuning.ts'
import { type Event, parseWatchEvent, parseListPage } from './watch-protocol.ts'
import { createWatchStallDetector } from './watch-stall-detector.ts'

/** One kind of object in one place, and what of it is worth keeping. */
export type ResourceScope<T> = {
  readonly path: string
  /** For people: `services in prod`. */
  readonly what: string
  readonly selector: string
  /** Undefined where it cannot be made out which object it is. */
  readonly read: (object: unknown) => ObjectEntry<T> | undefined
}

/** What is kept of an object, under its key; nothing of one that is of no interest. */
export type ObjectEntry<T> = { readonly key: string; readonly value: T | undefined }

export type Reflector<T> = {
  /** Everything there is, by `namespace/name`, as of the last word of the server. */
  readonly objects: ReadonlyMap<string, T>
  readonly listed: () => boolean
  /** Why it is not up to date now, and since when, by the clock of `performance`. */
  readonly error: () => SourceError | undefined
  readonly failingSince: () => number
  /** Whether it may not see what it knows of any more. */
  readonly barred: () => boolean
  /** Objects that could not be made out, ever. */
  readonly unreadable: () => number
  /** Lists anew; resolves once that worked or failed. */
  readonly relist: () => Promise<void>
  /** Works until the signal aborts; never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

/**
 * Keeps a copy of what an API server has: lists once, then watches from there.
 *
 * Versions are opaque: they are handed back, never compared. A watch that ends is resumed where it ended; only what is
 * too old to be resumed is listed anew.
 */
export function createReflector<T>({
  watched: { path, what, selector, read },
  client,
  gate,
  habits,
  onReplaced,
  onChanged,
  onState,
}: {
  watched: ResourceScope<T>
  client: KubeClient
  gate: RequestLimiter
  habits: Tuning
  onReplaced: () => void
  onChanged: (key: string) => void
  onState: () => void
}): Reflector<T> {
  const objects = new Map<string, T>()
  const patience = createWatchStallDetector(habits)
  let version: string | undefined
  let listed = false
  let asked = false
  let error: SourceError | undefined
  let failingSince = 0
  let barred = false
  let unreadable = 0
  let troubles = 0
  let behind = 0
  let turn = new AbortController()
  let looked = Promise.withResolvers<void>()

  async function list(signal: AbortSignal): Promise<void> {
    const found = new Map<string, T>()
    let token = ''
    let first: string | undefined
    do {
      const query = { labelSelector: selector, limit: String(habits.pageSize), ...(token && { continue: token }) }
      const page = parseListPage(await client.get(path, query, `list ${what}`, signal), what)
      await forEachYielding(page.items, (item) => keep(found, item))
      first ??= page.version
      token = page.next
    } while (token !== '')
    if (signal.aborted) return // it was called off, to begin anew
    objects.clear()
    for (const [key, value] of found) objects.set(key, value)
    version = first
    listed = true
    asked = false
    barred = false
    // A watch may still be forbidden where a list is not.
    if (!isPermanent(error)) well()
    onReplaced()
    looked.resolve()
  }

  function keep(into: Map<string, T>, object: unknown): string | undefined {
    const kept = readOrNot(object)
    if (!kept) unreadable++
    else if (kept.value === undefined) into.delete(kept.key)
    else into.set(kept.key, kept.value)
    return kept?.key
  }

  /** Whatever an object looks like, it is no reason to fall over. */
  function readOrNot(object: unknown): ObjectEntry<T> | undefined {
    try {
      return read(object)
    } catch {
      return undefined
    }
  }

  async function watch(signal: AbortSignal): Promise<void> {
    const seconds = Math.max(1, Math.round((habits.minWatchMs / 1000) * (1 + habits.random())))
    const cut = new AbortController()
    // A server that forgets its own deadline is reminded.
    const overdue = setTimeout(() => cut.abort(), seconds * 1000 + habits.listTimeoutMs)
    const { maxLineBytes } = habits
    const tooLong = () => new KubeApiError('broken', `a watch event is larger than ${maxLineBytes} bytes`)
    const quiet = patience.watch(() => cut.abort(), { trust: client.isMultiplexed })
    const opened = performance.now()
    try {
      const query = {
        labelSelector: selector,
        watch: '1',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(seconds),
        resourceVersion: version ?? '',
      }
      const body = await client.stream(path, query, `watch ${what}`, AbortSignal.any([signal, cut.signal]))
      well()
      for await (const line of readLines(body, { maxLineBytes, tooLong })) {
        const { type, object } = parseWatchEvent(line, what)
        quiet.heard({ bookmark: type === 'BOOKMARK' })
        take(type, object)
      }
      if (performance.now() - opened < Math.min(1000, habits.minRetryMs))
        throw new KubeApiError('broken', `watch ${what}: it ended at once`)
    } catch (thrown) {
      if (!cut.signal.aborted) throw thrown
    } finally {
      clearTimeout(overdue)
      quiet.stop()
      if (performance.now() - opened > habits.maxRetryMs / 3) troubles = 0
    }
  }

  function take(type: string, object: Event['object']): void {
    if (type === 'ERROR')
      throw errorForStatus(object.code ?? 500, `watch ${what}`, object.details?.retryAfterSeconds ?? undefined)
    if (type === 'DELETED') {
      const key = readOrNot(object)?.key
      if (key === undefined) unreadable++
      else if (objects.delete(key)) onChanged(key)
    } else if (type === 'ADDED' || type === 'MODIFIED') {
      const key = keep(objects, object)
      if (key !== undefined) onChanged(key)
    }
    version = object.metadata?.resourceVersion || version
  }

  function well(): void {
    gate.worked()
    behind = 0
    if (error === undefined) return
    error = undefined
    barred = false
    onState()
  }

  function failed(thrown: SourceError): void {
    if (error === undefined) failingSince = performance.now()
    // The same failure again is no news.
    if (error?.message !== thrown.message) error = thrown
    looked.resolve()
    onState()
  }

  /** Says what went wrong, and answers how long to wait before the next attempt. */
  function recover(thrown: SourceError): number {
    const fault = thrown instanceof KubeApiError ? thrown.fault : 'broken'
    const status = thrown instanceof KubeApiError ? thrown.status : undefined
    // Where only the watch is forbidden, listing now and then shows enough.
    if (isAuthError(thrown) && (fault === 'unauthorized' || version === undefined)) barred = true
    if (isPermanent(thrown)) {
      gate.worked()
      version = undefined
      failed(thrown)
      return habits.permanentRetryMs * (0.5 + habits.random() / 2)
    }
    const delay = troubles === 0 && fault === 'gone' ? 0 : backoff()
    troubles++
    if (fault === 'gone') {
      version = undefined
      gate.worked()
      if (delay > 0) failed(thrown)
      return delay
    }
    if (fault === 'unauthorized') client.refreshCredentials()
    // A version that the server has yet to hear of: it catches up, or it lost its memory.
    behind = status === 504 ? behind + 1 : 0
    if (behind >= 3) version = undefined
    gate.failed(thrown.retry_after)
    failed(thrown)
    return Math.max(delay, (thrown.retry_after ?? 0) * 1000)
  }

  function backoff(): number {
    const ceiling = Math.min(habits.maxRetryMs, habits.minRetryMs * 2 ** troubles)
    return ceiling / 2 + (ceiling / 2) * habits.random()
  }

  async function attempt(signal: AbortSignal): Promise<void> {
    const tries = await gate.enter(signal)
    try {
      if (version === undefined && !signal.aborted)
        await gate.list(signal, { urgent: !listed || asked }, () => list(signal))
      if (!signal.aborted) await watch(signal)
    } finally {
      if (tries && signal.aborted) gate.release()
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      turn = new AbortController()
      if (asked) version = undefined
      const within = AbortSignal.any([signal, turn.signal])
      try {
        await attempt(within)
      } catch (thrown) {
        if (signal.aborted || within.aborted) continue
        const delay = recover(toSourceError(thrown, what))
        if (delay > 0) await createWakeSignal({ signal: within }).wait(delay)
      }
    }
    looked.resolve()
  }

  function relist(): Promise<void> {
    looked = Promise.withResolvers<void>()
    asked = true
    turn.abort()
    return looked.promise
  }

  return {
    objects,
    listed: () => listed,
    error: () => error,
    failingSince: () => failingSince,
    barred: () => barred,
    unreadable: () => unreadable,
    relist,
    run,
  }
}
