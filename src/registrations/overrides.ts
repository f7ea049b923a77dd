import { type ServerId, serverId } from '../model/names.ts'
import type { Override } from '../model/server.ts'
import { registrationKey, serverKey } from '../stores/driver.ts'
import { isNewer, type Store, type StoredRegistration } from '../stores/store.ts'
import { createTombstones } from '../stores/tombstones.ts'
import type { Book } from './rewind.ts'

/** Maximum number of overrides. */
export const maxOverrides = 1000

/** There are as many overrides as there may be; one must be removed first. */
export class TooManyOverrides extends Error {
  override name = 'TooManyOverrides'
}

type Held = { readonly override: Override; readonly registration: StoredRegistration }

/** What the store keeps; the time is the store's. */
type Content = Pick<Override, 'enabled' | 'by'>

/**
 * Whether servers are enabled, whatever their sources say: durable in the store, for servers of any source. The registry
 * asks `get`, and is told by `onChange` which answers changed.
 */
export function createOverrides({ store }: { store: Pick<Store, 'commit'> }) {
  const held = new Map<ServerId, Held>()
  const tombstones = createTombstones()
  let announce: ((ids: readonly ServerId[]) => void) | undefined

  /** Sets the override of a server; resolves once it is stored and visible. */
  async function set(id: ServerId, content: Content): Promise<Override> {
    assertRoom(id)
    const definition = JSON.stringify({ enabled: content.enabled, by: content.by } satisfies Content)
    const [outcome] = await store.commit([{ type: 'put', ...serverKey('override', id), definition, expect: 'any' }])
    if (outcome?.type !== 'put')
      throw new Error(`the override of ${id} was not stored: ${outcome?.type ?? 'no outcome'}`)
    applyRegistration(outcome.registration)
    return overrideOf(outcome.registration)
  }

  /** Throws where `set` would find no room. */
  function assertRoom(id: ServerId): void {
    if (!held.has(id) && held.size >= maxOverrides) throw new TooManyOverrides(`there are ${maxOverrides} overrides`)
  }

  /** Removes the override of a server; false where none is stored. */
  async function remove(id: ServerId): Promise<boolean> {
    const [outcome] = await store.commit([{ type: 'delete', ...serverKey('override', id), expect: 'any' }])
    if (outcome?.type === 'deleted') applyDeletion(id, outcome.resource_version)
    // Another daemon has removed it.
    else drop(id)
    return outcome?.type === 'deleted'
  }

  /** Applies a stored override, unless a newer version or a later deletion is known. */
  function applyRegistration(registration: StoredRegistration): void {
    if (accept(registration)) announce?.([idOf(registration)])
  }

  function accept(registration: StoredRegistration): boolean {
    const id = idOf(registration)
    const { resource_version } = registration
    const current = held.get(id)?.registration
    if (current && !isNewer(resource_version, current.resource_version)) return false
    if (tombstones.covers(id, resource_version)) return false
    held.set(id, { override: overrideOf(registration), registration })
    return true
  }

  /** Applies a deletion at a version; a newer override stays. */
  function applyDeletion(id: ServerId, version: string): void {
    tombstones.record(id, version)
    const current = held.get(id)?.registration
    if (current && !isNewer(current.resource_version, version)) drop(id)
  }

  function drop(id: ServerId): void {
    if (held.delete(id)) announce?.([id])
  }

  /** Applies the snapshot of the store at `version`; overrides written after it stay. */
  function load(registrations: readonly StoredRegistration[], version: string): void {
    const present = new Set(registrations.map(idOf))
    const gone = [...held].filter(
      ([id, { registration }]) => !present.has(id) && !isNewer(registration.resource_version, version),
    )
    for (const [id] of gone) held.delete(id)
    const accepted = registrations.filter(accept).map(idOf)
    const changed = [...gone.map(([id]) => id), ...accepted]
    if (changed.length > 0) announce?.(changed)
  }

  /** The overrides in memory, for a store that went back. */
  const book: Book = {
    held: () =>
      Array.from(held, ([id, { registration }]) => ({
        key: serverKey('override', id),
        version: registration.resource_version,
        toPut: () => {
          const { definition, created_at } = registration
          return { type: 'put', ...serverKey('override', id), definition, expect: 'any', created_at }
        },
      })),
    reset: ({ registrations }, kept) => {
      tombstones.clear()
      const before = [...held.keys()]
      for (const id of before) if (!kept.has(registrationKey(serverKey('override', id)))) held.delete(id)
      const stored = registrations.filter((one) => one.kind === 'override' && !kept.has(registrationKey(one)))
      for (const one of stored) accept(one)
      announce?.([...new Set([...before, ...stored.map(idOf)])])
    },
    replace: ({ namespace, name }, stored) => {
      const id = serverId(namespace, name)
      held.delete(id)
      if (stored) accept(stored)
      announce?.([id])
    },
  }

  return {
    set,
    assertRoom,
    remove,
    load,
    applyRegistration,
    applyDeletion,
    book,
    get: (id: ServerId): Override | undefined => held.get(id)?.override,
    list: () => Array.from(held, ([id, { override }]) => ({ id, override })).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    /** Calls `listener` with the ids whose overrides have changed. One listener: the registry. */
    onChange: (listener: (ids: readonly ServerId[]) => void) => void (announce = listener),
  }
}
export type Overrides = ReturnType<typeof createOverrides>

function idOf({ namespace, name }: Pick<StoredRegistration, 'namespace' | 'name'>): ServerId {
  return serverId(namespace, name)
}

function overrideOf({ definition, updated_at: at }: StoredRegistration): Override {
  const { enabled, by } = JSON.parse(definition) as Content
  return { enabled, by, at }
}
