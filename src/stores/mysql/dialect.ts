import { randomUUID } from 'node:crypto'
import type { CommitSession, Deletion, Dialect, RowId } from '../sql/dialect.ts'
import { historyFacts } from '../sql/lineage.ts'
import { registrationColumns, columnValues } from '../sql/stored-rows.ts'
import {
  type RegistrationKind,
  statisticsPageSize,
  type StoredHeartbeat,
  type StoredReading,
  type StoredRegistration,
  type StoredStatistics,
} from '../store.ts'
import { mysqlEvents } from './events.ts'
import { mysqlMembers, mysqlTermLeft } from './members.ts'
import { mysqlClock } from './migrations.ts'
import { splitIntoPackets } from './packets.ts'
import type { MysqlPool, MysqlRow, MysqlRun } from './pool.ts'
import { mysqlVerdicts } from './verdicts.ts'

const pageSize = 1000
const text = (column: string) => `CONVERT(${column} USING utf8mb4) AS ${column}`
const allColumns = `version, ${registrationColumns.replace('id, namespace, name', `${text('namespace')}, ${text('name')}`)}`
const keyColumns = `${text('namespace')}, ${text('name')}`

/**
 * The SQL of MySQL and MariaDB. `maxPacket` is the maximum size of one statement, in bytes; `server` the expression that identifies
 * the server.
 */
export function createMysqlDialect(
  pool: MysqlPool,
  { maxPacket, server }: { maxPacket: number; server: string },
): Dialect {
  const { run, transaction, close } = pool
  const one = (sql: string, values: readonly unknown[] = []) => run((run) => run(sql, values))

  return {
    transaction: (work) => transaction((run) => work(sessionOf(run, maxPacket))),
    meta: async () => {
      const rows = await one(`SELECT name, value, ${mysqlClock} AS now, ${server} AS server FROM roster_meta`)
      const meta = new Map(rows.map(({ name, value }) => [name, String(value)]))
      return historyFacts((name) => meta.get(name), rows[0])
    },
    versions: (ids) => run((run) => find(run, 'kind, CONVERT(id USING utf8mb4) AS id, version', ids)),
    find: (ids) => run((run) => find(run, allColumns, ids)),
    page: (after) =>
      one(`SELECT ${allColumns} FROM roster_registrations WHERE version > ? ORDER BY version LIMIT ${pageSize}`, [
        after,
      ]),
    changesAfter: (version) =>
      one(
        `SELECT version, 0 AS deleted, kind, ${keyColumns} FROM roster_registrations WHERE version > ?
         UNION ALL SELECT version, 1, kind, ${keyColumns} FROM roster_deletions WHERE version > ?
         ORDER BY version LIMIT ${pageSize}`,
        [version, version],
      ),
    readVersions: (versions) => one(`SELECT ${allColumns} FROM roster_registrations WHERE version IN (?)`, [versions]),
    writeHeartbeats: (heartbeats, writer) => transaction((run) => writeHeartbeats(run, heartbeats, writer)),
    heartbeats: (foreign) =>
      one(
        `SELECT ${text('name')}, ${mysqlClock} - beat_at AS age_ms, said, written_at FROM roster_beats
         ${foreign ? 'WHERE writer <> ? AND ((written_at > ? AND written_at <= ?) OR (written_at > ? AND written_at <= ?))' : ''}`,
        foreign ? [foreign.writer, ...foreign.windows.flatMap(({ after, upTo }) => [after, upTo])] : [],
      ),
    saveReadings: (source, fingerprint, readings) =>
      transaction((run) => saveReadings(run, maxPacket, source, fingerprint, readings)),
    readings: () =>
      one(`SELECT CONVERT(s.source USING utf8mb4) AS source, fingerprint, kept_at, origin, reading
           FROM roster_sources s LEFT JOIN roster_readings r ON r.source = s.source ORDER BY s.source, position`),
    saveStatistics: (saved, removed) => transaction((run) => saveStatistics(run, maxPacket, saved, removed)),
    statistics: (after) =>
      one(
        `SELECT ${text('server')}, statistics FROM roster_statistics s WHERE s.server > ? ORDER BY s.server LIMIT ${statisticsPageSize}`,
        [after],
      ),
    ...mysqlEvents(pool, maxPacket),
    members: mysqlMembers(pool),
    verdicts: mysqlVerdicts(pool, maxPacket),
    touch: async () => void (await one(`REPLACE INTO roster_meta VALUES ('touched', ${mysqlClock})`)),
    close,
  }
}

function sessionOf(run: MysqlRun, maxPacket: number): CommitSession {
  return {
    takeVersions: async (count) => {
      const update = await run.write(
        "UPDATE roster_meta SET value = LAST_INSERT_ID(CAST(value AS UNSIGNED) + ?) WHERE name = 'version'",
        [count],
      )
      const [row] = await run(`SELECT ${mysqlClock} AS now`)
      return { last: BigInt(update.insertId), now: Number(row?.['now']) }
    },
    termLeft: (fence) => mysqlTermLeft(run, fence),
    find: (ids) => find(run, allColumns, ids, 'FOR UPDATE'),
    foreignHeartbeats: (names, writer) =>
      run(
        `SELECT ${text('name')}, ${mysqlClock} - beat_at AS age_ms, said FROM roster_beats
         WHERE name IN (?) AND writer <> ? FOR UPDATE`,
        [names, writer],
      ),
    put: (registrations) => put(run, maxPacket, registrations),
    remove: async (ids) => {
      for (const [kind, kindIds] of groupByKind(ids)) {
        await run('DELETE FROM roster_registrations WHERE kind = ? AND id IN (?)', [kind, kindIds])
        if (kind === 'agent') await run('DELETE FROM roster_beats WHERE name IN (?)', [kindIds])
      }
    },
    recordDeletions: (deletions, now) => recordDeletions(run, deletions, now),
    rewind: async (to, version) => {
      const rows = Object.entries({ version, rewound: to, lineage: randomUUID() })
      await run('REPLACE INTO roster_meta (name, value) VALUES ?', [rows])
    },
    pruneDeletions: async (time) => {
      const [row] = await run('SELECT MAX(version) AS version FROM roster_deletions WHERE deleted_at < ?', [time])
      if (typeof row?.['version'] !== 'string') return
      await run('DELETE FROM roster_deletions WHERE version <= ?', [row['version']])
      await run("UPDATE roster_meta SET value = ? WHERE name = 'forgotten'", [row['version']])
    },
  }
}

async function find(run: MysqlRun, columns: string, ids: readonly RowId[], lock = ''): Promise<MysqlRow[]> {
  const rows = []
  for (const [kind, kindIds] of groupByKind(ids)) {
    const sql = `SELECT ${columns} FROM roster_registrations WHERE kind = ? AND id IN (?) ${lock}`
    rows.push(...(await run(sql, [kind, kindIds])))
  }
  return rows
}

/** MySQL uses the index reliably only for a list of single values. */
function groupByKind(ids: readonly RowId[]): [RegistrationKind, string[]][] {
  const idsOf = (kind: RegistrationKind) => ids.filter((row) => row.kind === kind).map(({ id }) => id)
  const kinds: [RegistrationKind, string[]][] = [
    ['agent', idsOf('agent')],
    ['manual', idsOf('manual')],
    ['override', idsOf('override')],
  ]
  return kinds.filter(([, kindIds]) => kindIds.length > 0)
}

const upsert = `
  INSERT INTO roster_registrations (${registrationColumns}, version) VALUES ?
  ON DUPLICATE KEY UPDATE ${[...registrationColumns.split(', ').slice(2), 'version'].map((column) => `${column} = VALUES(${column})`).join(', ')}`

async function put(run: MysqlRun, maxPacket: number, registrations: readonly StoredRegistration[]): Promise<void> {
  const rows = registrations.map((one) => [...columnValues(one), one.resource_version])
  for (const packet of splitIntoPackets(rows, maxPacket)) await run(upsert, [packet])
}

async function recordDeletions(run: MysqlRun, deletions: readonly Deletion[], now: number): Promise<void> {
  const rows = deletions.map(({ version, kind, namespace, name }) => [version, kind, namespace, name, now])
  await run('INSERT INTO roster_deletions (version, kind, namespace, name, deleted_at) VALUES ?', [rows])
}

async function writeHeartbeats(run: MysqlRun, heartbeats: readonly StoredHeartbeat[], writer: string): Promise<void> {
  const names = heartbeats.map(({ name }) => name)
  const agentRows = await run(
    `SELECT CONVERT(id USING utf8mb4) AS name, ${mysqlClock} AS now FROM roster_registrations WHERE kind = 'agent' AND id IN (?)`,
    [names],
  )
  const now = Number(agentRows[0]?.['now'])
  const registered = new Set(agentRows.map(({ name }) => name))
  const rows = heartbeats
    .filter(({ name }) => registered.has(name))
    .map(({ name, age_ms, self_report }) => [name, Math.round(now - age_ms), self_report ?? null, writer, now])
  if (rows.length === 0) return
  const newer = 'VALUES(beat_at) >= beat_at'
  // Assignments take effect in order, so the column that the others compare with comes last.
  await run(
    `INSERT INTO roster_beats (name, beat_at, said, writer, written_at) VALUES ?
     ON DUPLICATE KEY UPDATE said = IF(${newer}, VALUES(said), said), writer = IF(${newer}, VALUES(writer), writer),
       written_at = IF(${newer}, VALUES(written_at), written_at), beat_at = GREATEST(beat_at, VALUES(beat_at))`,
    [rows],
  )
}

async function saveReadings(
  run: MysqlRun,
  maxPacket: number,
  source: string,
  fingerprint: string,
  readings: readonly StoredReading[],
): Promise<void> {
  await run(`REPLACE INTO roster_sources (source, fingerprint, kept_at) VALUES (?, ?, ${mysqlClock})`, [
    source,
    fingerprint,
  ])
  await run('DELETE FROM roster_readings WHERE source = ?', [source])
  const rows = readings.map(({ origin, reading }, position) => [source, position, origin, reading])
  for (const packet of splitIntoPackets(rows, maxPacket)) {
    await run('INSERT INTO roster_readings (source, position, origin, reading) VALUES ?', [packet])
  }
}

async function saveStatistics(
  run: MysqlRun,
  maxPacket: number,
  saved: readonly StoredStatistics[],
  removed: readonly string[],
): Promise<void> {
  if (removed.length > 0) await run('DELETE FROM roster_statistics WHERE server IN (?)', [removed])
  const rows = saved.map(({ server, statistics }) => [server, statistics])
  for (const packet of splitIntoPackets(rows, maxPacket))
    await run('REPLACE INTO roster_statistics (server, statistics) VALUES ?', [packet])
}
