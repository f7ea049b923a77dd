import { setImmediate as nextTurn } from 'node:timers/promises'
import { apiVersionOf, type KubeResource } from './kube-resources.ts'
import { expiredVersion, unknownVersion, type KubeStatus } from './kube-status.ts'
import type { KubeEvent, KubeObject, KubeStore } from './kube-store.ts'

/** The response that a stream of events is written to. */
export type WatchSink = { write: (chunk: Buffer) => void; end: () => void }

export type WatchRequest = {
  readonly resource: KubeResource
  readonly namespace: string | undefined
  readonly matches: (object: KubeObject) => boolean
  readonly version: string
  readonly bookmarks: boolean
  readonly seconds: number
}

export type WatchSettings = {
  /** Interval of bookmarks; a real API server sends one about every minute. */
  bookmarkIntervalMs: number
  /** Size of the chunks that a line is split into; 0: whole lines. */
  chunkBytes: number
  /** Form of the error of an expired version: a status, an event and the end, or an event without an end. */
  expiredAs: 'status' | 'event' | 'open event'
}

/** The status that rejects a watch of `version`; undefined if it is accepted. */
export function watchRefusal(store: KubeStore, { resource, version }: WatchRequest): KubeStatus | undefined {
  if (version === '' || version === '0') return undefined
  const events = store.since(resource.plural, version)
  if (events === 'expired') return expiredVersion(version, store.version())
  if (events === 'unknown') return unknownVersion(version, store.version())
  return undefined
}

/** Streams the changes of the selected objects until its timeout. */
export function openWatch(store: KubeStore, request: WatchRequest, sink: WatchSink, settings: WatchSettings) {
  const { resource, namespace, matches, version } = request
  let lastVersion = version
  let queue = Promise.resolve()

  async function writeChunks(line: Buffer): Promise<void> {
    for (let at = 0; at < line.length; at += settings.chunkBytes) {
      sink.write(line.subarray(at, at + settings.chunkBytes))
      await nextTurn()
    }
  }

  function send(type: string, object: unknown): void {
    const line = Buffer.from(`${JSON.stringify({ type, object })}\n`)
    queue = queue.then(() => (settings.chunkBytes > 0 ? writeChunks(line) : sink.write(line)))
  }

  const typed = (object: KubeObject) => ({ kind: resource.kind, apiVersion: apiVersionOf(resource), ...object })

  /** For a selector, an object that starts or stops matching is added or deleted. */
  function sendEvent({ type, object, before, resource: plural }: KubeEvent): void {
    if (plural !== resource.plural) return
    if (namespace !== undefined && object.metadata.namespace !== namespace) return
    lastVersion = object.metadata.resourceVersion ?? lastVersion
    const matchesNow = type !== 'DELETED' && matches(object)
    const matchedBefore = before !== undefined && matches(before)
    if (matchesNow) return send(matchedBefore ? 'MODIFIED' : 'ADDED', typed(object))
    if (!matchedBefore) return
    const { resourceVersion } = object.metadata
    send(
      'DELETED',
      typed({ ...before, metadata: { ...before.metadata, ...(resourceVersion ? { resourceVersion } : {}) } }),
    )
  }

  function bookmark(): void {
    lastVersion = store.version()
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: lastVersion, creationTimestamp: null },
    })
  }

  const missed = version === '' || version === '0' ? undefined : store.since(resource.plural, version)
  if (missed === undefined) {
    for (const object of store.list(resource.plural, namespace).filter(matches)) send('ADDED', typed(object))
  } else if (typeof missed !== 'string') for (const event of missed) sendEvent(event)

  const unsubscribe = store.subscribe(sendEvent)
  const bookmarkTimer = request.bookmarks ? setInterval(bookmark, settings.bookmarkIntervalMs) : undefined
  const timeout = setTimeout(() => void finish(), request.seconds * 1000)

  async function finish(): Promise<void> {
    stop()
    if (request.bookmarks) bookmark()
    await queue
    sink.end()
  }

  function stop(): void {
    unsubscribe()
    clearInterval(bookmarkTimer)
    clearTimeout(timeout)
  }

  return { stop, send }
}
