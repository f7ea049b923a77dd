import { createFeed } from '../flow/feed.ts'
import { atOnce, sorting } from '../flow/slices.ts'
import type { Capability } from '../model/capability.ts'
import type { Batch, Change, Registered } from '../model/change.ts'
import type { Health } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import { byPrecedence, type Candidate, type Delta, type Layer } from './candidate.ts'
import { createIndexes, type Indexes } from './indexes.ts'
import { type Moment, type Probed, type Row, rowOf, stamp } from './picture.ts'
import { createTally, type Tally } from './tally.ts'

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
  readonly get: (id: ServerId) => Registered | undefined
  /** Every server, ordered by id. */
  readonly list: () => readonly Registered[]
  /** One page of the servers that a query asks for, and how many there are in all. */
  readonly select: Indexes['select']
  /** How many servers have each value of a field. */
  readonly counts: Indexes['counts']
  /** What is counted of all servers; good until the next change. */
  readonly tally: () => Tally
  /** Registers at once; `push` is called once per revision, synchronously, with what it changed. Returns how to leave. */
  readonly subscribe: (push: (batch: Batch) => void) => () => void
  /** Notes verdicts of the monitor; those that change nothing make no revision. */
  readonly observe: (observations: readonly Observation[]) => void
}

/** One id that a delta touches: what was there, and what will be, as long as that holds. */
type Part = {
  readonly before: Row | undefined
  readonly rivals: readonly Candidate[]
  readonly next: Row | undefined
  /** What anybody sees of it. */
  readonly change: Change | undefined
}

/** A commit worked out ahead. */
export type Rehearsal = {
  readonly delta: Delta
  /** Under which order of the layers. */
  readonly ranking: number
  readonly parts: ReadonlyMap<ServerId, Part>
}

/** The side of the registry that only the supervisor uses. */
export type RegistryCore = Registry & {
  /** Works out ahead what a commit will take, and changes nothing; yields wherever it may be interrupted. */
  readonly rehearse: (delta: Delta) => Generator<void, Rehearsal>
  /**
   * Applies what a sighting changed, as one revision; the changes it made. Of a rehearsal of the same delta, it takes what
   * still holds.
   */
  readonly commit: (delta: Delta, rehearsal?: Rehearsal) => readonly Change[]
  /** Ranks the layers anew, and applies `delta` with it, as one revision: a reload. */
  readonly rerank: (layers: readonly Layer[], delta: Delta) => readonly Change[]
  /** Has `settle` called before every read; it may commit. */
  readonly settleWith: (settle: () => void) => void
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
  const rows = new Map<ServerId, Row>()
  const indexes = createIndexes()
  const tally = createTally()
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

  function moment(): Moment {
    return { at: new Date(now()).toISOString(), version: tokenOf(revision + 1) }
  }

  /** The row of one id, from who competes for it, best first; undefined for nobody. */
  function rowAfter(before: Row | undefined, [winner, ...losers]: readonly Candidate[], when: Moment): Row | undefined {
    if (!winner) return undefined
    if (!before || !looksLike(before, winner, losers)) return rowOf(winner, losers, { before, moment: when })
    return isSame(before.losers, losers) ? before : { ...before, losers }
  }

  /** Who will compete for each id that a delta touches, best first. */
  function* contest({ gone, come }: Delta): Generator<void, Map<ServerId, readonly Candidate[]>> {
    const after = new Map<ServerId, readonly Candidate[]>()
    const leaving = new Set(gone)
    for (const { id } of gone) {
      yield
      if (!after.has(id))
        after.set(
          id,
          rivalsIn(rows.get(id)).filter((candidate) => !leaving.has(candidate)),
        )
    }
    for (const candidate of come) {
      yield
      const rivals = after.get(candidate.id) ?? rivalsIn(rows.get(candidate.id))
      after.set(candidate.id, rivals.length > 0 ? [...rivals, candidate].toSorted(byPrecedence) : [candidate])
    }
    return after
  }

  function* rehearse(delta: Delta): Generator<void, Rehearsal> {
    const began = ranking
    const when = moment()
    const parts = new Map<ServerId, Part>()
    const contested = yield* contest(delta)
    // In the order of the ids, so that whoever keeps them in order finds them so.
    for (const id of yield* sorting([...contested.keys()])) {
      yield
      const before = rows.get(id)
      const rivals = contested.get(id) ?? []
      const next = rowAfter(before, rivals, when)
      parts.set(id, { before, rivals, next, change: changeOf(before, next) })
    }
    return { delta, ranking: began, parts }
  }

  function commit(delta: Delta, rehearsal?: Rehearsal): readonly Change[] {
    const isUsable = rehearsal?.delta === delta && rehearsal.ranking === ranking
    const { parts } = isUsable ? rehearsal : atOnce(rehearse(delta))
    const when = moment()
    const changes: Change[] = []
    for (const [id, part] of parts) {
      const before = rows.get(id)
      if (before !== part.before) {
        put(id, rowAfter(before, rivalsAfter(part, before), when), changes)
        continue
      }
      const { next, change } = part
      if (next) rows.set(id, next)
      else rows.delete(id)
      if (!change) continue
      // Nobody has seen it yet.
      if (next) stamp(next, before, when)
      changes.push(change)
    }
    return publish(changes)
  }

  /** Puts a row in the place of the one before; what anybody sees of that is a change. */
  function put(id: ServerId, next: Row | undefined, changes: Change[]): void {
    const before = rows.get(id)
    if (next) rows.set(id, next)
    else rows.delete(id)
    const change = changeOf(before, next)
    if (change) changes.push(change)
  }

  function publish(changes: readonly Change[]): readonly Change[] {
    if (changes.length === 0) return changes
    tally.apply(changes)
    indexes.apply(changes)
    revision += 1
    feed.publish({ revision, token: tokenOf(revision), changes })
    return changes
  }

  function rerank(layers: readonly Layer[], delta: Delta): readonly Change[] {
    for (const [order, layer] of layers.entries()) layer.order = order
    ranking += 1
    const after = atOnce(contest(delta))
    for (const [id, row] of rows) {
      if (row.losers.length > 0) after.set(id, (after.get(id) ?? rivalsIn(row)).toSorted(byPrecedence))
    }
    const when = moment()
    const changes: Change[] = []
    for (const [id, rivals] of after) put(id, rowAfter(rows.get(id), rivals, when), changes)
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
      put(id, rowOf(row.candidate, row.losers, { before: row, probed, moment: when }), changes)
    }
    publish(changes)
  }

  return {
    token: () => (settled(), tokenOf(revision)),
    revision: () => (settled(), revision),
    size: () => (settled(), rows.size),
    get: (id) => (settled(), rows.get(id)),
    list: () => (settled(), indexes.list()),
    select: (query, isNamed) => (settled(), indexes.select(query, isNamed)),
    counts: (field) => (settled(), indexes.counts(field)),
    tally: () => (settled(), tally.read()),
    subscribe: (push) => feed.subscribe(push),
    observe,
    rehearse,
    commit,
    rerank,
    settleWith: (hook) => void (settle = hook),
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

function changeOf(before: Row | undefined, now: Row | undefined): Change | undefined {
  if (!now) return before && { type: 'DELETED', before }
  if (!before) return { type: 'ADDED', now }
  return before.server === now.server ? undefined : { type: 'MODIFIED', now, before }
}

function rivalsIn(row: Row | undefined): readonly Candidate[] {
  return row ? [row.candidate, ...row.losers] : []
}

/** Who competes where something else was committed after a part was rehearsed. */
function rivalsAfter({ before, rivals }: Part, now: Row | undefined): readonly Candidate[] {
  const had = rivalsIn(before)
  const left = rivalsIn(now).filter((candidate) => !had.includes(candidate) || rivals.includes(candidate))
  const come = rivals.filter((candidate) => !had.includes(candidate))
  return [...left, ...come].toSorted(byPrecedence)
}

/** Whether everybody sees the same row with this winner and these losers. */
function looksLike({ server, candidate }: Row, winner: Candidate, losers: readonly Candidate[]): boolean {
  if (candidate !== winner || server.shadows.length !== losers.length) return false
  return server.shadows.every(
    ({ source, origin }, at) => source === losers[at]?.layer.name && origin === losers[at].origin,
  )
}

function isSame(before: readonly Candidate[], now: readonly Candidate[]): boolean {
  return before.length === now.length && before.every((candidate, at) => candidate === now[at])
}

function unchanged(probed: Probed | undefined, { health, capabilities, version }: Probed): boolean {
  if (!probed) return false
  if (probed.health.status !== health.status || probed.health.reason !== health.reason) return false
  if (probed.health.protocol_version !== health.protocol_version) return false
  if (version !== undefined && version !== probed.version) return false
  return capabilities === undefined || JSON.stringify(capabilities) === JSON.stringify(probed.capabilities ?? [])
}
