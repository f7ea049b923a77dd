import { randomUUID } from 'node:crypto'
import type { CommitSession, Deletion, Dialect, RowId } from '../sql/dialect.ts'
import { historyFacts } from '../sql/lineage.ts'
import { registrationColumns, columnValues } from '../sql/stored-rows.ts'
import { statisticsPageSize, type StoredReading, type StoredRegistration, type StoredStatistics } from '../store.ts'
import { postgresEvents } from './events.ts'
import { postgresMembers, postgresTermLeft } from './members.ts'
import { postgresClock } from './migrations.ts'
import type { PostgresPool, PostgresRun } from './pool.ts'
import { postgresVerdicts } from './verdicts.ts'

const pageSize = 1000
const allColumns = `version, ${registrationColumns}`

/**
 * The SQL of PostgreSQL. Every statement has one shape, whatever the number of rows, so it is planned once.
 *
 * `server` is the expression that identifies the server; `onNotify` is called after each own notification.
 */
export function createPostgresDialect(
  pool: PostgresPool,
  { writer, server, onNotify }: { writer: string; server: string; onNotify: () => void },
): Omit<Dialect, 'listen'> {
  const { run, close } = pool
  // By the payload a replica recognizes its own notifications.
  const notify = `SELECT pg_notify('roster', '${writer}')`

  return {
    transaction: (work) => notifying((run) => work(sessionOf(run))),
    meta: async () => {
      const [row] = await run({
        name: 'roster-meta',
        text: `SELECT json_object_agg(key, value) AS meta, ${postgresClock} AS now, ${server} AS server FROM roster_meta`,
      })
      const meta = row!['meta'] as Record<string, string>
      return historyFacts((key) => meta[key], row)
    },
    versions: (ids) =>
      run({
        name: 'roster-versions',
        text: `SELECT kind, id, version FROM roster_registrations WHERE (kind, id) IN (${idTable})`,
        values: idColumns(ids),
      }),
    find: (ids) => find(run, ids),
    page: (after) =>
      run({
        name: 'roster-page',
        text: `SELECT ${allColumns} FROM roster_registrations WHERE version > $1 ORDER BY version LIMIT ${pageSize}`,
        values: [after],
      }),
    changesAfter: (version) =>
      run({
        name: 'roster-written',
        text: `SELECT version, 0 AS deleted, kind, namespace, name FROM roster_registrations WHERE version > $1
               UNION ALL SELECT version, 1, kind, namespace, name FROM roster_deletions WHERE version > $1
               ORDER BY version LIMIT ${pageSize}`,
        values: [version],
      }),
    readVersions: (versions) =>
      run({
        name: 'roster-at',
        text: `SELECT ${allColumns} FROM roster_registrations WHERE version = ANY($1::bigint[])`,
        values: [versions],
      }),
    writeHeartbeats: (heartbeats) =>
      notifying(async (run) => {
        await run({
          name: 'roster-record-heartbeats',
          text: `INSERT INTO roster_beats (name, beat_at, said, writer, written_at)
                 SELECT b.name, t.now - b.age, b.said, $4, t.now
                 FROM unnest($1::text[], $2::bigint[], $3::text[]) WITH ORDINALITY AS b (name, age, said, place)
                 CROSS JOIN (SELECT ${postgresClock} AS now) t
                 WHERE EXISTS (SELECT 1 FROM roster_registrations r WHERE r.kind = 'agent' AND r.id = b.name)
                 ORDER BY b.place
                 ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, said = excluded.said,
                   writer = excluded.writer, written_at = excluded.written_at
                 WHERE excluded.beat_at >= roster_beats.beat_at`,
          values: [
            heartbeats.map((one) => one.name),
            heartbeats.map((one) => Math.round(one.age_ms)),
            heartbeats.map((one) => one.self_report ?? null),
            writer,
          ],
        })
      }),
    heartbeats: (foreign) =>
      run({
        name: foreign ? 'roster-foreign-heartbeats' : 'roster-heartbeats',
        text: `SELECT name, ${postgresClock} - beat_at AS age_ms, said, written_at FROM roster_beats
               ${foreign ? 'WHERE writer <> $1 AND ((written_at > $2 AND written_at <= $3) OR (written_at > $4 AND written_at <= $5))' : ''}`,
        values: foreign ? [foreign.writer, ...foreign.windows.flatMap(({ after, upTo }) => [after, upTo])] : [],
      }),
    saveReadings: (source, fingerprint, readings) =>
      pool.transaction('SELECT 1', (run) => saveReadings(run, source, fingerprint, readings)),
    readings: () =>
      run({
        text: `SELECT s.source, fingerprint, kept_at, origin, reading
               FROM roster_sources s LEFT JOIN roster_readings r ON r.source = s.source ORDER BY s.source, position`,
      }),
    saveStatistics: (saved, removed) => pool.transaction('SELECT 1', (run) => saveStatistics(run, saved, removed)),
    statistics: (after) =>
      run({
        name: 'roster-statistics',
        text: `SELECT server, statistics FROM roster_statistics WHERE server > $1 ORDER BY server LIMIT ${statisticsPageSize}`,
        values: [after],
      }),
    ...postgresEvents(pool),
    members: postgresMembers(pool),
    verdicts: postgresVerdicts(pool, { writer, onNotify }),
    touch: async () => void (await run({ text: "UPDATE roster_meta SET value = value WHERE key = 'version'" })),
    close,
  }

  /** Runs a transaction that notifies all replicas, this one too. */
  async function notifying<T>(work: (run: PostgresRun) => Promise<T>): Promise<T> {
    const result = await pool.transaction('SELECT 1', work, notify)
    onNotify()
    return result
  }
}

function sessionOf(run: PostgresRun): CommitSession {
  return {
    takeVersions: async (count) => {
      const [row] = await run({
        name: 'roster-take',
        text: `UPDATE roster_meta SET value = (value::bigint + $1)::text WHERE key = 'version' RETURNING value, ${postgresClock} AS now`,
        values: [count],
      })
      return { last: BigInt(String(row!['value'])), now: Number(row!['now']) }
    },
    termLeft: (fence) => postgresTermLeft(run, fence),
    find: (ids) => find(run, ids),
    foreignHeartbeats: (names, writer) =>
      run({
        name: 'roster-foreign-heartbeats-of',
        text: `SELECT name, ${postgresClock} - beat_at AS age_ms, said FROM roster_beats
               WHERE name = ANY($1::text[]) AND writer <> $2 ORDER BY name FOR UPDATE`,
        values: [names, writer],
      }),
    put: (registrations) => put(run, registrations),
    remove: async (ids) => {
      const values = idColumns(ids)
      await run({
        name: 'roster-remove',
        text: `DELETE FROM roster_registrations WHERE (kind, id) IN (${idTable})`,
        values,
      })
      await run({
        name: 'roster-remove-heartbeats',
        text: 'DELETE FROM roster_beats WHERE name = ANY($1::text[])',
        values: [ids.filter(({ kind }) => kind === 'agent').map(({ id }) => id)],
      })
    },
    recordDeletions: (deletions, now) => recordDeletions(run, deletions, now),
    rewind: async (to, version) => {
      await run({
        text: `INSERT INTO roster_meta VALUES ('version', $1), ('rewound', $2), ('lineage', $3)
               ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        values: [version, to, randomUUID()],
      })
    },
    pruneDeletions: async (time) => {
      await run({
        text: `WITH gone AS (DELETE FROM roster_deletions WHERE deleted_at < $1 RETURNING version)
               UPDATE roster_meta SET value = m.version::text FROM (SELECT max(version) AS version FROM gone) m
               WHERE key = 'forgotten' AND m.version IS NOT NULL`,
        values: [time],
      })
    },
  }
}

const idTable = 'SELECT * FROM unnest($1::text[], $2::text[])'

function find(run: PostgresRun, ids: readonly RowId[]) {
  return run({
    name: 'roster-find',
    text: `SELECT ${allColumns} FROM roster_registrations WHERE (kind, id) IN (${idTable})`,
    values: idColumns(ids),
  })
}

function idColumns(ids: readonly RowId[]): readonly (readonly string[])[] {
  return [ids.map(({ kind }) => kind), ids.map(({ id }) => id)]
}

const types = ['text', 'text', 'text', 'text', 'text', 'float8', 'float8', 'text', 'text', 'bigint', 'bigint', 'bigint']
const upsert = `
  INSERT INTO roster_registrations (${registrationColumns}, version)
  SELECT * FROM unnest(${types.map((type, index) => `$${index + 1}::${type}[]`).join(', ')})
  ON CONFLICT (kind, id) DO UPDATE SET ${[...registrationColumns.split(', '), 'version'].map((column) => `${column} = excluded.${column}`).join(', ')}`

async function put(run: PostgresRun, registrations: readonly StoredRegistration[]): Promise<void> {
  const rows = registrations.map((one) => [...columnValues(one), one.resource_version])
  const values = types.map((_, column) => rows.map((row) => row[column]))
  await run({ name: 'roster-put', text: upsert, values })
}

async function recordDeletions(run: PostgresRun, deletions: readonly Deletion[], now: number): Promise<void> {
  await run({
    name: 'roster-record-deletions',
    text: `INSERT INTO roster_deletions (version, kind, namespace, name, deleted_at)
           SELECT v, k, ns, n, $5 FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS d (v, k, ns, n)`,
    values: [
      deletions.map(({ version }) => version),
      deletions.map(({ kind }) => kind),
      deletions.map(({ namespace }) => namespace),
      deletions.map(({ name }) => name),
      now,
    ],
  })
}

async function saveReadings(
  run: PostgresRun,
  source: string,
  fingerprint: string,
  readings: readonly StoredReading[],
): Promise<void> {
  await run({
    text: `INSERT INTO roster_sources VALUES ($1, $2, ${postgresClock})
           ON CONFLICT (source) DO UPDATE SET fingerprint = excluded.fingerprint, kept_at = excluded.kept_at`,
    values: [source, fingerprint],
  })
  await run({ text: 'DELETE FROM roster_readings WHERE source = $1', values: [source] })
  await run({
    text: `INSERT INTO roster_readings (source, position, origin, reading)
           SELECT $1, place, origin, reading FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS r (origin, reading, place)`,
    values: [source, readings.map(({ origin }) => origin), readings.map(({ reading }) => reading)],
  })
}

async function saveStatistics(
  run: PostgresRun,
  saved: readonly StoredStatistics[],
  removed: readonly string[],
): Promise<void> {
  await run({
    name: 'roster-remove-statistics',
    text: 'DELETE FROM roster_statistics WHERE server = ANY($1::text[])',
    values: [removed],
  })
  await run({
    name: 'roster-save-statistics',
    text: `INSERT INTO roster_statistics (server, statistics) SELECT * FROM unnest($1::text[], $2::text[])
           ON CONFLICT (server) DO UPDATE SET statistics = excluded.statistics`,
    values: [saved.map(({ server }) => server), saved.map(({ statistics }) => statistics)],
  })
}
