import { isDeepStrictEqual } from 'node:util'
import { type ServerId, serverId } from '../model/names.ts'
import type { ServerDefinition } from '../model/server.ts'
import type { Reading, Sighting, StoredVersion } from '../model/source.ts'
import { isPreconditionMet, rejectionReason } from '../stores/compare-and-set.ts'
import { registrationKey, serverKey } from '../stores/driver.ts'
import { type WriteCondition, isNewer, type StoredRegistration, type Store } from '../stores/store.ts'
import { createTombstones } from '../stores/tombstones.ts'
import type { Book, HeldRegistration } from './rewind.ts'

/** A server written by hand. */
export type ManualServer = {
  readonly id: ServerId
  readonly definition: ServerDefinition
  readonly stored: StoredVersion
}

/** The stored version differs from the expected one, or a server exists where none was expected. */
export class ManualConflict extends Error {
  override name = 'ManualConflict'
  readonly current: ManualServer | undefined

  constructor(message: string, current: ManualServer | undefined) {
    super(message)
    this.current = current
  }
}

/** No store can hold the definition; the message gives the reason. */
export class UnstorableDefinition extends Error {
  override name = 'UnstorableDefinition'
}

export type ManualServers = ReturnType<typeof createManualServers>

/** Servers written by hand over the API: durable in the store, shown by the source `manual`. */
export function createManualServers({ store }: { store: Pick<Store, 'commit'> }) {
  const servers = new Map<ServerId, ManualServer>()
  const tombstones = createTombstones()
  let push: ((sighting: Sighting) => void) | undefined

  /** Sends changes to `to` from now on; returns the picture of all servers. */
  function attach(to: (sighting: Sighting) => void): Sighting {
    push = to
    return { type: 'picture', readings: [...servers.values()].map(readingOf) }
  }

  /** Undoes `attach`, unless another run has attached since. */
  function detach(from: (sighting: Sighting) => void): void {
    if (push === from) push = undefined
  }

  /** Writes a server; resolves once it is stored and visible. */
  async function put(
    definition: ServerDefinition,
    expected: WriteCondition,
  ): Promise<{ server: ManualServer; created: boolean }> {
    const id = serverId(definition.namespace, definition.name)
    const current = servers.get(id)
    if (current && expected === 'any' && isDeepStrictEqual(current.definition, definition)) {
      const stored = await read(id)
      if (stored && isDeepStrictEqual(stored.definition, definition)) return { server: stored, created: false }
    }
    const [outcome] = await store.commit([putOf(definition, expected)])
    if (outcome?.type === 'rejected') throw new UnstorableDefinition(outcome.reason)
    if (outcome?.type === 'conflict') learn(id, servers.get(id), outcome.current)
    if (outcome?.type !== 'put') throw new ManualConflict(conflictMessage(id, expected), servers.get(id))
    applyRegistration(outcome.registration)
    const server = servers.get(id)
    if (!server) throw new ManualConflict(`Server ${id} was removed during the write`, undefined)
    return { server, created: outcome.created }
  }

  /** Removes a server; false where none is stored. */
  async function remove(id: ServerId, expectedVersion?: string): Promise<boolean> {
    const known = servers.get(id)
    const expect = expectedVersion === undefined ? 'any' : { version: expectedVersion }
    const [outcome] = await store.commit([{ type: 'delete', ...serverKey('manual', id), expect }])
    if (outcome?.type === 'deleted') applyDeletion(id, outcome.resource_version)
    else if (outcome?.type === 'conflict') learn(id, known, outcome.current)
    if (outcome?.type === 'conflict' && outcome.current)
      throw new ManualConflict(conflictMessage(id, expect), servers.get(id))
    return outcome?.type === 'deleted'
  }

  /** What `put` would do; rejects as it would, and writes nothing. */
  async function rehearsePut(
    definition: ServerDefinition,
    expected: WriteCondition,
  ): Promise<'create' | 'replace' | 'none'> {
    const reason = rejectionReason(putOf(definition, expected))
    if (reason !== undefined) throw new UnstorableDefinition(reason)
    const current = await requireExpected(serverId(definition.namespace, definition.name), expected)
    if (!current) return 'create'
    return isDeepStrictEqual(current.definition, definition) ? 'none' : 'replace'
  }

  /** Rejects as `remove` would, and removes nothing. */
  async function rehearseRemoval(id: ServerId, expectedVersion?: string): Promise<void> {
    await requireExpected(id, expectedVersion === undefined ? 'any' : { version: expectedVersion })
  }

  async function requireExpected(id: ServerId, expected: WriteCondition): Promise<ManualServer | undefined> {
    const current = await read(id)
    if (isPreconditionMet(expected, current?.stored)) return current
    throw new ManualConflict(conflictMessage(id, expected), current)
  }

  /** The server as the store has it now: another daemon may have written or removed it a moment ago. */
  async function read(id: ServerId): Promise<ManualServer | undefined> {
    const known = servers.get(id)
    const expect = known ? { version: known.stored.resource_version } : 'none'
    const [outcome] = await store.commit([{ type: 'confirm', ...serverKey('manual', id), expect }])
    if (outcome?.type === 'conflict') learn(id, known, outcome.current)
    return servers.get(id)
  }

  /** Applies what the store has in place of `known`. */
  function learn(id: ServerId, known: ManualServer | undefined, stored: StoredRegistration | undefined): void {
    if (stored) applyRegistration(stored)
    else if (known) removeUpTo(id, known.stored.resource_version)
  }

  /** Applies a stored registration, unless a newer version or a later deletion is known. */
  function applyRegistration(registration: StoredRegistration, force = false): void {
    const { namespace, name, definition, resource_version, created_at, updated_at } = registration
    const id = serverId(namespace, name)
    const current = servers.get(id)
    if (!force) {
      if (current && !isNewer(resource_version, current.stored.resource_version)) return
      if (tombstones.covers(id, resource_version)) return
    }
    const server = {
      id,
      definition: JSON.parse(definition) as ServerDefinition,
      stored: { resource_version, created_at, updated_at },
    }
    servers.set(id, server)
    push?.({ type: 'change', readings: [readingOf(server)], gone: [] })
  }

  /** Applies a deletion at a version; a newer registration of the id stays. */
  function applyDeletion(id: ServerId, version: string): void {
    tombstones.record(id, version)
    removeUpTo(id, version)
  }

  function removeUpTo(id: ServerId, version: string): void {
    const current = servers.get(id)
    if (!current || isNewer(current.stored.resource_version, version)) return
    drop(id)
  }

  function drop(id: ServerId): void {
    servers.delete(id)
    push?.({ type: 'change', readings: [], gone: [id] })
  }

  /** Applies the snapshot of the store at `version`; servers written after it stay. */
  function load(registrations: readonly StoredRegistration[], version: string): void {
    const present = new Set(registrations.map(({ namespace, name }) => serverId(namespace, name)))
    for (const id of servers.keys()) if (!present.has(id)) removeUpTo(id, version)
    for (const registration of registrations) applyRegistration(registration)
  }

  /** The registrations in memory, for a store that went back. */
  const book: Book = {
    held: () => Array.from(servers.values(), heldOf),
    reset: ({ registrations }, kept) => {
      tombstones.clear()
      const stored = registrations.filter(({ kind }) => kind === 'manual')
      const present = new Set(stored.map(({ namespace, name }) => serverId(namespace, name)))
      for (const id of servers.keys())
        if (!present.has(id) && !kept.has(registrationKey(serverKey('manual', id)))) drop(id)
      for (const one of stored) if (!kept.has(registrationKey(one))) applyRegistration(one, true)
    },
    replace: ({ namespace, name }, stored) =>
      stored ? applyRegistration(stored, true) : drop(serverId(namespace, name)),
  }

  return {
    attach,
    detach,
    put,
    remove,
    read,
    rehearsePut,
    rehearseRemoval,
    load,
    applyRegistration,
    applyDeletion,
    book,
    get: (id: ServerId) => servers.get(id),
    /** Whether a source publishes the servers. */
    isPublished: () => push !== undefined,
    size: () => servers.size,
  }
}

function heldOf({ id, definition, stored: { resource_version: version, created_at } }: ManualServer): HeldRegistration {
  const key = serverKey('manual', id)
  const toPut = () =>
    ({ type: 'put', ...key, definition: JSON.stringify(definition), expect: 'any', created_at }) as const
  return { key, version, toPut }
}

function putOf(definition: ServerDefinition, expect: WriteCondition) {
  const { namespace, name } = definition
  return { type: 'put', kind: 'manual', namespace, name, definition: JSON.stringify(definition), expect } as const
}

function conflictMessage(id: ServerId, expected: WriteCondition): string {
  if (expected === 'none') return `Server ${id} already exists`
  const version = expected === 'any' ? '' : ` ${expected.version}`
  return `resource_version${version} of server ${id} is stale; read the server again and retry`
}

function readingOf({ id, definition, stored }: ManualServer): Reading {
  return { origin: id, entries: [{ definition, stored }] }
}
