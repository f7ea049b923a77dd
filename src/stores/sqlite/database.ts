import { randomUUID } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { idOf, type Cursor, type Since } from '../backend.ts'
import { judge } from '../judge.ts'
import { createOwnVersions } from '../own.ts'
import { columns, columnsOf, registrationOf, timeOf } from '../rows.ts'
import type { HeardBeat, KeptReading, KeptSource, Kind, News, Operation, Outcome, Registration } from '../store.ts'

const pageSize = 1000
const deletionsKeptMs = 3_600_000
/** A write of another process may become visible this much after the time that stands in it. */
const overlapMs = 5000

export type Verbs = ReturnType<typeof createVerbs>

/** The verbs of a backend over one open database, each in one transaction. Blocks: it lives on a thread of its own. */
export function createVerbs(database: DatabaseSync) {
  const writer = randomUUID()
  const own = createOwnVersions()
  const prepare = (sql: string) => database.prepare(sql)

  const dataVersion = prepare('PRAGMA data_version')
  const meta = prepare('SELECT value FROM roster_meta WHERE key = ?')
  const setMeta = prepare('UPDATE roster_meta SET value = ? WHERE key = ?')
  const find = prepare(`SELECT version, ${columns} FROM roster_registrations WHERE kind = ? AND id = ?`)
  const insert = prepare(`
    INSERT INTO roster_registrations (version, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, namespace = excluded.namespace,
      definition = excluded.definition, timeout_threshold = excluded.timeout_threshold,
      eviction_threshold = excluded.eviction_threshold, instance_id = excluded.instance_id, holder = excluded.holder,
      updated_at = excluded.updated_at`)
  const remove = prepare('DELETE FROM roster_registrations WHERE version = ?')
  const removeBeat = prepare('DELETE FROM roster_beats WHERE name = ?')
  const bury = prepare('INSERT INTO roster_deletions VALUES (?, ?, ?, ?, ?)')
  const upsertBeat = prepare(`
    INSERT INTO roster_beats
    SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM roster_registrations WHERE kind = 'agent' AND id = ?1)
    ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, said = excluded.said, writer = excluded.writer,
      written_at = excluded.written_at WHERE excluded.beat_at >= roster_beats.beat_at`)

  function metaOf(key: string): string {
    return String(meta.get(key)?.['value'] ?? '0')
  }

  /** Changes when another connection writes, and with every opening: a commit that was reported as failed may be there. */
  function dataMark(): string {
    return `${writer} ${String(dataVersion.get()?.['data_version'])}`
  }

  function inTransaction<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  function commit(operations: readonly Operation[]): Outcome[] {
    const first = { version: 0 }
    const { outcomes, last } = inTransaction(() => {
      let version = Number(metaOf('version'))
      first.version = version + 1
      const now = Date.now()
      const done = operations.map((operation) => {
        const outcome = carryOut(operation, version + 1, now)
        if (outcome.type !== 'conflict') version += 1
        return outcome
      })
      if (version >= first.version) setMeta.run(String(version), 'version')
      forgetDeletions(version, now)
      return { outcomes: done, last: version }
    })
    if (last >= first.version) own.add(String(first.version), String(last))
    return outcomes
  }

  function carryOut(operation: Operation, version: number, now: number): Outcome {
    const row = find.get(operation.kind, idOf(operation))
    const outcome = judge(operation, row && registrationOf(row), { version: String(version), now: timeOf(now) })
    if (outcome.type === 'put') insert.run(version, ...columnsOf(outcome.registration))
    if (outcome.type === 'deleted') {
      const { kind, namespace, name, resource_version } = outcome.before
      remove.run(Number(resource_version))
      bury.run(version, kind, namespace, name, now)
      if (kind === 'agent') removeBeat.run(name)
    }
    return outcome
  }

  let deletionsForgotten = 0
  function forgetDeletions(version: number, now: number): void {
    if (now - deletionsForgotten < deletionsKeptMs / 10) return
    deletionsForgotten = now
    const old = prepare('SELECT max(version) AS version FROM roster_deletions WHERE deleted_at < ?')
    const last = old.get(now - deletionsKeptMs)?.['version']
    if (typeof last !== 'number' || last > version) return
    prepare('DELETE FROM roster_deletions WHERE version <= ?').run(last)
    setMeta.run(String(last), 'forgotten')
  }

  function writeBeats(heard: readonly HeardBeat[]): void {
    inTransaction(() => {
      const now = Date.now()
      for (const { name, age_ms, said } of heard) {
        upsertBeat.run(name, Math.round(now - age_ms), said ?? null, writer, now)
      }
    })
  }

  function beatsWhere(condition: string, ...values: SQLInputValue[]): HeardBeat[] {
    const now = Date.now()
    return prepare(`SELECT name, beat_at, said FROM roster_beats WHERE ${condition}`)
      .all(...values)
      .map(({ name, beat_at, said }) => ({
        name: String(name),
        age_ms: Math.max(0, now - Number(beat_at)),
        ...(said !== null && { said: String(said) }),
      }))
  }

  /** Costs nothing while nobody else writes to the file. */
  function since(cursor: Cursor): Since {
    const mark = dataMark()
    if (cursor.mark === mark) return { lost: false, cursor: { ...cursor, version: metaOf('version') }, news: [] }
    const { version, clock = Date.now() - 60_000 } = cursor
    const now = Date.now()
    const rows = prepare(`
      SELECT version, 0 AS deleted, kind, namespace, name FROM roster_registrations WHERE version > ?1
      UNION ALL SELECT version, 1, kind, namespace, name FROM roster_deletions WHERE version > ?1 ORDER BY version`)
    const found = rows.all(Number(version))
    if (Number(metaOf('forgotten')) > Number(version)) return { lost: true }
    const news = found.filter((row) => !own.has(String(row['version']))).flatMap(newsOf)
    const beats = beatsWhere('writer <> ? AND written_at > ?', writer, clock - overlapMs)
    const last = String(found.at(-1)?.['version'] ?? version)
    own.forgetBefore(last)
    return {
      lost: false,
      cursor: { version: last, clock: now, mark },
      news: beats.length > 0 ? [...news, { type: 'beats', beats }] : news,
    }
  }

  const byVersion = prepare(`SELECT version, ${columns} FROM roster_registrations WHERE version = ?`)
  function newsOf({ version, deleted, kind, namespace, name }: Record<string, unknown>): News[] {
    if (deleted !== 1) {
      const row = byVersion.get(version as number)
      return row ? [{ type: 'put', registration: registrationOf(row) }] : []
    }
    const key = { kind: kind as Kind, namespace: String(namespace), name: String(name) }
    return [{ type: 'deleted', ...key, resource_version: String(version) }]
  }

  function page(after: string | undefined): { registrations: readonly Registration[]; last: string } {
    const rows = prepare(
      `SELECT version, ${columns} FROM roster_registrations WHERE version > ? ORDER BY version LIMIT ${pageSize}`,
    ).all(Number(after ?? 0))
    return { registrations: rows.map(registrationOf), last: String(rows.at(-1)?.['version'] ?? after) }
  }

  function keepReadings(source: string, fingerprint: string, readings: readonly KeptReading[]): void {
    inTransaction(() => {
      prepare('DELETE FROM roster_readings WHERE source = ?').run(source)
      prepare('INSERT OR REPLACE INTO roster_sources VALUES (?, ?, ?)').run(source, fingerprint, Date.now())
      const add = prepare('INSERT INTO roster_readings VALUES (?, ?, ?, ?)')
      for (const [position, { origin, reading }] of readings.entries()) add.run(source, position, origin, reading)
    })
  }

  function readings(): KeptSource[] {
    const kept = prepare('SELECT origin, reading FROM roster_readings WHERE source = ? ORDER BY position')
    return prepare('SELECT source, fingerprint, kept_at FROM roster_sources')
      .all()
      .map(({ source, fingerprint, kept_at }) => ({
        source: String(source),
        fingerprint: String(fingerprint),
        kept_at: timeOf(kept_at),
        readings: kept
          .all(source as string)
          .map(({ origin, reading }) => ({ origin: String(origin), reading: String(reading) })),
      }))
  }

  return {
    head: () => ({ epoch: metaOf('epoch'), version: metaOf('version') }),
    page,
    commit,
    writeBeats,
    beats: () => beatsWhere('true'),
    since,
    keepReadings,
    readings,
    /** A write for its own sake, to see whether the disk takes it. The same value again would not be written. */
    touch: () =>
      inTransaction(() => prepare("INSERT OR REPLACE INTO roster_meta VALUES ('touched', ?)").run(String(Date.now()))),
  }
}
