import { readLines } from '../../../flow/bytes/line-reader.ts'
import { forEachYielding } from '../../../flow/cooperative.ts'
import { createWakeSignal } from '../../../flow/wake-signal.ts'
import type { SourceError } from '../../../model/source.ts'
import { errorForStatus, isAuthError, isPermanent, KubeApiError, toSourceError } from '../connection/kube-api-error.ts'
import type { KubeClient } from '../connection/kube-client.ts'
import type { RequestLimiter } from '../connection/request-limiter.ts'
import type { ObjectReader } from '../resources/objects.ts'
import type { KubeTuning } from '../tuning.ts'
import { createObjectCache } from './object-cache.ts'
import { parseListPage, parseWatchEvent, type WatchEvent } from './watch-protocol.ts'
import { createWatchStallDetector } from './watch-stall-detector.ts'

/** Watches that end sooner than this count as failures, so that a broken server does not cause a busy loop. */
const minWatchLifetimeMs = 1000
/** Consecutive 504 responses to a watch after which its version is given up. */
const maxUnknownVersions = 3

/** One kind of object in one namespace, or in all. */
export type ResourceScope<T> = {
  readonly path: string
  /** For messages: `services in namespace prod`. */
  readonly title: string
  readonly selector: string
  /** What a person must grant where the API server forbids it. */
  readonly requiredGrant: string
  readonly read: ObjectReader<T>
}

export type Reflector<T> = {
  /** The objects by `namespace/name`, as of the last list or event. */
  readonly objects: ReadonlyMap<string, T>
  readonly isListed: () => boolean
  /** Why the objects are out of date, and since when, by the clock of `performance`. */
  readonly error: () => SourceError | undefined
  readonly failingSince: () => number
  /** Whether access to the objects has been revoked. */
  readonly isRevoked: () => boolean
  /** Number of objects, ever, whose shape was unexpected. */
  readonly unreadable: () => number
  /** Lists again; resolves once that succeeded or failed. */
  readonly relist: () => Promise<void>
  /** Runs until the signal aborts; never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

/**
 * Keeps a copy of objects of an API server: lists once, then watches from there.
 *
 * Versions are opaque: they are sent back, never compared. A watch that ends is resumed at its last version; only an expired
 * version requires another list.
 */
export function createReflector<T>({
  scope: { path, title, selector, requiredGrant, read },
  client,
  limiter,
  tuning,
  onReplaced,
  onChanged,
  onState,
}: {
  scope: ResourceScope<T>
  client: KubeClient
  limiter: RequestLimiter
  tuning: KubeTuning
  onReplaced: () => void
  onChanged: (key: string) => void
  onState: () => void
}): Reflector<T> {
  const cache = createObjectCache(read)
  const stallDetector = createWatchStallDetector(tuning)
  let version: string | undefined
  let isListed = false
  let isRelistRequested = false
  let error: SourceError | undefined
  let failingSince = 0
  let isRevoked = false
  let failures = 0
  let unknownVersions = 0
  let attemptAbort = new AbortController()
  let listAttempt = Promise.withResolvers<void>()

  async function list(signal: AbortSignal): Promise<void> {
    const replacement = cache.beginReplacement()
    let token = ''
    let firstVersion: string | undefined
    do {
      const query = { labelSelector: selector, limit: String(tuning.pageSize), ...(token && { continue: token }) }
      const page = parseListPage(await client.get(path, query, `list ${title}`, signal), title)
      await forEachYielding(page.items, replacement.add)
      firstVersion ??= page.version
      token = page.next
    } while (token !== '')
    if (signal.aborted) return // another list replaces this one
    replacement.commit()
    version = firstVersion
    isListed = true
    isRelistRequested = false
    isRevoked = false
    // The watch may still be forbidden where the list is not.
    if (!isPermanent(error)) reportSuccess()
    onReplaced()
    listAttempt.resolve()
  }

  async function watch(signal: AbortSignal): Promise<void> {
    const seconds = Math.max(1, Math.round((tuning.minWatchMs / 1000) * (1 + tuning.random())))
    const restart = new AbortController()
    // For servers that ignore `timeoutSeconds`.
    const deadline = setTimeout(() => restart.abort(), seconds * 1000 + tuning.listTimeoutMs)
    const stall = stallDetector.watch(() => restart.abort(), { isTrusted: client.isMultiplexed })
    const openedAt = performance.now()
    const { maxLineBytes } = tuning
    const tooLong = () => new KubeApiError('unavailable', `watch ${title}: event larger than ${maxLineBytes} bytes`)
    try {
      const query = {
        labelSelector: selector,
        watch: '1',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(seconds),
        resourceVersion: version ?? '',
      }
      const body = await client.stream(path, query, `watch ${title}`, AbortSignal.any([signal, restart.signal]))
      reportSuccess()
      for await (const line of readLines(body, { maxLineBytes, tooLong })) {
        const event = parseWatchEvent(line, title)
        stall.onEvent({ isBookmark: event.type === 'BOOKMARK' })
        applyEvent(event)
      }
      if (performance.now() - openedAt < Math.min(minWatchLifetimeMs, tuning.minRetryMs))
        throw new KubeApiError('unavailable', `watch ${title}: ended at once`)
    } catch (thrown) {
      if (!restart.signal.aborted) throw thrown
    } finally {
      clearTimeout(deadline)
      stall.stop()
      if (performance.now() - openedAt > tuning.maxRetryMs / 3) failures = 0
    }
  }

  function applyEvent({ type, object }: WatchEvent): void {
    if (type === 'ERROR')
      throw errorForStatus(object.code ?? 500, `watch ${title}`, object.details?.retryAfterSeconds ?? undefined)
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') {
      const key = type === 'DELETED' ? cache.remove(object) : cache.put(object)
      if (key !== undefined) onChanged(key)
    }
    version = object.metadata?.resourceVersion || version
  }

  function reportSuccess(): void {
    limiter.reportSuccess()
    unknownVersions = 0
    if (error === undefined) return
    error = undefined
    isRevoked = false
    onState()
  }

  function reportFailure(failure: SourceError): void {
    if (error === undefined) failingSince = performance.now()
    // A repeated failure keeps its error object, so that nothing changes.
    if (error?.message !== failure.message) error = failure
    listAttempt.resolve()
    onState()
  }

  /** Records a failure; returns the delay of the next attempt. */
  function recover(failure: SourceError): number {
    const { kind, status } = failure instanceof KubeApiError ? failure : { kind: 'unavailable', status: undefined }
    // Periodic lists suffice where only the watch is forbidden.
    if (isAuthError(failure) && (kind === 'unauthorized' || version === undefined)) isRevoked = true
    if (isPermanent(failure)) {
      limiter.reportSuccess()
      version = undefined
      reportFailure(failure)
      return tuning.permanentRetryMs * (0.5 + tuning.random() / 2)
    }
    const delay = failures === 0 && kind === 'expired' ? 0 : backoff()
    failures++
    if (kind === 'expired') {
      version = undefined
      limiter.reportSuccess()
      if (delay > 0) reportFailure(failure)
      return delay
    }
    if (kind === 'unauthorized') client.refreshCredentials()
    // 504: the server does not know the version yet, or lost its storage.
    unknownVersions = status === 504 ? unknownVersions + 1 : 0
    if (unknownVersions >= maxUnknownVersions) version = undefined
    limiter.reportFailure(failure.retry_after)
    reportFailure(failure)
    return Math.max(delay, (failure.retry_after ?? 0) * 1000)
  }

  function withRemedy(failure: SourceError): SourceError {
    if (!(failure instanceof KubeApiError && failure.kind === 'forbidden')) return failure
    return new KubeApiError('forbidden', `${failure.message}; ${requiredGrant}`, { cause: failure })
  }

  function backoff(): number {
    const ceiling = Math.min(tuning.maxRetryMs, tuning.minRetryMs * 2 ** failures)
    return ceiling / 2 + (ceiling / 2) * tuning.random()
  }

  async function attempt(signal: AbortSignal): Promise<void> {
    const isTrial = await limiter.enter(signal)
    try {
      if (version === undefined && !signal.aborted)
        await limiter.runList(signal, { urgent: !isListed || isRelistRequested }, () => list(signal))
      if (!signal.aborted) await watch(signal)
    } finally {
      if (isTrial && signal.aborted) limiter.releaseTrial()
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      attemptAbort = new AbortController()
      if (isRelistRequested) version = undefined
      const within = AbortSignal.any([signal, attemptAbort.signal])
      try {
        await attempt(within)
      } catch (thrown) {
        if (signal.aborted || within.aborted) continue
        const delay = recover(withRemedy(toSourceError(thrown, title)))
        if (delay > 0) await createWakeSignal({ signal: within }).wait(delay)
      }
    }
    listAttempt.resolve()
  }

  function relist(): Promise<void> {
    listAttempt = Promise.withResolvers<void>()
    isRelistRequested = true
    attemptAbort.abort()
    return listAttempt.promise
  }

  return {
    objects: cache.objects,
    isListed: () => isListed,
    error: () => error,
    failingSince: () => failingSince,
    isRevoked: () => isRevoked,
    unreadable: cache.unreadable,
    relist,
    run,
  }
}
