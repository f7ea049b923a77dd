import { deadMemberRetentionMs, type Fence, type MemberTable } from '../member.ts'
import { isAlive, memberColumns, membersFromRows, memberValues } from '../sql/member-rows.ts'
import { mysqlClock, mysqlMigrations } from './migrations.ts'
import type { MysqlPool, MysqlRun } from './pool.ts'

const shownColumns = memberColumns.replace('id', 'CONVERT(id USING utf8mb4) AS id')

/** The statements of MySQL and MariaDB for members. */
export function mysqlMembers({ run }: Pick<MysqlPool, 'run'>): MemberTable {
  return {
    join: (member) =>
      run(async (run) => {
        await run(
          `DELETE FROM roster_members WHERE id <> ? AND ABS(${mysqlClock} - seen_at) > lease_ms + ${deadMemberRetentionMs}`,
          [member.id],
        )
        await run(
          `REPLACE INTO roster_members (${memberColumns}, joined_at, seen_at) VALUES (?, ${mysqlClock}, ${mysqlClock})`,
          [memberValues(member, mysqlMigrations.length)],
        )
        return await liveMembers(run)
      }),
    renew: (member) =>
      run(async (run) => {
        const [id, incarnation, ...values] = memberValues(member, mysqlMigrations.length)
        await run(
          `UPDATE roster_members SET seen_at = ${mysqlClock}, lease_ms = ?, build = ?, address = ?, schema_version = ?
           WHERE id = ? AND incarnation = ? AND ${isAlive(mysqlClock)}`,
          [...values, id, incarnation],
        )
        return await liveMembers(run)
      }),
    leave: async ({ id, incarnation }) => {
      await run((run) => run('DELETE FROM roster_members WHERE id = ? AND incarnation = ?', [id, incarnation]))
    },
  }
}

async function liveMembers(run: MysqlRun) {
  const ages = `${mysqlClock} - joined_at AS joined_ms, ${mysqlClock} - seen_at AS seen_ms`
  const rows = await run(`SELECT ${shownColumns}, ${ages} FROM roster_members m WHERE ${isAlive(mysqlClock)}`)
  return membersFromRows(rows)
}

/** How long the term of a member lasts without a renewal, in ms; its row stays as it is until the transaction ends. */
export async function mysqlTermLeft(run: MysqlRun, { id, incarnation }: Fence): Promise<number> {
  const [row] = await run(
    `SELECT lease_ms - ABS(${mysqlClock} - seen_at) AS ms FROM roster_members WHERE id = ? AND incarnation = ? LOCK IN SHARE MODE`,
    [id, incarnation],
  )
  return row ? Number(row['ms']) : 0
}
