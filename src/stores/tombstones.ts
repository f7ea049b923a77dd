import { isNewer } from './store.ts'

/** More than are deleted while anything older may still be under way. */
const most = 10_000

/**
 * What was deleted lately, and at which version: word of an older registration may come after word of its deletion,
 * since one's own writes and those of other replicas come by different ways.
 */
export function createTombstones() {
  const versions = new Map<string, string>()

  function record(id: string, version: string): void {
    const before = versions.get(id)
    if (before !== undefined && !isNewer(version, before)) return
    versions.delete(id)
    versions.set(id, version)
    const [oldest] = versions.keys()
    if (versions.size > most && oldest !== undefined) versions.delete(oldest)
  }

  /** Whether what had this version was deleted after it. */
  function covers(id: string, version: string): boolean {
    const buried = versions.get(id)
    return buried !== undefined && isNewer(buried, version)
  }

  return { record, covers }
}
