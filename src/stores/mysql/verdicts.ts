import type { Fence } from '../member.ts'
import { newestBatch, verdictFromRow, verdictMetaKeys } from '../sql/stored-rows.ts'
import { writeInTerm } from '../sql/terms.ts'
import { type VerdictLog, verdictPageSize } from '../verdict.ts'
import { mysqlTermLeft } from './members.ts'
import { mysqlClock } from './migrations.ts'
import { splitIntoPackets } from './packets.ts'
import type { MysqlPool, MysqlRun } from './pool.ts'

/** How often a follower reads, in ms: MySQL has no notifications. */
const pollMs = 200

/**
 * Batches are written one after the other: each takes the number after the last one, and holds the others up until it is visible.
 *
 * A number is never below the clock, so a copy of the database that was behind does not give one a second time.
 */
const takeBatch = `UPDATE roster_meta SET value = LAST_INSERT_ID(GREATEST(CAST(value AS SIGNED) + 1, ${mysqlClock})) WHERE name = 'verdict'`

const shownColumns = 'CONVERT(target USING utf8mb4) AS target, batch, prober, verdict, checks'
const columns = 'target, batch, prober, verdict, checks, written_at'
const upsert = `
  INSERT INTO roster_verdicts (${columns}) VALUES ?
  ON DUPLICATE KEY UPDATE ${columns
    .split(', ')
    .slice(1)
    .map((column) => `${column} = VALUES(${column})`)
    .join(', ')}`

/** The statements of MySQL and MariaDB for verdicts. `maxPacket` is the maximum size of one statement, in bytes. */
export function mysqlVerdicts(
  { run, transaction }: Pick<MysqlPool, 'run' | 'transaction'>,
  maxPacket: number,
): VerdictLog {
  const one = (sql: string, values: readonly unknown[] = []) => run((run) => run(sql, values))

  return {
    pollMs,
    save: (verdicts, fence) =>
      writeInTerm(
        fence,
        (work) =>
          transaction(async (run) => {
            const { insertId: batch } = await run.write(takeBatch)
            return await work({ ...sessionOf(run), batch })
          }),
        async ({ run, batch }: BatchSession) => {
          const [row] = await run(`SELECT ${mysqlClock} AS now`)
          const now = Number(row?.['now'])
          const rows = verdicts.map((one) => [one.target, batch, one.prober, one.verdict, one.checks, now])
          for (const packet of splitIntoPackets(rows, maxPacket)) await run(upsert, [packet])
        },
      ),
    prune: async (silent_ms, fence) => {
      await writeInTerm(
        fence,
        (work) =>
          transaction(async (run) => {
            await run("SELECT 1 FROM roster_meta WHERE name = 'verdict' FOR UPDATE")
            return await work(sessionOf(run))
          }),
        async ({ run }: TermSession) => {
          await run(
            `DELETE v FROM roster_verdicts v
             JOIN (SELECT target, written_at FROM roster_verdicts ORDER BY batch, target LIMIT 1000) oldest ON oldest.target = v.target
             WHERE oldest.written_at <= ${mysqlClock} - ?`,
            [Math.round(silent_ms)],
          )
        },
      )
    },
    newest: async () => {
      const rows = await one(`SELECT name, value FROM roster_meta WHERE name IN ${verdictMetaKeys}`)
      return newestBatch(new Map(rows.map(({ name, value }) => [String(name), String(value)])))
    },
    after: async ({ batch, target }) => {
      const rows = await one(
        `SELECT ${shownColumns} FROM roster_verdicts v
         WHERE v.batch > ? OR (v.batch = ? AND v.target > ?) ORDER BY v.batch, v.target LIMIT ${verdictPageSize}`,
        [batch, batch, target],
      )
      return rows.map(verdictFromRow)
    },
  }
}

type TermSession = ReturnType<typeof sessionOf>
type BatchSession = TermSession & { readonly batch: string | number }

function sessionOf(run: MysqlRun) {
  return { run, termLeft: (fence: Fence) => mysqlTermLeft(run, fence) }
}
