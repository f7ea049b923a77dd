import { registrationColumns, columnValues } from '../sql/registration-rows.ts'
import type { Deletion, Dialect, RowId, Session } from '../sql/server-driver.ts'
import {
  type StoredHeartbeat,
  type StoredReading,
  type RegistrationKind,
  type Registration,
  StoreRefusal,
} from '../store.ts'
import { mysqlClock } from './migrations.ts'
import type { MysqlPool, MysqlRun } from './pool.ts'

const pageSize = 1000
const text = (column: string) => `CONVERT(${column} USING utf8mb4) AS ${column}`
const all = `version, ${registrationColumns.replace('id, namespace, name', `${text('namespace')}, ${text('name')}`)}`
const key = `${text('namespace')}, ${text('name')}`

/** What MySQL and MariaDB say for each thing. `packet` is the most one statement may hold, in bytes. */
export function createMysqlDialect({ run, transaction, close }: MysqlPool, packet: number): Dialect {
  const one = (sql: string, values: readonly unknown[] = []) => run((run) => run(sql, values))

  return {
    transaction: (work) => transaction((run) => work(sessionOf(run, packet))),
    meta: async () => {
      const rows = await one(`SELECT name, value, ${mysqlClock} AS now FROM roster_meta`)
      const meta = new Map(rows.map(({ name, value }) => [name, String(value)]))
      const [epoch, version, forgotten] = ['epoch', 'version', 'forgotten'].map((name) => meta.get(name) ?? '0')
      return { epoch: epoch!, version: version!, forgotten: forgotten!, now: Number(rows[0]?.['now']) }
    },
    page: (after) =>
      one(`SELECT ${all} FROM roster_registrations WHERE version > ? ORDER BY version LIMIT ${pageSize}`, [after]),
    changesAfter: (version) =>
      one(
        `SELECT version, 0 AS deleted, kind, ${key} FROM roster_registrations WHERE version > ?
         UNION ALL SELECT version, 1, kind, ${key} FROM roster_deletions WHERE version > ?
         ORDER BY version LIMIT ${pageSize}`,
        [version, version],
      ),
    readVersions: (versions) => one(`SELECT ${all} FROM roster_registrations WHERE version IN (?)`, [versions]),
    writeHeartbeats: (beats, writer) => transaction((run) => writeBeats(run, beats, writer)),
    heartbeats: (foreign) =>
      one(
        `SELECT ${text('name')}, ${mysqlClock} - beat_at AS age_ms, said FROM roster_beats ${foreign ? 'WHERE writer <> ? AND written_at > ?' : ''}`,
        foreign ? [foreign.writer, foreign.after] : [],
      ),
    saveReadings: (source, fingerprint, readings) =>
      transaction((run) => keepReadings(run, packet, source, fingerprint, readings)),
    readings: () =>
      one(`SELECT CONVERT(s.source USING utf8mb4) AS source, fingerprint, kept_at, origin, reading
           FROM roster_sources s LEFT JOIN roster_readings r ON r.source = s.source ORDER BY s.source, position`),
    touch: async () => void (await one(`REPLACE INTO roster_meta VALUES ('touched', ${mysqlClock})`)),
    close,
  }
}

function sessionOf(run: MysqlRun, packet: number): Session {
  return {
    takeVersions: async (count) => {
      const taken = await run.write(
        "UPDATE roster_meta SET value = LAST_INSERT_ID(CAST(value AS UNSIGNED) + ?) WHERE name = 'version'",
        [count],
      )
      const [row] = await run(`SELECT ${mysqlClock} AS now`)
      return { last: BigInt(taken.insertId), now: Number(row?.['now']) }
    },
    find: async (ids) => {
      const rows = []
      for (const [kind, some] of byKind(ids)) {
        rows.push(
          ...(await run(`SELECT ${all} FROM roster_registrations WHERE kind = ? AND id IN (?) FOR UPDATE`, [
            kind,
            some,
          ])),
        )
      }
      return rows
    },
    put: (registrations) => put(run, packet, registrations),
    remove: async (ids) => {
      for (const [kind, some] of byKind(ids)) {
        await run('DELETE FROM roster_registrations WHERE kind = ? AND id IN (?)', [kind, some])
        if (kind === 'agent') await run('DELETE FROM roster_beats WHERE name IN (?)', [some])
      }
    },
    recordDeletions: (deletions, now) => bury(run, deletions, now),
    pruneDeletions: async (time) => {
      const [row] = await run('SELECT MAX(version) AS version FROM roster_deletions WHERE deleted_at < ?', [time])
      if (typeof row?.['version'] !== 'string') return
      await run('DELETE FROM roster_deletions WHERE version <= ?', [row['version']])
      await run("UPDATE roster_meta SET value = ? WHERE name = 'forgotten'", [row['version']])
    },
  }
}

/** Only a list of single values is sure to be looked up by its index. */
function byKind(ids: readonly RowId[]): [RegistrationKind, string[]][] {
  const some = (wanted: RegistrationKind) => ids.filter(({ kind }) => kind === wanted).map(({ id }) => id)
  const kinds: [RegistrationKind, string[]][] = [
    ['agent', some('agent')],
    ['manual', some('manual')],
  ]
  return kinds.filter(([, found]) => found.length > 0)
}

const upsert = `
  INSERT INTO roster_registrations (${registrationColumns}, version) VALUES ?
  ON DUPLICATE KEY UPDATE ${[...registrationColumns.split(', ').slice(2), 'version'].map((column) => `${column} = VALUES(${column})`).join(', ')}`

async function put(run: MysqlRun, packet: number, registrations: readonly Registration[]): Promise<void> {
  const rows = registrations.map((one) => [...columnValues(one), one.resource_version])
  for (const some of inPackets(rows, packet)) await run(upsert, [some])
}

async function bury(run: MysqlRun, deletions: readonly Deletion[], now: number): Promise<void> {
  const rows = deletions.map(({ version, kind, namespace, name }) => [version, kind, namespace, name, now])
  await run('INSERT INTO roster_deletions (version, kind, namespace, name, deleted_at) VALUES ?', [rows])
}

async function writeBeats(run: MysqlRun, beats: readonly StoredHeartbeat[], writer: string): Promise<void> {
  const names = beats.map(({ name }) => name)
  const found = await run(
    `SELECT CONVERT(id USING utf8mb4) AS name, ${mysqlClock} AS now FROM roster_registrations WHERE kind = 'agent' AND id IN (?)`,
    [names],
  )
  const now = Number(found[0]?.['now'])
  const known = new Set(found.map(({ name }) => name))
  const rows = beats
    .filter(({ name }) => known.has(name))
    .map(({ name, age_ms, self_report: said }) => [name, Math.round(now - age_ms), said ?? null, writer, now])
  if (rows.length === 0) return
  const newer = 'VALUES(beat_at) >= beat_at'
  // Assignments take effect one after the other: what is compared with comes last.
  await run(
    `INSERT INTO roster_beats (name, beat_at, said, writer, written_at) VALUES ?
     ON DUPLICATE KEY UPDATE said = IF(${newer}, VALUES(said), said), writer = IF(${newer}, VALUES(writer), writer),
       written_at = IF(${newer}, VALUES(written_at), written_at), beat_at = GREATEST(beat_at, VALUES(beat_at))`,
    [rows],
  )
}

async function keepReadings(
  run: MysqlRun,
  packet: number,
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
  for (const some of inPackets(rows, packet)) {
    await run('INSERT INTO roster_readings (source, position, origin, reading) VALUES ?', [some])
  }
}

type Cell = string | number | null

/** Rows in as few statements as the server takes. A quote, a backslash or a control character is sent as two bytes. */
function inPackets(rows: readonly (readonly Cell[])[], packet: number): (readonly (readonly Cell[])[])[] {
  const packets: (readonly Cell[])[][] = []
  let left = 0
  for (const row of rows) {
    const size = row.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? sentSize(cell) : 24) + 2, 0)
    if (size > packet) {
      throw new StoreRefusal(`one row has ${size} bytes, the database takes ${packet}: raise its max_allowed_packet`)
    }
    if (packets.length === 0 || size > left) {
      packets.push([])
      left = packet
    }
    packets.at(-1)!.push(row)
    left -= size
  }
  return packets
}

function sentSize(text: string): number {
  return Buffer.byteLength(text) + (text.match(/["'\\]|\p{Cc}/gu)?.length ?? 0)
}
