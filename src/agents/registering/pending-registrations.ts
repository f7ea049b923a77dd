export type PendingRegistrations = ReturnType<typeof createPendingRegistrations>

/** New agents whose commit is in flight. They count towards the limits, so a burst cannot exceed them. */
export function createPendingRegistrations() {
  /** By holder: the number of registrations in flight for each id. */
  const byHolder = new Map<string | undefined, Map<string, number>>()

  /** Counts one registration until the returned function is called. */
  function begin(id: string, holder: string | undefined): () => void {
    count(id, holder, 1)
    return () => count(id, holder, -1)
  }

  function count(id: string, holder: string | undefined, by: 1 | -1): void {
    const ids = byHolder.get(holder) ?? new Map<string, number>()
    const inFlight = (ids.get(id) ?? 0) + by
    if (inFlight > 0) ids.set(id, inFlight)
    else ids.delete(id)
    if (ids.size > 0) byHolder.set(holder, ids)
    else byHolder.delete(holder)
  }

  /** The number of ids beside `id` that are pending for a holder. */
  function countOf(holder: string | undefined, id: string): number {
    const ids = byHolder.get(holder)
    return ids ? ids.size - (ids.has(id) ? 1 : 0) : 0
  }

  /** The number of ids beside `id` that are pending for all holders together. */
  function countAll(id: string): number {
    return byHolder.keys().reduce((sum, holder) => sum + countOf(holder, id), 0)
  }

  return { begin, countOf, countAll }
}
