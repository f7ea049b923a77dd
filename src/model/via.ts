/** The metadata key that lists the rosters an entry came through, in order. */
export const viaKey = 'mcp-roster.io/via'

/** Maximum rosters that an entry may pass through; more mean a cycle. */
export const maxRosterHops = 8

/** The rosters that an entry with this metadata came through. */
export function rosterPathOf(metadata: Readonly<Record<string, unknown>>): readonly string[] {
  const via = metadata[viaKey]
  return Array.isArray(via) ? via.filter((name) => typeof name === 'string') : []
}
