import { setImmediate as turn } from 'node:timers/promises'
import { apiVersionOf, type KubeResource } from './kube-resources.ts'
import { expired, tooLarge, type KubeStatus } from './kube-status.ts'
import type { KubeEvent, KubeObject, KubeStore } from './kube-store.ts'

/** What a stream of events is written to: the answer of one request. */
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
  /** Pause between two bookmarks; a real API server sends one about every minute. */
  bookmarkMs: number
  /** Size of the chunks a line is cut into; 0: whole lines. */
  chunk: number
  /** How an expired version is told: by the status, by an event and the end, or by an event and silence. */
  gone: 'status' | 'event' | 'open event'
}

/** What a watch of `version` is turned away with, if it is. */
export function watchRefusal(store: KubeStore, { resource, version }: WatchRequest): KubeStatus | undefined {
  if (version === '' || version === '0') return undefined
  const events = store.since(resource.plural, version)
  if (events === 'expired') return expired(version, store.version())
  if (events === 'unknown') return tooLarge(version, store.version())
  return undefined
}

/** Streams what happens to the objects asked for, until its time is over. Returns how to end it before. */
export function openWatch(store: KubeStore, asked: WatchRequest, pipe: WatchSink, habits: WatchSettings) {
  const { resource, namespace, matches, version } = asked
  let last = version
  let queue = Promise.resolve()

  async function inChunks(line: Buffer): Promise<void> {
    for (let at = 0; at < line.length; at += habits.chunk) {
      pipe.write(line.subarray(at, at + habits.chunk))
      await turn()
    }
  }

  function send(type: string, object: unknown): void {
    const line = Buffer.from(`${JSON.stringify({ type, object })}\n`)
    queue = queue.then(() => (habits.chunk > 0 ? inChunks(line) : pipe.write(line)))
  }

  const whole = (object: KubeObject) => ({ kind: resource.kind, apiVersion: apiVersionOf(resource), ...object })

  /** With a selector, an object that starts or stops matching is one that came or went. */
  function tell({ type, object, before, resource: plural }: KubeEvent): void {
    if (plural !== resource.plural) return
    if (namespace !== undefined && object.metadata.namespace !== namespace) return
    last = object.metadata.resourceVersion ?? last
    const now = type !== 'DELETED' && matches(object)
    const then = before !== undefined && matches(before)
    if (now) return send(then ? 'MODIFIED' : 'ADDED', whole(object))
    if (!then) return
    const { resourceVersion } = object.metadata
    send(
      'DELETED',
      whole({ ...before, metadata: { ...before.metadata, ...(resourceVersion ? { resourceVersion } : {}) } }),
    )
  }

  function bookmark(): void {
    last = store.version()
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: last, creationTimestamp: null },
    })
  }

  const missed = version === '' || version === '0' ? undefined : store.since(resource.plural, version)
  if (missed === undefined) {
    for (const object of store.list(resource.plural, namespace).filter(matches)) send('ADDED', whole(object))
  } else if (typeof missed !== 'string') for (const event of missed) tell(event)

  const leave = store.subscribe(tell)
  const ticks = asked.bookmarks ? setInterval(bookmark, habits.bookmarkMs) : undefined
  const over = setTimeout(() => void finish(), asked.seconds * 1000)

  async function finish(): Promise<void> {
    stop()
    if (asked.bookmarks) bookmark()
    await queue
    pipe.end()
  }

  function stop(): void {
    leave()
    clearInterval(ticks)
    clearTimeout(over)
  }

  return { stop, send }
}
