import type { Entry } from '../../model/source.ts'
import { identityOf } from '../documents/entry.ts'
import type { CompleteListing } from './paginated-reader.ts'

/** Overlap of two incremental reads, in milliseconds: the registry's clock and its database may differ by this much. */
const overlapMs = 5 * 60_000

/** One of this many reads is complete. */
const completeEvery = 20

/**
 * Reads a long registry incrementally: only servers updated since the last read.
 *
 * A complete read at times finds servers that were erased instead of marked as deleted.
 */
export function createIncrementalReader({
  readAll,
}: {
  readAll: (query: Readonly<Record<string, string>>) => Promise<CompleteListing>
}) {
  let entriesByName: Map<string, Entry> | undefined
  let since: string | undefined
  let reads = 0

  async function readCompletely(): Promise<CompleteListing> {
    reads = 0
    entriesByName = undefined
    const listing = await readAll({})
    const { pages, answeredAt } = listing
    since = answeredAt === undefined || pages < 2 ? undefined : toRfc3339(answeredAt - overlapMs)
    if (since !== undefined) entriesByName = indexByName(listing.entries)
    return listing
  }

  async function read(): Promise<CompleteListing> {
    reads += 1
    if (!entriesByName || since === undefined || reads >= completeEvery) return await readCompletely()
    const updates = await readAll({ updated_since: since, include_deleted: 'true' })
    // A registry that does not know the parameter answers with everything: then a complete read costs no more.
    if (updates.entries.length > Math.max(100, entriesByName.size / 2)) return await readCompletely()
    for (const name of updates.deleted) entriesByName.delete(name)
    for (const [name, entry] of indexByName(updates.entries)) entriesByName.set(name, entry)
    if (updates.answeredAt !== undefined) since = toRfc3339(updates.answeredAt - overlapMs)
    return { ...updates, entries: [...entriesByName.values()] }
  }

  return { read }
}

function indexByName(entries: readonly Entry[]): Map<string, Entry> {
  const index = new Map<string, Entry>()
  for (const [position, entry] of entries.entries()) {
    const name = identityOf(entry).name ?? `\0${position}`
    if (!index.has(name)) index.set(name, entry)
  }
  return index
}

function toRfc3339(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}
