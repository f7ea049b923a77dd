import { hash, randomUUID } from 'node:crypto'

export type InstanceId = ReturnType<typeof createInstanceId>

/** The epoch of a file that is still empty: the database gets its own with the first write. */
export const emptyEpoch = 'empty'

/**
 * Identifies this registry to other rosters. The id is derived from the epoch of the database once that is known, so
 * restarts and replicas of one database share it.
 */
export function createInstanceId({ epoch }: { epoch: () => string | undefined }) {
  let temporaryId: string | undefined

  function permanentId(): string | undefined {
    const current = epoch()
    return current === undefined || current === emptyEpoch ? undefined : hash('sha256', current).slice(0, 32)
  }

  return {
    id: () => permanentId() ?? (temporaryId ??= randomUUID()),
    /** The id from before the database was known counts too. */
    isOwn: (instance: string) => instance === temporaryId || instance === permanentId(),
  }
}
