import type { Clock } from '../../flow/clock.ts'
import { forEachYielding } from '../../flow/cooperative.ts'
import type { Batch, RegisteredServer } from '../../model/change.ts'
import type { ProbeResult, Status } from '../../model/health.ts'
import type { ServerId } from '../../model/names.ts'
import type { Registry } from '../../registry/registry.ts'
import type { StoredStatistics } from '../../stores/store.ts'
import { decodeHistory, joinHistories, maxHistoryBytes, type PastProbe } from '../evaluation/history.ts'
import { addRings, decodeRings, encodeRings } from './rings-encoding.ts'
import { countFailure, countFlap, countSuccess, createRings, type Rings, sizeOfRings } from './rings.ts'

/** Memory of all statistics at which no further server gets some. */
const defaultMaxBytes = 100 * 1024 * 1024
/** How long the statistics of a server that left are kept for its return. */
const absentMs = 24 * 3_600_000
/** Interval at which a server without probes is judged by its status. */
const sampleMs = 60_000

type ServerStatistics = {
  rings: Rings
  /** Changed since it was last stored. */
  isChanged: boolean
  /** Monotonic time at which the server left. */
  absentSince?: number | undefined
  /** Probes of the process before, encoded; until there are enough of this one. */
  earlier?: Buffer | undefined
}

export type Statistics = ReturnType<typeof createStatistics>

/**
 * Counts what probes show of every server, in rings of bounded size.
 *
 * A server that is not probed, such as an agent, is judged once a minute by its status. Failures that do not count for the health of
 * a server do not count here.
 */
export function createStatistics({
  registry,
  clock,
  historyOf,
  maxBytes = defaultMaxBytes,
}: {
  registry: Pick<Registry, 'list' | 'get' | 'subscribe'>
  clock: Clock
  /** The last probes of a server; undefined where it is not probed. */
  historyOf: (id: ServerId) => { readonly list: () => readonly PastProbe[]; readonly encode: () => Buffer } | undefined
  maxBytes?: number
}) {
  const servers = new Map<ServerId, ServerStatistics>()
  /** Servers that left, the first one first. */
  const absent = new Set<ServerId>()
  /** Servers whose stored statistics are to be removed. */
  let forgotten = new Set<ServerId>()
  let bytes = 0
  let cancelSample = clock.after(sampleMs, sampleSoon)

  const minute = () => Math.floor(clock.wall() / 60_000)
  const unsubscribe = registry.subscribe(follow)

  /** The statistics to count into; undefined where there is no memory for another server. */
  function open(id: ServerId): ServerStatistics | undefined {
    const existing = servers.get(id)
    if (existing) return existing
    while (bytes >= maxBytes && absent.size > 0) forget(absent.values().next().value!)
    if (bytes >= maxBytes) return undefined
    const created = { rings: createRings(minute()), isChanged: true }
    servers.set(id, created)
    bytes += sizeOfRings(created.rings)
    forgotten.delete(id)
    return created
  }

  function forget(id: ServerId): void {
    const found = servers.get(id)
    if (found) bytes -= sizeOfRings(found.rings)
    servers.delete(id)
    absent.delete(id)
    forgotten.add(id)
  }

  function change(id: ServerId, count: (rings: Rings, now: number) => void): void {
    const found = open(id)
    if (!found) return
    const before = sizeOfRings(found.rings)
    count(found.rings, minute())
    bytes += sizeOfRings(found.rings) - before
    found.isChanged = true
  }

  function probed(ids: Iterable<ServerId>, { ok, reason, response_time_ms }: ProbeResult): void {
    for (const id of ids)
      change(id, (rings, now) => (ok ? countSuccess(rings, now, response_time_ms) : countFailure(rings, now, reason)))
  }

  function follow({ changes }: Pick<Batch, 'changes'>): void {
    for (const { type, now, before } of changes) {
      if (type === 'MODIFIED' && isFlap(before.server.status, now.server.status)) change(now.server.id, countFlap)
      else if (type === 'ADDED') setAbsent(now.server.id, undefined)
      else if (type === 'DELETED') setAbsent(before.server.id, clock.now())
    }
  }

  function setAbsent(id: ServerId, since: number | undefined): void {
    const found = servers.get(id)
    if (!found) return
    found.absentSince = since
    absent.delete(id)
    if (since !== undefined) absent.add(id)
  }

  function sampleSoon(): void {
    cancelSample = clock.after(sampleMs, sampleSoon)
    for (const id of absent) {
      if (clock.now() - (servers.get(id)?.absentSince ?? 0) < absentMs) break
      forget(id)
    }
    void forEachYielding(registry.list(), sample)
  }

  function sample({ server: { id, status, health } }: RegisteredServer): void {
    if (!isJudged(status) || historyOf(id)) return
    const isWell = status === 'healthy' || status === 'degraded'
    change(id, (rings, now) => (isWell ? countSuccess(rings, now) : countFailure(rings, now, health.reason)))
  }

  /** The last 60 probes of a server, oldest first. */
  function timeline(id: ServerId): readonly PastProbe[] {
    const since = historyOf(id)?.list() ?? []
    const earlier = servers.get(id)?.earlier
    return earlier ? joinHistories(decodeHistory(earlier), since) : since
  }

  /** Takes statistics from before the start; `isPresent` tells whether the server is registered. */
  function restore({ server, statistics }: StoredStatistics): void {
    const decoded = decodeRings(statistics)
    if (!decoded) return
    const found = open(server)
    if (!found) return
    const before = sizeOfRings(found.rings)
    addRings(decoded.rings, found.rings, minute())
    found.rings = decoded.rings
    bytes += sizeOfRings(found.rings) - before
    if (decoded.timeline.length > 0) found.earlier = decoded.timeline
    if (!registry.get(server)) setAbsent(server, clock.now())
  }

  /** The statistics that changed since the last call, encoded one by one as they are read. */
  function* takeChanged(): Generator<StoredStatistics> {
    for (const [server, found] of servers) {
      if (!found.isChanged) continue
      found.isChanged = false
      yield { server, statistics: encodeRings(found.rings, encodedTimeline(server, found)) }
    }
  }

  function encodedTimeline(id: ServerId, found: ServerStatistics): Buffer {
    const since = historyOf(id)?.encode() ?? Buffer.alloc(0)
    if (since.length >= maxHistoryBytes) found.earlier = undefined
    return found.earlier ? Buffer.concat([found.earlier, since]).subarray(-maxHistoryBytes) : since
  }

  /** The servers whose stored statistics are to be removed, since the last call. */
  function takeForgotten(): readonly ServerId[] {
    const taken = [...forgotten]
    forgotten = new Set()
    return taken
  }

  /** Takes back what could not be written, or removed. */
  function putBack(changed: readonly ServerId[], removed: readonly ServerId[]): void {
    for (const id of changed) {
      const found = servers.get(id)
      if (found) found.isChanged = true
    }
    for (const id of removed) if (!servers.has(id)) forgotten.add(id)
  }

  return {
    probed,
    /** The rings of a server; undefined where it has none. */
    ringsOf: (id: ServerId): Rings | undefined => servers.get(id)?.rings,
    timeline,
    minute,
    /** Whether servers go without statistics, because their memory is used up. */
    isFull: () => bytes >= maxBytes,
    restore,
    takeChanged,
    takeForgotten,
    putBack,
    counts: () => ({ servers: servers.size, bytes }),
    close: () => {
      unsubscribe()
      cancelSample()
    },
  }
}

/** Whether a status says that a server is well or not. */
function isJudged(status: Status): boolean {
  return status !== 'pending' && status !== 'unknown'
}

function isFlap(before: Status, now: Status): boolean {
  return before !== now && isJudged(before) && isJudged(now)
}
