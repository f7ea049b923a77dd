import { randomUUID } from 'node:crypto'

/** An API object as it travels; only what the fake itself reads is named. */
export type KubeObject = {
  apiVersion?: string
  kind?: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
    resourceVersion?: string
    uid?: string
    creationTimestamp?: string
    [field: string]: unknown
  }
  [field: string]: unknown
}

/** What happened to one object; `before` lets a watch with a selector tell who starts or stops matching. */
export type KubeEvent = {
  readonly at: number
  readonly resource: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  readonly before?: KubeObject
}

const stamp = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** The objects of the fake cluster and what happened to them. Resource versions are random texts: nothing can be read from them. */
export function createKubeStore() {
  const objects = new Map<string, KubeObject>()
  const versions = [randomUUID()]
  const places = new Map([[versions[0] as string, 0]])
  const watchers = new Set<(event: KubeEvent) => void>()
  let history: KubeEvent[] = []
  let forgotten = 0

  const keyOf = (resource: string, namespace: string, name: string) => `${resource}/${namespace}/${name}`
  const version = () => versions.at(-1) as string

  function advance(): string {
    const next = randomUUID()
    places.set(next, versions.length)
    versions.push(next)
    return next
  }

  function record(event: Omit<KubeEvent, 'at'>): void {
    const whole = { ...event, at: versions.length - 1 }
    history.push(whole)
    for (const push of watchers) push(whole)
  }

  /** Creates or replaces an object; writing what is already there is no event, as in a real API server. */
  function put(resource: string, object: KubeObject): KubeObject {
    const namespace = object.metadata.namespace ?? ''
    const key = keyOf(resource, namespace, object.metadata.name)
    const before = objects.get(key)
    const { uid = randomUUID(), creationTimestamp = stamp() }: Partial<KubeObject['metadata']> = before?.metadata ?? {}
    const kept = { ...object, metadata: { ...object.metadata, uid, creationTimestamp } }
    const same = before && JSON.stringify({ ...before, metadata: { ...before.metadata, resourceVersion: '' } })
    if (same === JSON.stringify({ ...kept, metadata: { ...kept.metadata, resourceVersion: '' } }))
      return before as KubeObject
    const now: KubeObject = { ...kept, metadata: { ...kept.metadata, resourceVersion: advance() } }
    objects.set(key, now)
    record({ resource, type: before ? 'MODIFIED' : 'ADDED', object: now, ...(before ? { before } : {}) })
    return now
  }

  function remove(resource: string, namespace: string, name: string): KubeObject | undefined {
    const key = keyOf(resource, namespace, name)
    const before = objects.get(key)
    if (!before) return undefined
    objects.delete(key)
    const last = { ...before, metadata: { ...before.metadata, resourceVersion: advance() } }
    record({ resource, type: 'DELETED', object: last, before })
    return last
  }

  function list(resource: string, namespace?: string): KubeObject[] {
    const start = namespace === undefined ? `${resource}/` : `${resource}/${namespace}/`
    const keys = [...objects.keys()].filter((key) => key.startsWith(start)).toSorted()
    return keys.map((key) => objects.get(key) as KubeObject)
  }

  /** Events after `version`; a text where they cannot be told: its time is past, or is yet to come. */
  function since(resource: string, version: string): readonly KubeEvent[] | 'expired' | 'unknown' {
    const place = places.get(version)
    if (place === undefined) return 'unknown'
    if (place < forgotten) return 'expired'
    return history.filter((event) => event.at > place && event.resource === resource)
  }

  /** Compacts: every version handed out so far is too old from now on. */
  function forget(): void {
    advance()
    forgotten = versions.length - 1
    history = []
  }

  function subscribe(push: (event: KubeEvent) => void): () => void {
    watchers.add(push)
    return () => void watchers.delete(push)
  }

  return {
    put,
    remove,
    list,
    get: (resource: string, namespace: string, name: string) => objects.get(keyOf(resource, namespace, name)),
    since,
    forget,
    advance,
    version,
    subscribe,
    watchers: () => watchers.size,
  }
}
export type KubeStore = ReturnType<typeof createKubeStore>
