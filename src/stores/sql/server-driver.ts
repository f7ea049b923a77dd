import { randomUUID } from 'node:crypto'
import { judge } from '../compare-and-set.ts'
import { type Backend, type Cursor, idOf, rowKey, type Since } from '../driver.ts'
import type {
  HeardBeat,
  KeptReading,
  KeptSource,
  Key,
  RegistrationKind,
  News,
  Operation,
  Outcome,
  Registration,
} from '../store.ts'
import { createOwnWrites } from './own-writes.ts'
import { type Row, registrationOf, timeOf } from './registration-rows.ts'

/** A registration as found by its identity alone. */
export type Id = { readonly kind: RegistrationKind; readonly id: string }

export type Buried = Key & { readonly version: string }

/** What one transaction of a commit needs of a database. */
export type Session = {
  /** Takes the next `count` versions; from here on nobody else commits until the transaction ends. */
  readonly takeVersions: (count: number) => Promise<{ readonly last: bigint; readonly now: number }>
  readonly find: (ids: readonly Id[]) => Promise<readonly Row[]>
  readonly put: (registrations: readonly Registration[]) => Promise<void>
  /** Takes registrations away, and the heartbeats of agents with them. */
  readonly remove: (ids: readonly Id[]) => Promise<void>
  readonly bury: (deletions: readonly Buried[], now: number) => Promise<void>
  /** Forgets deletions from before `time`. */
  readonly forget: (time: number) => Promise<void>
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
  readonly page: (after: string) => Promise<readonly Row[]>
  /** What was written after a version, in its order, at most a page: `version`, `deleted` (0 or 1), `kind`, `namespace`, `name`. */
  readonly writtenAfter: (version: string) => Promise<readonly Row[]>
  readonly at: (versions: readonly string[]) => Promise<readonly Row[]>
  readonly writeBeats: (beats: readonly HeardBeat[], writer: string) => Promise<void>
  /** `name`, `age_ms`, `said`; only those written by others after a time, if one is given. */
  readonly beats: (foreign?: { readonly writer: string; readonly after: number }) => Promise<readonly Row[]>
  readonly keepReadings: (source: string, fingerprint: string, readings: readonly KeptReading[]) => Promise<void>
  /** `source`, `fingerprint`, `kept_at`, and `origin` and `reading` in order, null where a source has none. */
  readonly readings: () => Promise<readonly Row[]>
  /** A write that changes nothing. */
  readonly touch: () => Promise<void>
  /** Calls `poke` when another replica says that it wrote; returns how to stop. */
  readonly hear?: (poke: () => void) => () => void
  readonly close: () => Promise<void>
}

const deletionsKeptMs = 3_600_000
/** A write may become visible this much after the time that stands in it. */
const overlapMs = 10_000

/** A backend over a database server that several replicas may share. */
export function createRemote({
  dialect,
  writer = randomUUID(),
  pollMs,
}: {
  dialect: Dialect
  writer?: string
  pollMs: number
}): Backend {
  const own = createOwnWrites()
  let forgotten = 0

  async function commit(operations: readonly Operation[]): Promise<readonly Outcome[]> {
    const { outcomes, last } = await dialect.transaction((session) => commitOn(session, operations))
    own.add(String(last - BigInt(operations.length) + 1n), String(last))
    return outcomes
  }

  async function commitOn(session: Session, operations: readonly Operation[]) {
    const { last, now } = await session.takeVersions(operations.length)
    const ids = new Map(
      operations.map((operation) => [rowKey(operation), { kind: operation.kind, id: idOf(operation) }]),
    )
    const rows = await session.find([...ids.values()])
    const before = new Map(rows.map(registrationOf).map((one) => [rowKey(one), one]))
    const { outcomes, after } = judgeAll(operations, before, last - BigInt(operations.length), now)
    const gone = [...before.keys()].filter((key) => !after.has(key)).map((key) => ids.get(key)!)
    const put = [...after].filter(([key, one]) => before.get(key) !== one).map(([, one]) => one)
    const buried = outcomes.flatMap((one) =>
      one.type === 'deleted' ? { ...one.before, version: one.resource_version } : [],
    )
    // A deleted agent that came back in the same batch has lost its heartbeats all the same.
    if (buried.length > 0) await session.remove([...gone, ...buried.map((one) => ({ kind: one.kind, id: idOf(one) }))])
    if (put.length > 0) await session.put(put)
    if (buried.length > 0) await session.bury(buried, now)
    if (buried.length > 0 && now - forgotten > deletionsKeptMs / 10) {
      forgotten = now
      await session.forget(now - deletionsKeptMs)
    }
    return { outcomes, last }
  }

  async function since({ version, clock }: Cursor): Promise<Since> {
    const news: News[] = []
    let last = version
    for (;;) {
      const written = await dialect.writtenAfter(last)
      if (written.length === 0) break
      last = String(written.at(-1)!['version'])
      news.push(...(await newsOf(written.filter((row) => !own.has(String(row['version']))))))
      if (news.length > 0) break
    }
    // Asked only now: what was forgotten before that may be missing above.
    const { now, forgotten: lost } = await dialect.meta()
    if (BigInt(lost) > BigInt(version)) return { lost: true }
    own.forgetBefore(last)
    const beats = await dialect.beats({ writer, after: (clock ?? now - 60_000) - overlapMs })
    if (beats.length > 0) news.push({ type: 'beats', beats: beats.map(beatOf) })
    return { lost: false, cursor: { version: last, clock: now }, news }
  }

  async function newsOf(written: readonly Row[]): Promise<News[]> {
    const versions = written.filter(({ deleted }) => Number(deleted) === 0).map(({ version }) => String(version))
    const rows = versions.length === 0 ? [] : await dialect.at(versions)
    const found = new Map(rows.map(registrationOf).map((one) => [one.resource_version, one]))
    return written.flatMap((row): News[] => {
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
      const registrations = rows.map(registrationOf)
      return { registrations, last: registrations.at(-1)?.resource_version ?? '' }
    },
    commit,
    writeBeats: (heard) => dialect.writeBeats(heard.toSorted(byName), writer),
    beats: async () => (await dialect.beats()).map(beatOf),
    since,
    keepReadings: dialect.keepReadings,
    readings: async () => sourcesIn(await dialect.readings()),
    mend: dialect.touch,
    close: dialect.close,
    pollMs,
    ...(dialect.hear && { onTold: dialect.hear }),
  }
}

/** Carries out the operations on a copy of what is there, one after the other. */
function judgeAll(
  operations: readonly Operation[],
  before: ReadonlyMap<string, Registration>,
  base: bigint,
  now: number,
) {
  const after = new Map(before)
  const nowText = timeOf(now)
  const outcomes = operations.map((operation, index) => {
    const key = rowKey(operation)
    const next = { version: String(base + BigInt(index) + 1n), now: nowText }
    const outcome = judge(operation, after.get(key), next)
    if (outcome.type === 'put') after.set(key, outcome.registration)
    if (outcome.type === 'deleted') after.delete(key)
    return outcome
  })
  return { outcomes, after }
}

/** Replicas that write the same rows in the same order never wait for each other in a circle. */
function byName(a: HeardBeat, b: HeardBeat): number {
  return a.name < b.name ? -1 : 1
}

function keyIn({ kind, namespace, name }: Row): Key {
  return { kind: kind as RegistrationKind, namespace: String(namespace), name: String(name) }
}

function beatOf({ name, age_ms, said }: Row): HeardBeat {
  return { name: String(name), age_ms: Math.max(0, Number(age_ms)), ...(said !== null && { said: said as string }) }
}

function sourcesIn(rows: readonly Row[]): KeptSource[] {
  const sources = new Map<string, Omit<KeptSource, 'readings'> & { readings: KeptReading[] }>()
  for (const { source, fingerprint, kept_at, origin, reading } of rows) {
    const name = String(source)
    const one = sources.get(name) ?? {
      source: name,
      fingerprint: String(fingerprint),
      kept_at: timeOf(kept_at),
      readings: [],
    }
    sources.set(name, one)
    if (typeof origin === 'string') one.readings.push({ origin, reading: String(reading) })
  }
  return [...sources.values()]
}
