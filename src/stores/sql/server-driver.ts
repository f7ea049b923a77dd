import { randomUUID } from 'node:crypto'
import { applyOperation } from '../compare-and-set.ts'
import { type StoreDriver, type ChangeCursor, registrationId, registrationKey, type ChangeBatch } from '../driver.ts'
import type {
  StoredHeartbeat,
  StoredReading,
  StoredSource,
  RegistrationKey,
  RegistrationKind,
  StoreChange,
  StoreOperation,
  OperationOutcome,
  Registration,
} from '../store.ts'
import { createOwnWrites } from './own-writes.ts'
import { type SqlRow, registrationFromRow, toTimestamp } from './registration-rows.ts'

/** A registration as found by its identity alone. */
export type RowId = { readonly kind: RegistrationKind; readonly id: string }

export type Deletion = RegistrationKey & { readonly version: string }

/** What one transaction of a commit needs of a database. */
export type Session = {
  /** Takes the next `count` versions; from here on nobody else commits until the transaction ends. */
  readonly takeVersions: (count: number) => Promise<{ readonly last: bigint; readonly now: number }>
  readonly find: (ids: readonly RowId[]) => Promise<readonly SqlRow[]>
  readonly put: (registrations: readonly Registration[]) => Promise<void>
  /** Takes registrations away, and the heartbeats of agents with them. */
  readonly remove: (ids: readonly RowId[]) => Promise<void>
  readonly recordDeletions: (deletions: readonly Deletion[], now: number) => Promise<void>
  /** Forgets deletions from before `time`. */
  readonly pruneDeletions: (time: number) => Promise<void>
}

/** What a database server says, each in one statement or transaction. `now` is its clock in milliseconds. */
export type Dialect = {
  readonly transaction: <T>(work: (session: Session) => Promise<T>) => Promise<T>
  readonly meta: () => Promise<{
    readonly epoch: string
    readonly version: string
    readonly forgotten: string
    readonly now: number
  }>
  /** Registrations after a version, in its order, at most a page. */
  readonly page: (after: string) => Promise<readonly SqlRow[]>
  /** What was written after a version, in its order, at most a page: `version`, `deleted` (0 or 1), `kind`, `namespace`, `name`. */
  readonly changesAfter: (version: string) => Promise<readonly SqlRow[]>
  readonly readVersions: (versions: readonly string[]) => Promise<readonly SqlRow[]>
  readonly writeHeartbeats: (beats: readonly StoredHeartbeat[], writer: string) => Promise<void>
  /** `name`, `age_ms`, `said`; only those written by others after a time, if one is given. */
  readonly heartbeats: (foreign?: { readonly writer: string; readonly after: number }) => Promise<readonly SqlRow[]>
  readonly saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) => Promise<void>
  /** `source`, `fingerprint`, `kept_at`, and `origin` and `reading` in order, null where a source has none. */
  readonly readings: () => Promise<readonly SqlRow[]>
  /** A write that changes nothing. */
  readonly touch: () => Promise<void>
  /** Calls `poke` when another replica says that it wrote; returns how to stop. */
  readonly listen?: (poke: () => void) => () => void
  readonly close: () => Promise<void>
}

const deletionsKeptMs = 3_600_000
/** A write may become visible this much after the time that stands in it. */
const overlapMs = 10_000

/** A backend over a database server that several replicas may share. */
export function createServerDriver({
  dialect,
  writer = randomUUID(),
  pollMs,
}: {
  dialect: Dialect
  writer?: string
  pollMs: number
}): StoreDriver {
  const own = createOwnWrites()
  let forgotten = 0

  async function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const { outcomes, last } = await dialect.transaction((session) => commitOn(session, operations))
    own.add(String(last - BigInt(operations.length) + 1n), String(last))
    return outcomes
  }

  async function commitOn(session: Session, operations: readonly StoreOperation[]) {
    const { last, now } = await session.takeVersions(operations.length)
    const ids = new Map(
      operations.map((operation) => [
        registrationKey(operation),
        { kind: operation.kind, id: registrationId(operation) },
      ]),
    )
    const rows = await session.find([...ids.values()])
    const before = new Map(rows.map(registrationFromRow).map((one) => [registrationKey(one), one]))
    const { outcomes, after } = applyAll(operations, before, last - BigInt(operations.length), now)
    const gone = [...before.keys()].filter((key) => !after.has(key)).map((key) => ids.get(key)!)
    const put = [...after].filter(([key, one]) => before.get(key) !== one).map(([, one]) => one)
    const buried = outcomes.flatMap((one) =>
      one.type === 'deleted' ? { ...one.before, version: one.resource_version } : [],
    )
    // A deleted agent that came back in the same batch has lost its heartbeats all the same.
    if (buried.length > 0)
      await session.remove([...gone, ...buried.map((one) => ({ kind: one.kind, id: registrationId(one) }))])
    if (put.length > 0) await session.put(put)
    if (buried.length > 0) await session.recordDeletions(buried, now)
    if (buried.length > 0 && now - forgotten > deletionsKeptMs / 10) {
      forgotten = now
      await session.pruneDeletions(now - deletionsKeptMs)
    }
    return { outcomes, last }
  }

  async function since({ version, clock }: ChangeCursor): Promise<ChangeBatch> {
    const news: StoreChange[] = []
    let last = version
    for (;;) {
      const written = await dialect.changesAfter(last)
      if (written.length === 0) break
      last = String(written.at(-1)!['version'])
      news.push(...(await newsOf(written.filter((row) => !own.has(String(row['version']))))))
      if (news.length > 0) break
    }
    // Asked only now: what was forgotten before that may be missing above.
    const { now, forgotten: lost } = await dialect.meta()
    if (BigInt(lost) > BigInt(version)) return { compacted: true }
    own.forgetBefore(last)
    const heartbeats = await dialect.heartbeats({ writer, after: (clock ?? now - 60_000) - overlapMs })
    if (heartbeats.length > 0) news.push({ type: 'heartbeats', heartbeats: heartbeats.map(beatOf) })
    return { compacted: false, cursor: { version: last, clock: now }, changes: news }
  }

  async function newsOf(written: readonly SqlRow[]): Promise<StoreChange[]> {
    const versions = written.filter(({ deleted }) => Number(deleted) === 0).map(({ version }) => String(version))
    const rows = versions.length === 0 ? [] : await dialect.readVersions(versions)
    const found = new Map(rows.map(registrationFromRow).map((one) => [one.resource_version, one]))
    return written.flatMap((row): StoreChange[] => {
      const resource_version = String(row['version'])
      if (Number(row['deleted']) === 1) return [{ type: 'deleted', resource_version, ...keyIn(row) }]
      // One that is no longer there was written again, and comes later.
      const registration = found.get(resource_version)
      return registration ? [{ type: 'put', registration }] : []
    })
  }

  return {
    head: dialect.meta,
    page: async (after) => {
      const rows = await dialect.page(after ?? '0')
      const registrations = rows.map(registrationFromRow)
      return { registrations, last: registrations.at(-1)?.resource_version ?? '' }
    },
    commit,
    writeHeartbeats: (heard) => dialect.writeHeartbeats(heard.toSorted(byName), writer),
    heartbeats: async () => (await dialect.heartbeats()).map(beatOf),
    changesSince: since,
    saveReadings: dialect.saveReadings,
    readings: async () => sourcesIn(await dialect.readings()),
    recover: dialect.touch,
    close: dialect.close,
    pollMs,
    ...(dialect.listen && { onNotify: dialect.listen }),
  }
}

/** Carries out the operations on a copy of what is there, one after the other. */
function applyAll(
  operations: readonly StoreOperation[],
  before: ReadonlyMap<string, Registration>,
  base: bigint,
  now: number,
) {
  const after = new Map(before)
  const nowText = toTimestamp(now)
  const outcomes = operations.map((operation, index) => {
    const key = registrationKey(operation)
    const next = { version: String(base + BigInt(index) + 1n), now: nowText }
    const outcome = applyOperation(operation, after.get(key), next)
    if (outcome.type === 'put') after.set(key, outcome.registration)
    if (outcome.type === 'deleted') after.delete(key)
    return outcome
  })
  return { outcomes, after }
}

/** Replicas that write the same rows in the same order never wait for each other in a circle. */
function byName(a: StoredHeartbeat, b: StoredHeartbeat): number {
  return a.name < b.name ? -1 : 1
}

function keyIn({ kind, namespace, name }: SqlRow): RegistrationKey {
  return { kind: kind as RegistrationKind, namespace: String(namespace), name: String(name) }
}

function beatOf({ name, age_ms, said }: SqlRow): StoredHeartbeat {
  return {
    name: String(name),
    age_ms: Math.max(0, Number(age_ms)),
    ...(said !== null && { self_report: said as string }),
  }
}

function sourcesIn(rows: readonly SqlRow[]): StoredSource[] {
  const sources = new Map<string, Omit<StoredSource, 'readings'> & { readings: StoredReading[] }>()
  for (const { source, fingerprint, kept_at, origin, reading } of rows) {
    const name = String(source)
    const one = sources.get(name) ?? {
      source: name,
      fingerprint: String(fingerprint),
      kept_at: toTimestamp(kept_at),
      readings: [],
    }
    sources.set(name, one)
    if (typeof origin === 'string') one.readings.push({ origin, reading: String(reading) })
  }
  return [...sources.values()]
}
