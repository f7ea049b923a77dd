import { isAgent } from '../agents/mesh-registry.ts'
import { createChunkedQueue } from '../flow/chunked-queue.ts'
import type { Change, RegisteredServer } from '../model/change.ts'
import { jsonEqual } from '../model/data/json-equal.ts'
import type { Server } from '../model/server.ts'
import type { Registry } from '../registry/registry.ts'
import type { JournalEvent, RecordEvent } from './event.ts'

/** Servers of one source that one revision adds or removes, and that get an event of their own; the others are counted. */
const maxPerRevision = 1000
/** Names listed in an event. */
const maxListed = 20

/** Records the changes of the registry: servers that come, change, fail, recover and go. */
export function recordServerEvents({
  registry,
  starting,
  record,
  isEnabled,
}: {
  registry: Pick<Registry, 'subscribe'>
  /** Names of the sources that are read for the first time: what they list was there before. */
  starting: () => readonly string[]
  record: RecordEvent
  isEnabled: () => boolean
}): () => void {
  const queue = createChunkedQueue<Change>((change) => {
    for (const event of eventsOf(change)) record(event)
  })

  function accept(changes: readonly Change[]): void {
    if (!isEnabled()) return
    const counts = new Map<string, { readonly type: 'added' | 'removed'; readonly source: string; count: number }>()
    let startingNames: readonly string[] | undefined
    const worthy = changes.filter((change) => {
      if (change.type === 'MODIFIED') return true
      const { now, before } = change
      // Agents announce themselves; their events name the caller.
      if (isAgent(now ?? before)) return false
      const { source } = (now ?? before).server
      if (now && (startingNames ??= starting()).includes(source)) return false
      const key = `${change.type} ${source}`
      const counter = counts.get(key) ?? { type: now ? 'added' : 'removed', source, count: 0 }
      counts.set(key, counter)
      counter.count += 1
      return counter.count <= maxPerRevision
    })
    if (worthy.length > 0) queue.add(worthy)
    for (const { type, source, count } of counts.values()) {
      const more = count - maxPerRevision
      if (more > 0) record({ type, source, reason: 'many_at_once', data: () => ({ more }), isShared: true })
    }
  }

  return registry.subscribe(({ changes }) => accept(changes))
}

function eventsOf(change: Change): readonly JournalEvent[] {
  switch (change.type) {
    case 'ADDED':
      return [{ type: 'added', ...placeOf(change.now), data: () => ({ origin: change.now.server.origin }) }]
    case 'DELETED':
      return [{ type: 'removed', ...placeOf(change.before), data: () => ({ origin: change.before.server.origin }) }]
    case 'MODIFIED':
      return [...(definitionEvent(change) ?? []), ...(statusEvent(change) ?? [])]
    default:
      return change satisfies never
  }
}

type Modified = Extract<Change, { type: 'MODIFIED' }>

function placeOf(registered: RegisteredServer): Omit<JournalEvent, 'type'> {
  const { id, namespace, name, title, source } = registered.server
  const agent = isAgent(registered) && { agent_id: name, agent_name: title ?? name }
  return { server: id, namespace, source, isShared: true, ...agent }
}

/** The turn of a status. A first verdict is news only where it is bad. */
function statusEvent({ now, before }: Modified): [JournalEvent] | undefined {
  const [{ status, health }, { status: oldStatus }] = [now.server, before.server]
  if (status === oldStatus || status === 'pending' || status === 'unknown') return undefined
  const isDown = isFailed(status)
  if (!isDown && (oldStatus === 'pending' || oldStatus === 'unknown')) return undefined
  const event = {
    ...placeOf(now),
    reason: health.reason,
    data: () => ({ old_status: oldStatus, new_status: status }),
  }
  const original = (name: string) => (isAgent(now) ? { event_type: name } : {})
  if (!isDown && isFailed(oldStatus)) return [{ ...event, type: 'recovered', ...original('register') }]
  const name = isDown ? (status === 'offline' ? 'expire' : 'unhealthy') : 'update'
  return [{ ...event, type: health.reason === 'lease_lapsed' ? 'expired' : 'status', ...original(name) }]
}

function isFailed(status: Server['status']): boolean {
  return status === 'unhealthy' || status === 'offline'
}

/** Fields that do not define a server. */
const otherFields: ReadonlySet<string> = new Set<keyof Server>([
  'id',
  'status',
  'health',
  'shadows',
  'stale',
  'created_at',
  'updated_at',
  'resource_version',
])

/** The change of a definition, or of the capabilities that a probe found. Agents announce theirs themselves. */
function definitionEvent({ now, before }: Modified): [JournalEvent] | undefined {
  // The first probe completes a definition, and changes none.
  const isOverridden = !jsonEqual(before.server.override, now.server.override)
  if (!isOverridden && (isAgent(now) || before.server.status === 'pending')) return undefined
  const fields = changedFields(before.server, now.server).filter((field) => !otherFields.has(field))
  if (fields.length === 0) return undefined
  return [{ type: 'changed', ...placeOf(now), data: () => changeDetails(before.server, now.server, fields) }]
}

/** Names of the fields that differ. */
export function changedFields(before: object, now: object): string[] {
  const [was, is] = [before, now] as Record<string, unknown>[]
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((key) => !jsonEqual(was?.[key], is?.[key]))
}

/** Fields with short values, which an event shows before and after. */
const shownFields: ReadonlySet<string> = new Set(['version', 'url', 'type', 'enabled', 'source', 'origin'])

/** The fields that changed; of some their values, of capabilities the names that came and went. */
export function changeDetails(
  before: Pick<Server, 'capabilities'>,
  now: Pick<Server, 'capabilities'>,
  fields: readonly string[],
): object {
  const [was, is] = [before, now] as unknown as Record<string, unknown>[]
  const shown = fields.filter((field) => shownFields.has(field))
  const changes = Object.fromEntries(shown.map((field) => [field, [was?.[field] ?? null, is?.[field] ?? null]]))
  const names = (server: Pick<Server, 'capabilities'>) => new Set(server.capabilities.map(({ name }) => name))
  const [namesBefore, namesNow] = [names(before), names(now)]
  const capabilities = {
    added: [...namesNow.difference(namesBefore)].slice(0, maxListed),
    removed: [...namesBefore.difference(namesNow)].slice(0, maxListed),
  }
  return { fields, ...(shown.length > 0 && { changes }), ...(fields.includes('capabilities') && { capabilities }) }
}
