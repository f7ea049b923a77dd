/**
 * The member that is responsible for a key; undefined without members (rendezvous hashing).
 *
 * Every daemon that knows the same ids finds the same owner. Each id owns an equal share of the keys, and one that comes or goes
 * moves only its own share.
 */
export function createOwners(ids: readonly string[]): (key: string) => string | undefined {
  const hashes = hashesOf(ids)
  return (key) => {
    const keyHash = hashOf(key)
    let owner: string | undefined
    let highest = -1
    for (const { id, hash } of hashes) {
      const score = scoreOf(hash, keyHash)
      if (score > highest) [owner, highest] = [id, score]
    }
    return owner
  }
}

/** The members in the order in which they are responsible for a key: the owner first, then who takes over from it. */
export function createOwnerOrder(ids: readonly string[]): (key: string) => readonly string[] {
  const hashes = hashesOf(ids)
  return (key) => {
    const keyHash = hashOf(key)
    return hashes
      .map(({ id, hash }) => ({ id, score: scoreOf(hash, keyHash) }))
      .toSorted((one, other) => other.score - one.score)
      .map(({ id }) => id)
  }
}

/** In one order, so that members of equal scores have the same order everywhere. */
function hashesOf(ids: readonly string[]): readonly { readonly id: string; readonly hash: number }[] {
  return ids.toSorted().map((id) => ({ id, hash: hashOf(id) }))
}

/** Not a bare XOR: ids and keys that differ alike would cancel each other out. */
function scoreOf(idHash: number, keyHash: number): number {
  return mixed(Math.imul(idHash, 0x9e37_79b1) ^ mixed(keyHash ^ idHash))
}

/** FNV-1a over the UTF-16 code units, mixed. It must never change: daemons of two versions share one database. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
  return mixed(hash)
}

/** The finalizer of MurmurHash3: every bit of the input affects every bit of the result. */
function mixed(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
