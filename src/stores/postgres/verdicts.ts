import type { Fence } from '../member.ts'
import { newestBatch, verdictFromRow, verdictMetaKeys } from '../sql/stored-rows.ts'
import { writeInTerm } from '../sql/terms.ts'
import { type VerdictLog, verdictPageSize } from '../verdict.ts'
import { postgresTermLeft } from './members.ts'
import { postgresClock } from './migrations.ts'
import type { PostgresPool, PostgresRun } from './pool.ts'

/** How often a follower reads, in ms, in case a notification was lost. */
const pollMs = 1000

/**
 * Batches are written one after the other: each takes the number after the last one, and holds the others up until it is visible.
 *
 * A number is never below the clock, so a copy of the database that was behind does not give one a second time.
 */
const takeBatch = `UPDATE roster_meta SET value = greatest(value::bigint + 1, ${postgresClock})::text WHERE key = 'verdict'`
const batch = "(SELECT value::bigint FROM roster_meta WHERE key = 'verdict')"

/** The statements of PostgreSQL for verdicts. `onNotify` is called after each own notification. */
export function postgresVerdicts(
  { run, transaction }: Pick<PostgresPool, 'run' | 'transaction'>,
  { writer, onNotify }: { writer: string; onNotify: () => void },
): VerdictLog {
  const notify = `SELECT pg_notify('roster', '${writer} verdicts')`

  return {
    pollMs,
    save: async (verdicts, fence) => {
      const isSaved = await writeInTerm(
        fence,
        (work) => transaction(takeBatch, (run) => work(sessionOf(run)), notify),
        async ({ run }: Session) => {
          await run({
            name: 'roster-save-verdicts',
            text: `INSERT INTO roster_verdicts (target, batch, prober, verdict, checks, written_at)
                   SELECT target, b.batch, prober, verdict, checks, b.now
                   FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS v (target, prober, verdict, checks)
                   CROSS JOIN (SELECT ${batch} AS batch, ${postgresClock} AS now) b
                   ON CONFLICT (target) DO UPDATE SET batch = excluded.batch, prober = excluded.prober,
                     verdict = excluded.verdict, checks = excluded.checks, written_at = excluded.written_at`,
            values: [
              verdicts.map(({ target }) => target),
              verdicts.map(({ prober }) => prober),
              verdicts.map(({ verdict }) => verdict),
              verdicts.map(({ checks }) => checks),
            ],
          })
        },
      )
      onNotify()
      return isSaved
    },
    prune: async (silent_ms, fence) => {
      await writeInTerm(
        fence,
        (work) =>
          transaction("SELECT 1 FROM roster_meta WHERE key = 'verdict' FOR UPDATE", (run) => work(sessionOf(run))),
        async ({ run }: Session) => {
          await run({
            name: 'roster-prune-verdicts',
            text: `DELETE FROM roster_verdicts WHERE target IN (
                     SELECT target FROM (SELECT target, written_at FROM roster_verdicts ORDER BY batch, target LIMIT 1000) oldest
                     WHERE written_at <= ${postgresClock} - $1)`,
            values: [Math.round(silent_ms)],
          })
        },
      )
    },
    newest: async () => {
      const rows = await run({
        name: 'roster-newest-batch',
        text: `SELECT key, value FROM roster_meta WHERE key IN ${verdictMetaKeys}`,
      })
      return newestBatch(new Map(rows.map(({ key, value }) => [String(key), String(value)])))
    },
    after: async ({ batch, target }) => {
      const rows = await run({
        name: 'roster-verdicts',
        text: `SELECT target, batch, prober, verdict, checks FROM roster_verdicts
               WHERE (batch, target) > ($1, $2) ORDER BY batch, target LIMIT ${verdictPageSize}`,
        values: [batch, target],
      })
      return rows.map(verdictFromRow)
    },
  }
}

function sessionOf(run: PostgresRun) {
  return { run, termLeft: (fence: Fence) => postgresTermLeft(run, fence) }
}

type Session = ReturnType<typeof sessionOf>
