import { createFeed } from '../flow/feed.ts'
import type { Capability } from '../model/capability.ts'
import type { Batch, Change, Registered } from '../model/change.ts'
import type { Health } from '../model/health.ts'
import type { ServerId } from '../model/names.ts'
import { byPrecedence, type Candidate, type Delta, type Layer } from './candidate.ts'
import { createIndexes, type Indexes } from './indexes.ts'
import { type Moment, type Probed, type Row, rowOf } from './picture.ts'

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
  /** Registers at once; `push` is called once per revision, synchronously, with what it changed. Returns how to leave. */
  readonly subscribe: (push: (batch: Batch) => void) => () => void
  /** Notes verdicts of the monitor; those that change nothing make no revision. */
  readonly observe: (observations: readonly Observation[]) => void
}

/** The side of the registry that only the supervisor uses. */
export type RegistryCore = Registry & {
  /** Applies what a sighting changed, as one revision; the changes it made. */
  readonly commit: (delta: Delta) => readonly Change[]
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
  const contenders = new Map<ServerId, readonly Candidate[]>()
  const indexes = createIndexes()
  const feed = createFeed<Batch>({ onError })
  let revision = 0
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

  /** Works out the row of one id anew; undefined where nothing that anybody sees has changed. */
  function remade(id: ServerId, when: Moment, probed?: Probed): Change | undefined {
    const before = rows.get(id)
    const [winner, ...losers] = contenders.get(id) ?? []
    if (!winner) return before && { type: 'DELETED', before }
    if (before && !probed && before.candidate === winner && sameShadows(before, losers)) return undefined
    const row = rowOf(winner, losers, before, probed, when)
    return before ? { type: 'MODIFIED', now: row, before } : { type: 'ADDED', now: row }
  }

  function publish(changes: readonly Change[]): readonly Change[] {
    if (changes.length === 0) return changes
    for (const { now: row, before } of changes) {
      if (row) rows.set(row.server.id, row as Row)
      else if (before) rows.delete(before.server.id)
    }
    indexes.apply(changes)
    revision += 1
    feed.publish({ revision, token: tokenOf(revision), changes })
    return changes
  }

  function compete({ gone, come }: Delta): Set<ServerId> {
    const touched = new Set<ServerId>()
    const leaving = new Set(gone)
    for (const { id } of gone) touched.add(id)
    for (const id of touched) {
      const left = contenders.get(id)?.filter((candidate) => !leaving.has(candidate)) ?? []
      if (left.length > 0) contenders.set(id, left)
      else contenders.delete(id)
    }
    for (const candidate of come) {
      const rivals = contenders.get(candidate.id)
      contenders.set(candidate.id, rivals ? [...rivals, candidate].toSorted(byPrecedence) : [candidate])
      touched.add(candidate.id)
    }
    return touched
  }

  function remake(ids: Iterable<ServerId>): readonly Change[] {
    const when = moment()
    const changes: Change[] = []
    for (const id of ids) {
      const change = remade(id, when)
      if (change) changes.push(change)
    }
    return publish(changes)
  }

  function rerank(layers: readonly Layer[], delta: Delta): readonly Change[] {
    for (const [order, layer] of layers.entries()) layer.order = order
    const touched = compete(delta)
    for (const [id, rivals] of contenders) {
      if (rivals.length < 2) continue
      contenders.set(id, rivals.toSorted(byPrecedence))
      touched.add(id)
    }
    return remake(touched)
  }

  function observe(observations: readonly Observation[]): void {
    const when = moment()
    const changes: Change[] = []
    const newest = new Map(observations.map((observation) => [observation.id, observation]))
    for (const { id, target, health, capabilities, version } of newest.values()) {
      const row = rows.get(id)
      if (!row || row.target !== target || unchanged(row.probed, { health, capabilities, version })) continue
      const change = remade(id, when, {
        health,
        capabilities: capabilities ?? row.probed?.capabilities,
        version: version ?? row.probed?.version,
      })
      if (change) changes.push(change)
    }
    publish(changes)
  }

  return {
    token: () => (settled(), tokenOf(revision)),
    revision: () => (settled(), revision),
    size: () => (settled(), rows.size),
    get: (id) => (settled(), rows.get(id)),
    list: () => (settled(), indexes.list()),
    select: (query) => (settled(), indexes.select(query)),
    counts: (field) => (settled(), indexes.counts(field)),
    subscribe: (push) => feed.subscribe(push),
    observe,
    commit: (delta) => remake(compete(delta)),
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

function sameShadows({ server }: Row, losers: readonly Candidate[]): boolean {
  if (server.shadows.length !== losers.length) return false
  return server.shadows.every(
    ({ source, origin }, at) => source === losers[at]?.layer.name && origin === losers[at].origin,
  )
}

function unchanged(probed: Probed | undefined, { health, capabilities, version }: Probed): boolean {
  if (!probed) return false
  if (probed.health.status !== health.status || probed.health.reason !== health.reason) return false
  if (probed.health.protocol_version !== health.protocol_version) return false
  if (version !== undefined && version !== probed.version) return false
  return capabilities === undefined || JSON.stringify(capabilities) === JSON.stringify(probed.capabilities ?? [])
}
