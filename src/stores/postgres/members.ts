import { deadMemberRetentionMs, type Fence, type JoiningMember, type MemberTable } from '../member.ts'
import { isAlive, memberColumns, membersFromRows, memberValues } from '../sql/member-rows.ts'
import { postgresClock, postgresMigrations } from './migrations.ts'
import type { PostgresPool, PostgresRun } from './pool.ts'

const clock = `t AS MATERIALIZED (SELECT ${postgresClock} AS now)`
const shown = `${memberColumns}, t.now - joined_at AS joined_ms, t.now - seen_at AS seen_ms`
// The own row is read from the write: the other part of a statement sees the table as it was before.
const allMembers = `SELECT ${shown} FROM mine, t
  UNION ALL SELECT ${shown} FROM roster_members, t WHERE NOT (id = $1 AND EXISTS (SELECT 1 FROM mine)) AND ${isAlive('t.now')}`

/** The statements of PostgreSQL for members, one round trip each. */
export function postgresMembers({ run }: Pick<PostgresPool, 'run'>): MemberTable {
  const values = (member: JoiningMember) => memberValues(member, postgresMigrations.length)

  return {
    join: async (member) =>
      membersFromRows(
        await run({
          name: 'roster-join',
          text: `WITH ${clock},
            dead AS (
              DELETE FROM roster_members USING t
              WHERE id <> $1 AND ABS(t.now - seen_at) > lease_ms + ${deadMemberRetentionMs}
            ),
            mine AS (
              INSERT INTO roster_members (${memberColumns}, joined_at, seen_at)
              SELECT $1, $2, $3::bigint, $4, $5, $6::integer, t.now, t.now FROM t
              ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, lease_ms = excluded.lease_ms,
                build = excluded.build, address = excluded.address, schema_version = excluded.schema_version,
                joined_at = excluded.joined_at, seen_at = excluded.seen_at
              RETURNING *
            )
            ${allMembers}`,
          values: values(member),
        }),
      ),
    renew: async (member) =>
      membersFromRows(
        await run({
          name: 'roster-renew',
          text: `WITH ${clock},
            mine AS (
              UPDATE roster_members SET seen_at = t.now, lease_ms = $3::bigint, build = $4, address = $5, schema_version = $6::integer
              FROM t WHERE id = $1 AND incarnation = $2 AND ${isAlive('t.now')}
              RETURNING ${memberColumns}, joined_at, seen_at
            )
            ${allMembers}`,
          values: values(member),
        }),
      ),
    leave: async ({ id, incarnation }) => {
      await run({
        name: 'roster-leave',
        text: 'DELETE FROM roster_members WHERE id = $1 AND incarnation = $2',
        values: [id, incarnation],
      })
    },
  }
}

/** How long the term of a member lasts without a renewal, in ms; its row stays as it is until the transaction ends. */
export async function postgresTermLeft(run: PostgresRun, { id, incarnation }: Fence): Promise<number> {
  const [row] = await run({
    name: 'roster-term',
    text: `SELECT lease_ms - ABS(${postgresClock} - seen_at) AS ms FROM roster_members WHERE id = $1 AND incarnation = $2 FOR SHARE`,
    values: [id, incarnation],
  })
  return row ? Number(row['ms']) : 0
}
