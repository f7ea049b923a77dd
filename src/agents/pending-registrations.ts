/**
 * New agents that are being stored and are not registered yet. They count already, or a crowd that comes at once would be
 * more than may be.
 */
export function createPendingRegistrations() {
  /** By holder: how many registrations of each id are under way. */
  const byHolder = new Map<string | undefined, Map<string, number>>()

  /** Counts one until the function it answers with is called. */
  function begin(id: string, holder: string | undefined): () => void {
    count(id, holder, 1)
    return () => count(id, holder, -1)
  }

  function count(id: string, holder: string | undefined, by: 1 | -1): void {
    const ids = byHolder.get(holder) ?? new Map<string, number>()
    const many = (ids.get(id) ?? 0) + by
    if (many > 0) ids.set(id, many)
    else ids.delete(id)
    if (ids.size > 0) byHolder.set(holder, ids)
    else byHolder.delete(holder)
  }

  /** How many others than `id` are coming to a holder. */
  function of(holder: string | undefined, id: string): number {
    const ids = byHolder.get(holder)
    return ids ? ids.size - (ids.has(id) ? 1 : 0) : 0
  }

  /** How many others than `id` are coming at all. */
  function all(id: string): number {
    return byHolder.keys().reduce((sum, holder) => sum + of(holder, id), 0)
  }

  return { begin, of, all }
}
