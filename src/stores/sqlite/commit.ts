import type { DatabaseSync } from 'node:sqlite'
import { applyOperation, toRegistration, type CurrentVersion } from '../compare-and-set.ts'
import { registrationId } from '../driver.ts'
import type { OwnWrites } from '../sql/own-writes.ts'
import { registrationColumns, columnValues, registrationFromRow, toTimestamp } from '../sql/registration-rows.ts'
import type { StoreOperation, OperationOutcome, Registration } from '../store.ts'
import { inTransaction, type MetaTable } from './meta.ts'

const deletionsKeptMs = 3_600_000

const upsert = `
  INSERT INTO roster_registrations (version, ${registrationColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, namespace = excluded.namespace,
    definition = excluded.definition, timeout_threshold = excluded.timeout_threshold,
    eviction_threshold = excluded.eviction_threshold, instance_id = excluded.instance_id, holder = excluded.holder,
    updated_at = excluded.updated_at`

/** What became of an operation; of a put only what its sender cannot know, since all that is told is copied. */
export type CommitReply =
  | Extract<OperationOutcome, { type: 'deleted' | 'conflict' }>
  | (CurrentVersion & Pick<Registration, 'updated_at'> & { readonly type: 'put'; readonly created: boolean })

/** What the sender of an operation makes of it. */
export function outcomeFromReply(told: CommitReply, operation: StoreOperation): OperationOutcome {
  if (told.type !== 'put' || operation.type !== 'put') return told as Exclude<CommitReply, { type: 'put' }>
  const { type, created, ...stored } = told
  return { type, created, registration: toRegistration(operation, stored) }
}

/** Carries out operations in one transaction, each judged by what stands there by then. */
export function createCommit({ database, meta, own }: { database: DatabaseSync; meta: MetaTable; own: OwnWrites }) {
  const look = database.prepare('SELECT version, created_at FROM roster_registrations WHERE kind = ? AND id = ?')
  const find = database.prepare(
    `SELECT version, ${registrationColumns} FROM roster_registrations WHERE kind = ? AND id = ?`,
  )
  const put = database.prepare(upsert)
  const remove = database.prepare('DELETE FROM roster_registrations WHERE version = ?')
  const removeBeat = database.prepare('DELETE FROM roster_beats WHERE name = ?')
  const bury = database.prepare('INSERT INTO roster_deletions VALUES (?, ?, ?, ?, ?)')
  let lastForgot = 0

  return function commit(operations: readonly StoreOperation[]): CommitReply[] {
    const { outcomes, before, after } = inTransaction(database, () => carryOutAll(operations))
    if (after > before) own.add(String(before + 1), String(after))
    return outcomes
  }

  function carryOutAll(operations: readonly StoreOperation[]) {
    const before = Number(meta.get('version'))
    const time = Date.now()
    const now = toTimestamp(time)
    let after = before
    const outcomes = operations.map((operation) => {
      const outcome = carryOut(operation, after + 1, now)
      if (outcome.type !== 'conflict') after += 1
      return outcome
    })
    if (after > before) meta.set('version', String(after))
    forgetDeletions(time)
    return { outcomes, before, after }
  }

  function carryOut(operation: StoreOperation, version: number, now: string): CommitReply {
    const key = [operation.kind, registrationId(operation)] as const
    const row = look.get(...key)
    const standing = row && { resource_version: String(row['version']), created_at: toTimestamp(row['created_at']) }
    const outcome = applyOperation(operation, standing, { version: String(version), now })
    if (outcome.type === 'put') {
      put.run(version, ...columnValues(outcome.registration))
      const { resource_version, created_at, updated_at } = outcome.registration
      return { type: 'put', created: outcome.created, resource_version, created_at, updated_at }
    }
    const whole = find.get(...key)
    const current = whole && registrationFromRow(whole)
    if (outcome.type === 'conflict' || !current) return { type: 'conflict', current }
    takeAway(current, version, now)
    return { ...outcome, before: current }
  }

  function takeAway({ kind, namespace, name, resource_version }: Registration, version: number, now: string): void {
    remove.run(Number(resource_version))
    bury.run(version, kind, namespace, name, Date.parse(now))
    if (kind === 'agent') removeBeat.run(name)
  }

  /** Whoever follows from before a forgotten deletion is given the whole picture instead. */
  function forgetDeletions(now: number): void {
    if (now - lastForgot < deletionsKeptMs / 10) return
    lastForgot = now
    const old = database.prepare('SELECT max(version) AS version FROM roster_deletions WHERE deleted_at < ?')
    const last = old.get(now - deletionsKeptMs)?.['version']
    if (typeof last !== 'number') return
    database.prepare('DELETE FROM roster_deletions WHERE version <= ?').run(last)
    meta.set('forgotten', String(last))
  }
}
