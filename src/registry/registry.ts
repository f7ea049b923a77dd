import { isDeepStrictEqual } from 'node:util'
import { runToCompletion } from '../flow/cooperative.ts'
import { createFeed } from '../flow/feed.ts'
import type { Capability } from '../model/capability.ts'
import type { Batch, Change, RegisteredServer } from '../model/change.ts'
import type { Health } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import type { Server } from '../model/server.ts'
import { byPrecedence, type Delta, type Layer } from './candidate.ts'
import { changeBetween, contendersAfter, newRecords, type PlannedRow, planRows, recordAfter } from './commit-plan.ts'
import { createCounters, type Counters } from './counters.ts'
import { createServerIndex, type ServerIndex } from './index/server-index.ts'
import { rebaseContenders, contendersOf } from './precedence.ts'
import { type CommitStamp, type ProbedState, type ServerRecord, createRecord, stampRecord } from './record.ts'

/** What the monitor found out about a server. Dropped when the server's target is no longer `target`. */
export type Observation = {
  readonly id: ServerId
  /** `targetKey(server)` at the time of the probe. */
  readonly target: string
  readonly health: Health
  /** What the server said of itself when it was asked; left out: what was known stays. */
  readonly capabilities?: readonly Capability[]
  readonly version?: string
}

/** The one merged picture. Every read first settles what is due (leases), so it is never behind. */
export type Registry = {
  /** `epoch-revision`. */
  readonly token: () => string
  readonly revision: () => number
  readonly size: () => number
  readonly get: (id: ServerId) => RegisteredServer | undefined
  /** Every server, ordered by id. */
  readonly list: () => readonly RegisteredServer[]
  /** One page of the servers that a query asks for, and how many there are in all. */
  readonly select: ServerIndex['select']
  /** How many servers have each value of a field. */
  readonly counts: ServerIndex['counts']
  /** What is counted of all servers; good until the next change. */
  readonly counters: () => Counters
  /** Registers at once; `push` is called once per revision, synchronously, with what it changed. Returns how to leave. */
  readonly subscribe: (push: (batch: Batch) => void) => () => void
  /** Notes verdicts of the monitor; those that change nothing make no revision. */
  readonly observe: (observations: readonly Observation[]) => void
}

/** A commit worked out ahead. */
export type PreparedCommit = {
  readonly delta: Delta
  /** Under which order of the layers. */
  readonly ranking: number
  readonly parts: readonly PlannedRow[]
}

/** The side of the registry that only the supervisor uses. */
export type RegistryCore = Registry & {
  /** Works out ahead what a commit will take, and changes nothing; yields wherever it may be interrupted. */
  readonly prepareCommit: (delta: Delta) => Generator<void, PreparedCommit>
  /** Lets go of what was rehearsed and will not be committed. */
  readonly discardCommit: (rehearsal: PreparedCommit) => void
  /**
   * Applies what a sighting changed, as one revision; the changes it made. Of a rehearsal of the same delta, it takes what
   * still holds.
   */
  readonly commit: (delta: Delta, rehearsal?: PreparedCommit) => readonly Change[]
  /** Ranks the layers anew, and applies `delta` with it, as one revision: a reload. */
  readonly reorderSources: (layers: readonly Layer[], delta: Delta) => readonly Change[]
  /** Has `settle` called before every read; it may commit. */
  readonly beforeRead: (settle: () => void) => void
}

/**
 * Merges candidates into one picture: per id the winner by precedence, the losers as its shadows.
 *
 * Changes are atomic: a commit is one revision, whole before anybody is told, and its cost grows with what it touches.
 */
export function createRegistry({
  epoch = newEpoch(),
  now = Date.now,
  onError,
}: {
  epoch?: string
  now?: () => number
  onError: (error: unknown) => void
}): RegistryCore {
  const rows = createServerIndex<ServerRecord>()
  const counters = createCounters()
  const feed = createFeed<Batch>({ onError })
  let revision = 0
  /** Grows whenever the layers change their order. */
  let ranking = 0
  let settle: (() => void) | undefined
  let settling = false

  const tokenOf = (number: number) => `${epoch}-${number}`

  function settled(): void {
    if (!settle || settling) return
    settling = true
    try {
      settle()
    } finally {
      settling = false
    }
  }

  function moment(): CommitStamp {
    return { at: new Date(now()).toISOString(), version: tokenOf(revision + 1) }
  }

  function* prepareCommit(delta: Delta): Generator<void, PreparedCommit> {
    const began = ranking
    const parts = yield* planRows(rows, delta, moment())
    yield* rows.expect(newRecords(parts))
    return { delta, ranking: began, parts }
  }

  function discardCommit({ parts }: PreparedCommit): void {
    rows.forget(parts.map(({ id }) => id))
  }

  function commit(delta: Delta, rehearsal?: PreparedCommit): readonly Change[] {
    const isUsable = rehearsal?.delta === delta && rehearsal.ranking === ranking
    if (rehearsal && !isUsable) discardCommit(rehearsal)
    const parts = isUsable ? rehearsal.parts : runToCompletion(planRows(rows, delta, moment()))
    const when = moment()
    const changes: Change[] = []
    for (const part of parts) {
      const slot = rows.slotFor(part.id, part.slot)
      const before = rows.at(slot)
      if (before !== part.before) {
        put(part.id, recordAfter(before, rebaseContenders(part, before), when), changes)
        continue
      }
      const { next, change } = part
      rows.put(slot, next)
      if (!change) continue
      // Nobody has seen it yet.
      if (next) stampRecord(next, before, when)
      changes.push(change)
    }
    return publish(changes)
  }

  /** Puts a row in the place of the one before; what anybody sees of that is a change. */
  function put(id: ServerId, next: ServerRecord | undefined, changes: Change[]): void {
    const slot = rows.slotFor(id)
    const before = rows.at(slot)
    rows.put(slot, next)
    const change = changeBetween(before, next)
    if (change) changes.push(change)
  }

  function publish(changes: readonly Change[]): readonly Change[] {
    if (changes.length === 0) return changes
    counters.apply(changes)
    revision += 1
    feed.publish({ revision, token: tokenOf(revision), changes })
    return changes
  }

  function reorderSources(layers: readonly Layer[], delta: Delta): readonly Change[] {
    for (const [order, layer] of layers.entries()) layer.order = order
    ranking += 1
    const after = runToCompletion(contendersAfter(rows, delta))
    for (const row of rows.list()) {
      const { id } = row.server
      if (row.losers.length > 0) after.set(id, (after.get(id) ?? contendersOf(row)).toSorted(byPrecedence))
    }
    const when = moment()
    const changes: Change[] = []
    for (const [id, rivals] of after) put(id, recordAfter(rows.get(id), rivals, when), changes)
    return publish(changes)
  }

  function observe(observations: readonly Observation[]): void {
    const when = moment()
    const changes: Change[] = []
    const newest = new Map(observations.map((observation) => [observation.id, observation]))
    for (const { id, target, health, capabilities, version } of newest.values()) {
      const row = rows.get(id)
      if (!row || row.target !== target || unchanged(row.probed, { health, capabilities, version })) continue
      const probed = {
        health,
        capabilities: capabilities ?? row.probed?.capabilities,
        version: version ?? row.probed?.version,
      }
      const next = createRecord(row.candidate, row.losers, { before: row, probed, moment: when })
      const { server, json } = row
      put(id, isShownAs(server, next.server) ? { ...next, server, json } : next, changes)
    }
    publish(changes)
  }

  return {
    token: () => (settled(), tokenOf(revision)),
    revision: () => (settled(), revision),
    size: () => (settled(), rows.size()),
    get: (id) => (settled(), rows.get(id)),
    list: () => (settled(), rows.list()),
    select: (query, isNamed) => (settled(), rows.select(query, isNamed)),
    counts: (field) => (settled(), rows.counts(field)),
    counters: () => (settled(), counters.read()),
    subscribe: (push) => feed.subscribe(push),
    observe,
    prepareCommit: prepareCommit,
    discardCommit: discardCommit,
    commit,
    reorderSources,
    beforeRead: (hook) => void (settle = hook),
  }
}

/** Tells one life of the daemon from another, so that a token of an earlier one is never taken for one of this. */
function newEpoch(): string {
  return (
    Date.now().toString(36) +
    Math.floor(Math.random() * 36 ** 4)
      .toString(36)
      .padStart(4, '0')
  )
}

/** Whether what a probe found leaves a server as everybody sees it: its source may say worse. */
function isShownAs(before: Server, now: Server): boolean {
  const isAlike = before.version === now.version && before.capabilities === now.capabilities
  return isAlike && before.status === now.status && isDeepStrictEqual(before.health, now.health)
}

function unchanged(probed: ProbedState | undefined, { health, capabilities, version }: ProbedState): boolean {
  if (!probed) return false
  if (probed.health.status !== health.status || probed.health.reason !== health.reason) return false
  if (probed.health.protocol_version !== health.protocol_version) return false
  if (version !== undefined && version !== probed.version) return false
  return capabilities === undefined || JSON.stringify(capabilities) === JSON.stringify(probed.capabilities ?? [])
}
