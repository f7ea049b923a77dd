import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { runToCompletion } from '../flow/cooperative.ts'
import { createFeed } from '../flow/feed.ts'
import type { Capability } from '../model/capability.ts'
import type { Batch, Change, RegisteredServer } from '../model/change.ts'
import type { Health } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import { stateToken } from '../model/query/state-token.ts'
import type { Delta, Layer } from './candidate.ts'
import {
  candidatesAfter,
  changeBetween,
  newRecords,
  nextRecord,
  type PlannedRecord,
  planRecords,
} from './commit-plan.ts'
import { createCounters, type Counters } from './counters.ts'
import type { ResponseTimeOf } from './index/pagination.ts'
import { createServerIndex, type ServerIndex } from './index/server-index.ts'
import { byPrecedence, candidatesOf, rebaseCandidates } from './precedence.ts'
import {
  type CommitStamp,
  createRecord,
  isShownAlike,
  isKnownAlready,
  type ServerRecord,
  stampRecord,
} from './record.ts'
import { createServerDigest, createStateDigest, type DigestKey, digestKeyOf } from './state-digest.ts'

/** An observation of the monitor about a server. Ignored when the server has another target by then. */
export type Observation = {
  readonly id: ServerId
  /** `targetKey(server)` at the time of the probe. */
  readonly target: string
  readonly health: Health
  /** As the server itself reported them; absent: the stored ones stay. */
  readonly capabilities?: readonly Capability[]
  readonly version?: string
}

/** The merged servers of all sources. Every read first runs the `beforeRead` hook, so that it sees all expired leases. */
export type Registry = {
  /** Names the state, here and at every registry with the same key of digests. */
  readonly token: () => string
  readonly revision: () => number
  readonly size: () => number
  readonly get: (id: ServerId) => RegisteredServer | undefined
  /** The location of the definition in its origin, as last read (`line 12`); it changes without a revision. */
  readonly whereOf: (id: ServerId) => string | undefined
  /** Every server, ordered by id. */
  readonly list: () => readonly RegisteredServer[]
  /** One page of the servers that match a query, and the number of all that match. */
  readonly select: ServerIndex['select']
  /** The number of servers per value of a field. */
  readonly counts: ServerIndex['counts']
  /** Totals over all servers; valid until the next change. */
  readonly counters: () => Counters
  /** Calls `push` synchronously, once per revision, with its changes. Returns how to unsubscribe. */
  readonly subscribe: (push: (batch: Batch) => void) => () => void
  /** Applies observations of the monitor as one revision; no revision where nothing changes. */
  readonly observe: (observations: readonly Observation[]) => void
  /** Applies the overrides of these servers again, as one revision. Called when `overrideOf` has changed. */
  readonly applyOverrides: (ids: readonly ServerId[]) => void
}

/** A commit computed ahead of time. */
export type PreparedCommit = {
  readonly delta: Delta
  /** The order of the layers that it was computed with. */
  readonly layerOrder: number
  readonly plan: readonly PlannedRecord[]
}

/** The side of the registry that only the supervisor uses. */
export type RegistryCore = Registry & {
  /** Computes a commit without changing anything; yields wherever it may be interrupted. */
  readonly prepareCommit: (delta: Delta) => Generator<void, PreparedCommit>
  /** Releases what a prepared commit reserved; instead of `commit`. */
  readonly discardCommit: (prepared: PreparedCommit) => void
  /**
   * Applies a delta as one revision, and returns its changes. Uses a prepared commit of the same delta, as far as it is
   * still valid.
   */
  readonly commit: (delta: Delta, prepared?: PreparedCommit) => readonly Change[]
  /** Reorders the layers and applies `delta`, as one revision: a reload. */
  readonly reorderSources: (layers: readonly Layer[], delta: Delta) => readonly Change[]
  /** Sets the hook that runs before every read; it may commit. */
  readonly beforeRead: (hook: () => void) => void
  /** Sets where response times are read: they order lists, and change without a revision. */
  readonly orderByResponseTime: (read: ResponseTimeOf) => void
  /** Hashes every server again, as one revision without changes. Registries of one key know each other's tokens. */
  readonly setDigestKey: (key: DigestKey) => void
}

/**
 * Merges candidates into one record per id: the winner by precedence, with the losers as its shadows.
 *
 * Changes are atomic: a commit is one revision, complete before any subscriber is called. Its cost grows with what it
 * touches.
 */
export function createRegistry({
  epoch = newEpoch(),
  now = Date.now,
  overrideOf,
  isProbing,
  onError,
}: {
  epoch?: string
  now?: () => number
  overrideOf?: CommitStamp['overrideOf']
  isProbing?: CommitStamp['isProbing']
  onError: (error: unknown) => void
}): RegistryCore {
  const index = createServerIndex<ServerRecord>({ responseTimeOf: (id) => responseTimeOf(id) })
  const counters = createCounters()
  const feed = createFeed<Batch>({ onError })
  const digest = createStateDigest()
  /** Until the key is set, no other registry has the same one. */
  let digestOf = createServerDigest(digestKeyOf(randomUUID()))
  let revision = 0
  /** Of the current revision. Made with it, since every cached response is compared with it. */
  let token = newToken()
  /** Counts the reorders of the layers, and the changes of overrides and of the key: what was prepared before one is computed again. */
  let layerOrder = 0
  let beforeRead: (() => void) | undefined
  let responseTimeOf: ResponseTimeOf = () => undefined
  let isInHook = false

  function newToken(): string {
    return stateToken({ epoch, revision, digest: digest.text() })
  }

  function runHook(): void {
    if (!beforeRead || isInHook) return
    isInHook = true
    try {
      beforeRead()
    } finally {
      isInHook = false
    }
  }

  function newStamp(): CommitStamp {
    const version = stateToken({ epoch, revision: revision + 1, digest: undefined })
    return { at: new Date(now()).toISOString(), version, overrideOf, digestOf, isProbing }
  }

  function* prepareCommit(delta: Delta): Generator<void, PreparedCommit> {
    const orderAtStart = layerOrder
    const plan = yield* planRecords(index, delta, newStamp())
    yield* index.expect(newRecords(plan))
    return { delta, layerOrder: orderAtStart, plan }
  }

  function discardCommit({ plan }: PreparedCommit): void {
    index.release(plan.map(({ id }) => id))
  }

  function commit(delta: Delta, prepared?: PreparedCommit): readonly Change[] {
    const isUsable = prepared?.delta === delta && prepared.layerOrder === layerOrder
    if (prepared && !isUsable) discardCommit(prepared)
    const plan = isUsable ? prepared.plan : runToCompletion(planRecords(index, delta, newStamp()))
    const stamp = newStamp()
    const changes: Change[] = []
    for (const planned of plan) {
      const slot = index.slotFor(planned.id, planned.slot)
      const before = index.at(slot)
      if (before !== planned.before) {
        put(planned.id, nextRecord(before, rebaseCandidates(planned, before), stamp), changes)
        continue
      }
      const { next, change } = planned
      replace(slot, before, next)
      if (!change) continue
      // Not published yet, so it may be changed in place.
      if (next) stampRecord(next, before, stamp)
      changes.push(change)
    }
    return publish(changes)
  }

  function replace(slot: number, before: ServerRecord | undefined, next: ServerRecord | undefined): void {
    index.put(slot, next)
    digest.replace(before?.digest, next?.digest)
  }

  /** Replaces the record of an id; appends to `changes` what subscribers see of it. */
  function put(id: ServerId, next: ServerRecord | undefined, changes: Change[]): void {
    const slot = index.slotFor(id)
    const before = index.at(slot)
    replace(slot, before, next)
    const change = changeBetween(before, next)
    if (change) changes.push(change)
  }

  function publish(changes: readonly Change[]): readonly Change[] {
    if (changes.length === 0) return changes
    counters.apply(changes)
    advance(changes)
    return changes
  }

  function advance(changes: readonly Change[]): void {
    revision += 1
    token = newToken()
    feed.publish({ revision, token, changes })
  }

  function setDigestKey(key: DigestKey): void {
    digestOf = createServerDigest(key)
    // What was prepared has digests of the old key.
    layerOrder += 1
    digest.clear()
    for (const record of index.list()) {
      const { server, candidate, probed } = record
      record.digest = digestOf({ server, candidate, introspected: probed?.capabilities })
      digest.replace(undefined, record.digest)
    }
    advance([])
  }

  function reorderSources(layers: readonly Layer[], delta: Delta): readonly Change[] {
    for (const [order, layer] of layers.entries()) layer.order = order
    layerOrder += 1
    const after = runToCompletion(candidatesAfter(index, delta))
    for (const record of index.list()) {
      const { id } = record.server
      if (record.losers.length > 0) after.set(id, (after.get(id) ?? candidatesOf(record)).toSorted(byPrecedence))
    }
    const stamp = newStamp()
    const changes: Change[] = []
    for (const [id, candidates] of after) put(id, nextRecord(index.get(id), candidates, stamp), changes)
    return publish(changes)
  }

  function observe(observations: readonly Observation[]): void {
    const stamp = newStamp()
    const changes: Change[] = []
    const newest = new Map(observations.map((observation) => [observation.id, observation]))
    for (const { id, target, health, capabilities, version } of newest.values()) {
      const record = index.get(id)
      if (!record || record.target !== target || isKnownAlready(record.probed, { health, capabilities, version }))
        continue
      const probed = {
        health,
        capabilities: capabilities ?? record.probed?.capabilities,
        version: version ?? record.probed?.version,
      }
      const next = createRecord(record.candidate, record.losers, { before: record, probed, stamp })
      const { server, json } = record
      put(id, isShownAlike(server, next.server) ? { ...next, server, json } : next, changes)
    }
    publish(changes)
  }

  function applyOverrides(ids: readonly ServerId[]): void {
    layerOrder += 1
    const stamp = newStamp()
    const changes: Change[] = []
    for (const id of ids) {
      const before = index.get(id)
      if (!before || isDeepStrictEqual(before.server.override, overrideOf?.(id))) continue
      put(id, createRecord(before.candidate, before.losers, { before, stamp }), changes)
    }
    publish(changes)
  }

  return {
    token: () => (runHook(), token),
    revision: () => (runHook(), revision),
    size: () => (runHook(), index.size()),
    get: (id) => (runHook(), index.get(id)),
    whereOf: (id) => (runHook(), index.get(id)?.candidate.where),
    list: () => (runHook(), index.list()),
    select: (query, isNamed) => (runHook(), index.select(query, isNamed)),
    counts: (field) => (runHook(), index.counts(field)),
    counters: () => (runHook(), counters.read()),
    subscribe: (push) => feed.subscribe(push),
    observe,
    applyOverrides,
    prepareCommit,
    discardCommit,
    commit,
    reorderSources,
    beforeRead: (hook) => void (beforeRead = hook),
    orderByResponseTime: (read) => void (responseTimeOf = read),
    setDigestKey,
  }
}

/** Identifies one run of the daemon, so that a token of an earlier run is not mistaken for one of this run. */
function newEpoch(): string {
  return (
    Date.now().toString(36) +
    Math.floor(Math.random() * 36 ** 4)
      .toString(36)
      .padStart(4, '0')
  )
}
