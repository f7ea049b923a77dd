import { isDeepStrictEqual } from 'node:util'
import { type ServerId, serverId } from '../model/names.ts'
import type { ServerDefinition } from '../model/server.ts'
import type { Reading, Sighting, StoredVersion } from '../model/source.ts'
import { isNewer, type Registration, type Store } from '../stores/store.ts'
import { createTombstones } from '../stores/tombstones.ts'

/** A server somebody wrote by hand. */
export type ManualServer = {
  readonly id: ServerId
  readonly definition: ServerDefinition
  readonly stored: StoredVersion
}

/** Another version is there than was expected, or something is there where nothing was. */
export class ManualConflict extends Error {
  override name = 'ManualConflict'
  readonly current: ManualServer | undefined

  constructor(message: string, current: ManualServer | undefined) {
    super(message)
    this.current = current
  }
}

/** What no store could keep; says what and why. */
export class ManualRefused extends Error {
  override name = 'ManualRefused'
}

export type ManualServers = ReturnType<typeof createManualServers>

/** Servers written by hand over the API: durable in the store, shown by the source `manual`. */
export function createManualServers({ store }: { store: Pick<Store, 'commit'> }) {
  const servers = new Map<ServerId, ManualServer>()
  const graves = createTombstones()
  let tell: ((sighting: Sighting) => void) | undefined

  function attach(to: (sighting: Sighting) => void): Sighting {
    tell = to
    return { type: 'picture', readings: [...servers.values()].map(readingOf) }
  }

  /** Ends what `attach` began, unless another has attached meanwhile. */
  function detach(from: (sighting: Sighting) => void): void {
    if (tell === from) tell = undefined
  }

  /**
   * Writes one server; resolves once it is safely stored and everybody can see it. `expected`: `none` where nothing may
   * be there yet, a version where exactly that one must be.
   */
  async function put(
    definition: ServerDefinition,
    expected: 'any' | 'none' | { version: string },
  ): Promise<{ server: ManualServer; created: boolean }> {
    const { namespace, name } = definition
    const id = serverId(namespace, name)
    const known = servers.get(id)
    if (known && expected === 'any' && isDeepStrictEqual(known.definition, definition))
      return { server: known, created: false }
    const [outcome] = await store.commit([
      { type: 'put', kind: 'manual', namespace, name, definition: JSON.stringify(definition), expect: expected },
    ])
    if (outcome?.type === 'rejected') throw new ManualRefused(outcome.reason)
    if (outcome?.type !== 'put') throw new ManualConflict(notAs(expected, id), servers.get(id))
    applyRegistration(outcome.registration)
    const server = servers.get(id)
    if (!server) throw new ManualConflict(`The server ${id} was removed meanwhile`, undefined)
    return { server, created: outcome.created }
  }

  /** Whether there was such a server. */
  async function remove(id: ServerId, expected?: string): Promise<boolean> {
    const known = servers.get(id)
    if (!known) return false
    const { namespace, name } = known.definition
    const expect = expected === undefined ? 'any' : { version: expected }
    const [outcome] = await store.commit([{ type: 'delete', kind: 'manual', namespace, name, expect }])
    if (outcome?.type === 'conflict' && outcome.current)
      throw new ManualConflict(`The server ${id} has changed meanwhile`, servers.get(id))
    if (outcome?.type === 'deleted') applyDeletion(id, outcome.resource_version)
    else forgetAt(id, known.stored.resource_version)
    return true
  }

  function applyRegistration({
    namespace,
    name,
    definition,
    resource_version,
    created_at,
    updated_at,
  }: Registration): void {
    const id = serverId(namespace, name)
    const known = servers.get(id)
    if (known && !isNewer(resource_version, known.stored.resource_version)) return
    if (graves.covers(id, resource_version)) return
    const server = {
      id,
      definition: JSON.parse(definition) as ServerDefinition,
      stored: { resource_version, created_at, updated_at },
    }
    servers.set(id, server)
    tell?.({ type: 'change', readings: [readingOf(server)], gone: [] })
  }

  /** Takes in that somebody deleted a server, unless it was written anew since. */
  function applyDeletion(id: ServerId, version: string): void {
    graves.record(id, version)
    forgetAt(id, version)
  }

  function forgetAt(id: ServerId, version: string): void {
    const known = servers.get(id)
    if (!known || isNewer(known.stored.resource_version, version)) return
    servers.delete(id)
    tell?.({ type: 'change', readings: [], gone: [id] })
  }

  /** Takes in what the store held at `version`; what was written since is no part of it, and stays. */
  function load(registrations: readonly Registration[], version: string): void {
    const present = new Set(registrations.map(({ namespace, name }) => serverId(namespace, name)))
    for (const id of servers.keys()) if (!present.has(id)) forgetAt(id, version)
    for (const registration of registrations) applyRegistration(registration)
  }

  return {
    attach,
    detach,
    put,
    remove,
    load,
    applyRegistration,
    applyDeletion,
    get: (id: ServerId) => servers.get(id),
    /** Whether somebody shows what is written here. */
    isPublished: () => tell !== undefined,
    size: () => servers.size,
  }
}

function notAs(expected: 'any' | 'none' | { version: string }, id: ServerId): string {
  if (expected === 'none') return `There is a server ${id} already`
  return `The server ${id} is not of the version that was expected: read it again and repeat the change on what you find`
}

function readingOf({ id, definition, stored }: ManualServer): Reading {
  return { origin: id, entries: [{ definition, stored }] }
}
