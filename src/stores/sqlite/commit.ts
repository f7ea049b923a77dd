import type { DatabaseSync } from 'node:sqlite'
import { applyOperation, type CurrentVersion, toRegistration } from '../compare-and-set.ts'
import { registrationId } from '../driver.ts'
import type { Lineage } from '../sql/lineage.ts'
import type { OwnWrites } from '../sql/own-writes.ts'
import { columnValues, registrationColumns, registrationFromRow, toTimestamp } from '../sql/stored-rows.ts'
import type { OperationOutcome, StoredRegistration, StoreOperation } from '../store.ts'
import type { HeartbeatTable } from './heartbeat-table.ts'
import { inTransaction, type MetaTable } from './meta-table.ts'

/** How long a deletion is stored for followers. */
const deletionRetentionMs = 3_600_000

const upsertSql = `
  INSERT INTO roster_registrations (version, ${registrationColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, namespace = excluded.namespace,
    definition = excluded.definition, timeout_threshold = excluded.timeout_threshold,
    eviction_threshold = excluded.eviction_threshold, instance_id = excluded.instance_id, holder = excluded.holder,
    updated_at = excluded.updated_at`

/** The outcome of an operation as the thread returns it. A put has only assigned fields: every message is copied. */
export type CommitReply =
  | Exclude<OperationOutcome, { type: 'put' | 'rejected' }>
  | (CurrentVersion & Pick<StoredRegistration, 'updated_at'> & { readonly type: 'put'; readonly created: boolean })

/** Completes a reply with the operation that it belongs to. */
export function outcomeFromReply(reply: CommitReply, operation: StoreOperation): OperationOutcome {
  if (reply.type !== 'put' || operation.type !== 'put') return reply as Exclude<CommitReply, { type: 'put' }>
  const { type, created, ...assigned } = reply
  return { type, created, registration: toRegistration(operation, assigned) }
}

/** Executes operations in one transaction, each on the result of those before it. */
export function createCommit({
  database,
  meta,
  ownWrites,
  heartbeatTable,
  lineage,
}: {
  database: DatabaseSync
  meta: MetaTable
  ownWrites: OwnWrites
  heartbeatTable: Pick<HeartbeatTable, 'foreignOf'>
  lineage: Lineage
}) {
  const selectVersion = database.prepare(
    'SELECT version, created_at FROM roster_registrations WHERE kind = ? AND id = ?',
  )
  const selectWhole = database.prepare(
    `SELECT version, ${registrationColumns} FROM roster_registrations WHERE kind = ? AND id = ?`,
  )
  const upsert = database.prepare(upsertSql)
  const remove = database.prepare('DELETE FROM roster_registrations WHERE version = ?')
  const removeHeartbeat = database.prepare('DELETE FROM roster_beats WHERE name = ?')
  const insertDeletion = database.prepare('INSERT INTO roster_deletions VALUES (?, ?, ?, ?, ?)')
  let lastPrune = 0

  return function commit(operations: readonly StoreOperation[]): CommitReply[] {
    const { replies, before, after } = inTransaction(database, () => executeAll(operations))
    if (after > before) ownWrites.add(String(before + 1), String(after))
    lineage.see(String(after))
    return replies
  }

  function executeAll(operations: readonly StoreOperation[]) {
    const before = versionToContinue()
    const time = Date.now()
    const now = toTimestamp(time)
    let after = before
    const replies = operations.map((operation) => {
      const reply = execute(operation, after + 1, now)
      if (reply.type === 'put' || reply.type === 'deleted') after += 1
      return reply
    })
    if (after > before) meta.set('version', String(after))
    pruneDeletions(time)
    return { replies, before, after }
  }

  /** The version before the next one, above all that this process has seen, also where the file went back. */
  function versionToContinue(): number {
    const stored = meta.get('version')
    if (!lineage.isBehind(stored)) return Number(stored)
    meta.rewind(stored, lineage.highest())
    return Number(lineage.highest())
  }

  function execute(operation: StoreOperation, version: number, now: string): CommitReply {
    const key = [operation.kind, registrationId(operation)] as const
    const row = selectVersion.get(...key)
    const current = row && { resource_version: String(row['version']), created_at: toTimestamp(row['created_at']) }
    const foreignHeartbeat = operation.type === 'retire' ? heartbeatTable.foreignOf(operation.name) : undefined
    const outcome = applyOperation(operation, current, { version: String(version), now, foreignHeartbeat })
    if (outcome.type === 'put') {
      upsert.run(version, ...columnValues(outcome.registration))
      const { resource_version, created_at, updated_at } = outcome.registration
      return { type: 'put', created: outcome.created, resource_version, created_at, updated_at }
    }
    if (outcome.type === 'confirmed' || outcome.type === 'alive' || outcome.type === 'fenced') return outcome
    const wholeRow = selectWhole.get(...key)
    const registration = wholeRow && registrationFromRow(wholeRow)
    if (outcome.type === 'conflict' || !registration) return { type: 'conflict', current: registration }
    deleteRegistration(registration, version, now)
    return { ...outcome, before: registration }
  }

  function deleteRegistration(
    { kind, namespace, name, resource_version }: StoredRegistration,
    version: number,
    now: string,
  ): void {
    remove.run(Number(resource_version))
    insertDeletion.run(version, kind, namespace, name, Date.parse(now))
    if (kind === 'agent') removeHeartbeat.run(name)
  }

  /** Drops old deletions; a follower with an older cursor gets a snapshot. */
  function pruneDeletions(now: number): void {
    if (now - lastPrune < deletionRetentionMs / 10) return
    lastPrune = now
    const select = database.prepare('SELECT max(version) AS version FROM roster_deletions WHERE deleted_at < ?')
    const last = select.get(now - deletionRetentionMs)?.['version']
    if (typeof last !== 'number') return
    database.prepare('DELETE FROM roster_deletions WHERE version <= ?').run(last)
    meta.set('forgotten', String(last))
  }
}
