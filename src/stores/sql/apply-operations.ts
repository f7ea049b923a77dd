import { applyOperation, isWrite } from '../compare-and-set.ts'
import { registrationKey } from '../driver.ts'
import type { StoredHeartbeat, StoredRegistration, StoreOperation } from '../store.ts'
import { toTimestamp } from './stored-rows.ts'
import type { Terms } from './terms.ts'

/** Applies the operations to a copy of the registrations, one after the other. */
export function applyOperations(
  operations: readonly StoreOperation[],
  {
    before,
    heartbeats,
    lastVersion,
    now,
    isOver,
  }: {
    before: ReadonlyMap<string, StoredRegistration>
    /** By agent. */
    heartbeats: ReadonlyMap<string, StoredHeartbeat>
    lastVersion: bigint
    now: number
    isOver: Terms['isOver']
  },
) {
  const after = new Map(before)
  const timestamp = toTimestamp(now)
  let version = lastVersion
  const outcomes = operations.map((operation) => {
    const key = registrationKey(operation)
    if (isWrite(operation)) version += 1n
    const outcome = applyOperation(operation, after.get(key), {
      version: String(version),
      now: timestamp,
      foreignHeartbeat: heartbeats.get(operation.name),
      isFenced: operation.type !== 'confirm' && isOver(operation.fence),
    })
    if (outcome.type === 'put') after.set(key, outcome.registration)
    if (outcome.type === 'deleted') after.delete(key)
    return outcome
  })
  return { outcomes, after }
}
