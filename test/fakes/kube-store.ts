import { randomUUID } from 'node:crypto'

/** An API object on the wire, typed as far as the fake reads it. */
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

/** A change of one object; `before` shows a watch with a selector whether the object starts or stops matching. */
export type KubeEvent = {
  readonly at: number
  readonly resource: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  readonly before?: KubeObject
}

const timestamp = () => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** The objects of the fake cluster and their history. Resource versions are random, so that no client can order them. */
export function createKubeStore() {
  const objects = new Map<string, KubeObject>()
  const versions = [randomUUID()]
  const indexOfVersion = new Map([[versions[0] as string, 0]])
  const watchers = new Set<(event: KubeEvent) => void>()
  let history: KubeEvent[] = []
  let compactedIndex = 0

  const keyOf = (resource: string, namespace: string, name: string) => `${resource}/${namespace}/${name}`
  const version = () => versions.at(-1) as string

  function advance(): string {
    const next = randomUUID()
    indexOfVersion.set(next, versions.length)
    versions.push(next)
    return next
  }

  function record(event: Omit<KubeEvent, 'at'>): void {
    const stored = { ...event, at: versions.length - 1 }
    history.push(stored)
    for (const push of watchers) push(stored)
  }

  /** Creates or replaces an object; an unchanged object causes no event, as in a real API server. */
  function put(resource: string, object: KubeObject): KubeObject {
    const namespace = object.metadata.namespace ?? ''
    const key = keyOf(resource, namespace, object.metadata.name)
    const before = objects.get(key)
    const { uid = randomUUID(), creationTimestamp = timestamp() }: Partial<KubeObject['metadata']> =
      before?.metadata ?? {}
    const next = { ...object, metadata: { ...object.metadata, uid, creationTimestamp } }
    const unchanged = before && JSON.stringify({ ...before, metadata: { ...before.metadata, resourceVersion: '' } })
    if (unchanged === JSON.stringify({ ...next, metadata: { ...next.metadata, resourceVersion: '' } }))
      return before as KubeObject
    const saved: KubeObject = { ...next, metadata: { ...next.metadata, resourceVersion: advance() } }
    objects.set(key, saved)
    record({ resource, type: before ? 'MODIFIED' : 'ADDED', object: saved, ...(before ? { before } : {}) })
    return saved
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

  /** Events after `version`; `expired` if it was compacted, `unknown` if it was never handed out. */
  function since(resource: string, version: string): readonly KubeEvent[] | 'expired' | 'unknown' {
    const index = indexOfVersion.get(version)
    if (index === undefined) return 'unknown'
    if (index < compactedIndex) return 'expired'
    return history.filter((event) => event.at > index && event.resource === resource)
  }

  /** Expires every version handed out so far. */
  function compact(): void {
    advance()
    compactedIndex = versions.length - 1
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
    compact,
    advance,
    version,
    subscribe,
    watchers: () => watchers.size,
  }
}
export type KubeStore = ReturnType<typeof createKubeStore>
