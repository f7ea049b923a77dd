/**
 * Rendezvous hashing: returns the weight of each id for one key. The id with the highest weight is chosen; when it leaves, only its own
 * keys move, and they spread over the others.
 */
export function rendezvousWeights(key: string): (id: string) => number {
  const seed = hashText(key, 0)
  return (id) => hashText(id, seed)
}

/** The id with the highest weight for a key, of those that are accepted; of equal weights the first by text. Empty: none. */
export function rendezvousChoice(key: string, ids: Iterable<string>, isAccepted: (id: string) => boolean): string {
  const weightOf = rendezvousWeights(key)
  let [best, highest] = ['', -1]
  for (const id of ids) {
    if (!isAccepted(id)) continue
    const weight = weightOf(id)
    if (weight > highest || (weight === highest && id < best)) [best, highest] = [id, weight]
  }
  return best
}

/** FNV-1a with the finalizer of MurmurHash3: cheap, and texts that differ by one character get unrelated hashes. */
function hashText(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
