import { LRUCache } from 'lru-cache'
import { isNewer } from './store.ts'

/** Capacity: more than can be deleted while an older change is still in flight. */
const maxTombstones = 10_000

/**
 * Versions at which records were deleted lately.
 *
 * A stale put may arrive after the delete, since own writes and those of other replicas take different ways.
 */
export function createTombstones() {
  const versions = new LRUCache<string, string>({ max: maxTombstones })

  /** Records that `id` was deleted at `version`. */
  function record(id: string, version: string): void {
    const before = versions.peek(id)
    if (before === undefined || isNewer(version, before)) versions.set(id, version)
  }

  /** Whether `version` of a record is older than its deletion. */
  function covers(id: string, version: string): boolean {
    const deletedAt = versions.peek(id)
    return deletedAt !== undefined && isNewer(deletedAt, version)
  }

  return { record, covers, clear: () => versions.clear() }
}
