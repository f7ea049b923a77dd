/** Where an entry's metadata says through which rosters it has come, the first one first. */
export const viaKey = 'mcp-roster.io/via'

/** An entry that has passed through more rosters than this goes in circles that nobody sees. */
export const maxRosterHops = 8

/** The rosters that an entry of this metadata has come through. */
export function rosterPathOf(metadata: Readonly<Record<string, unknown>>): readonly string[] {
  const via = metadata[viaKey]
  return Array.isArray(via) ? via.filter((one) => typeof one === 'string') : []
}
