import { randomUUID } from 'node:crypto'
import { applyOperation, isWrite } from '../compare-and-set.ts'
import { type ChangeBatch, type ChangeCursor, registrationId, registrationKey, type StoreDriver } from '../driver.ts'
import type { Fence } from '../member.ts'
import type {
  OperationOutcome,
  RegistrationKey,
  Rewound,
  StoreChange,
  StoredHeartbeat,
  StoredStatistics,
  StoreOperation,
} from '../store.ts'
import { applyOperations } from './apply-operations.ts'
import type { CommitSession, Dialect, RowId } from './dialect.ts'
import { createEventLog } from './event-log.ts'
import { nextHeartbeats } from './heartbeat-window.ts'
import { createLineage, type HistoryFacts, nameOf } from './lineage.ts'
import { createOwnWrites } from './own-writes.ts'
import {
  heartbeatFromRow,
  keyFromRow,
  registrationFromRow,
  sourcesFromRows,
  type SqlRow,
  statisticsFromRow,
} from './stored-rows.ts'
import { type Terms, withTerms } from './terms.ts'

/** How long a deletion is stored for followers. */
const deletionRetentionMs = 3_600_000

/** A driver for a database server that several replicas may share. */
export function createServerDriver({
  dialect,
  writer = randomUUID(),
  pollMs,
}: {
  dialect: Dialect
  writer?: string
  pollMs: number
}): StoreDriver {
  const ownWrites = createOwnWrites()
  const lineage = createLineage()

  async function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const writes = operations.filter(isWrite).length
    if (writes === 0) return confirmAll(operations)
    const { outcomes, last } = await withTerms(operations, (terms) =>
      dialect.transaction((session) => commitIn(session, operations, { writes, terms })),
    )
    ownWrites.add(String(last - BigInt(writes) + 1n), String(last))
    lineage.see(String(last))
    return outcomes
  }

  /** Compares versions, and reads whole registrations only where they differ. */
  async function confirmAll(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const versions = await dialect.versions(operations.map(rowIdOf))
    const versionById = new Map(versions.map(({ kind, id, version }) => [`${String(kind)}:${String(id)}`, version]))
    const differing = operations.filter((operation) => {
      const { expect } = operation
      const stored = versionById.get(registrationKey(operation))
      return typeof expect === 'object' ? expect.version !== String(stored) : stored !== undefined
    })
    const rows = differing.length === 0 ? [] : await dialect.find(differing.map(rowIdOf))
    const current = new Map(rows.map(registrationFromRow).map((one) => [registrationKey(one), one]))
    const asked = new Set(differing)
    return operations.map((operation): OperationOutcome => {
      if (!asked.has(operation)) return { type: 'confirmed' }
      return applyOperation(operation, current.get(registrationKey(operation)), { version: '0', now: '' })
    })
  }

  async function commitIn(
    session: CommitSession,
    operations: readonly StoreOperation[],
    { writes, terms }: { writes: number; terms: Terms },
  ) {
    const { last, now } = await takeVersions(session, writes)
    await terms.hold(session)
    const ids = new Map(operations.map((operation) => [registrationKey(operation), rowIdOf(operation)]))
    const rows = await session.find([...ids.values()])
    const before = new Map(rows.map(registrationFromRow).map((one) => [registrationKey(one), one]))
    const retiring = operations.flatMap(({ type, name }) => (type === 'retire' ? name : []))
    const heartbeats = retiring.length === 0 ? [] : await session.foreignHeartbeats(retiring, writer)
    const { outcomes, after } = applyOperations(operations, {
      before,
      heartbeats: new Map(heartbeats.map(heartbeatFromRow).map((one) => [one.name, one])),
      lastVersion: last - BigInt(writes),
      now,
      isOver: terms.isOver,
    })
    const removed = [...before.keys()].filter((key) => !after.has(key)).map((key) => ids.get(key)!)
    const changed = [...after].filter(([key, one]) => before.get(key) !== one).map(([, one]) => one)
    const deletions = outcomes.flatMap((one) =>
      one.type === 'deleted' ? { ...one.before, version: one.resource_version } : [],
    )
    if (deletions.length > 0) {
      // The heartbeats of an agent go with its deletion, even where the same batch registers it again.
      const deleted = deletions.map(rowIdOf)
      await session.remove([...removed, ...deleted])
    }
    if (changed.length > 0) await session.put(changed)
    if (deletions.length > 0) await session.recordDeletions(deletions, now)
    terms.assertHeld()
    return { outcomes, last }
  }

  async function pruneDeletions(fence?: Fence): Promise<void> {
    await dialect.transaction(async (session) => {
      const { now } = await takeVersions(session, 0)
      if (fence && (await session.termLeft(fence)) <= 0) return
      await session.pruneDeletions(now - deletionRetentionMs)
    })
  }

  /** Versions above all that this daemon has seen, also where the database went back. */
  async function takeVersions(session: CommitSession, count: number) {
    const { last, now } = await session.takeVersions(count)
    const before = last - BigInt(count)
    if (!lineage.isBehind(String(before))) return { last, now }
    const next = BigInt(lineage.highest()) + BigInt(count)
    await session.rewind(String(before), String(next))
    return { last: next, now }
  }

  async function head() {
    const facts = await dialect.meta()
    lineage.begin(facts)
    if (lineage.isBehind(facts.version)) await dialect.transaction((session) => takeVersions(session, 0))
    else lineage.see(facts.version)
    return facts
  }

  /** What the database is in place of the one that this daemon has followed; undefined where it is the same. */
  async function rewoundSince(facts: HistoryFacts, cursor: ChangeCursor): Promise<Rewound | undefined> {
    const found = lineage.compare(facts, cursor)
    if (!found) return undefined
    // Versions that this daemon wrote in the other history may be assigned to others in this one.
    ownWrites.forgetBefore(lineage.highest())
    const deleted: RegistrationKey[] = []
    for (let after = found.to; ;) {
      const rows = await dialect.changesAfter(after)
      if (rows.length === 0) return { ...found, deleted }
      after = String(rows.at(-1)!['version'])
      deleted.push(...rows.filter((row) => Number(row['deleted']) === 1).map(keyFromRow))
    }
  }

  async function changesSince(cursor: ChangeCursor): Promise<ChangeBatch> {
    const { version } = cursor
    const changes: StoreChange[] = []
    let last = version
    for (;;) {
      const rows = await dialect.changesAfter(last)
      if (rows.length === 0) break
      last = String(rows.at(-1)!['version'])
      changes.push(...(await readRows(rows.filter((row) => !ownWrites.has(String(row['version']))))))
      if (changes.length > 0) break
    }
    // Read last: what was pruned before this moment may be missing above.
    let facts = await dialect.meta()
    if (lineage.isBehind(facts.version)) {
      await dialect.transaction((session) => takeVersions(session, 0))
      facts = await dialect.meta()
    }
    const rewound = await rewoundSince(facts, cursor)
    if (rewound) return { compacted: true, rewound }
    const { now, forgotten: prunedVersion } = facts
    lineage.see(last)
    if (BigInt(prunedVersion) > BigInt(version)) return { compacted: true }
    ownWrites.forgetBefore(last)
    const { windows, next } = nextHeartbeats(cursor.heartbeats, now)
    const heartbeats = await dialect.heartbeats({ writer, windows })
    if (heartbeats.length > 0) changes.push({ type: 'heartbeats', heartbeats: heartbeats.map(heartbeatFromRow) })
    const heartbeatCursor = next(heartbeats.map((row) => Number(row['written_at'])))
    return { compacted: false, cursor: { version: last, lineage: nameOf(facts), heartbeats: heartbeatCursor }, changes }
  }

  async function readRows(rows: readonly SqlRow[]): Promise<StoreChange[]> {
    const versions = rows.filter(({ deleted }) => Number(deleted) === 0).map(({ version }) => String(version))
    const registrationRows = versions.length === 0 ? [] : await dialect.readVersions(versions)
    const registrations = new Map(registrationRows.map(registrationFromRow).map((one) => [one.resource_version, one]))
    return rows.flatMap((row): StoreChange[] => {
      const resource_version = String(row['version'])
      if (Number(row['deleted']) === 1) return [{ type: 'deleted', resource_version, ...keyFromRow(row) }]
      // A missing one was written again, and comes with a later version.
      const registration = registrations.get(resource_version)
      return registration ? [{ type: 'put', registration }] : []
    })
  }

  return {
    head,
    page: async (after) => {
      const rows = await dialect.page(after ?? '0')
      const registrations = rows.map(registrationFromRow)
      return { registrations, last: registrations.at(-1)?.resource_version ?? '' }
    },
    commit,
    writeHeartbeats: (heartbeats) => dialect.writeHeartbeats(heartbeats.toSorted(byName), writer),
    heartbeats: async () => (await dialect.heartbeats()).map(heartbeatFromRow),
    changesSince,
    saveReadings: dialect.saveReadings,
    readings: async () => sourcesFromRows(await dialect.readings()),
    saveStatistics: (saved, removed) => dialect.saveStatistics(saved.toSorted(byServer), removed.toSorted()),
    statistics: async (after) => (await dialect.statistics(after ?? '')).map(statisticsFromRow),
    ...createEventLog({ dialect, writer }),
    pruneDeletions,
    members: dialect.members,
    verdicts: dialect.verdicts,
    recover: dialect.touch,
    close: dialect.close,
    pollMs,
    ...(dialect.listen && { onNotify: dialect.listen }),
  }
}

function rowIdOf(key: RegistrationKey): RowId {
  return { kind: key.kind, id: registrationId(key) }
}

/** Replicas that lock the same rows in the same order do not deadlock. */
function byName(a: StoredHeartbeat, b: StoredHeartbeat): number {
  return a.name < b.name ? -1 : 1
}

function byServer(a: StoredStatistics, b: StoredStatistics): number {
  return a.server < b.server ? -1 : 1
}
