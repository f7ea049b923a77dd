/** The slots that have one value: a single slot, a short list, a set, or a bit per slot, whichever takes less memory and time. */
export type Posting = number | readonly number[] | Set<number> | MutableBits

type MutableBits = { words: Uint32Array; size: number }

/** Minimum slots of a posting that is kept as bits; below half of it, the bits become a set again. */
const minBitmapSize = 64

/** Maximum slots of a posting that is kept as a list. */
const maxListed = 8

export function sizeOf(posting: Posting): number {
  if (typeof posting === 'number') return 1
  return isList(posting) ? posting.length : posting.size
}

function isList(posting: Posting): posting is readonly number[] {
  return Array.isArray(posting)
}

export function hasSlot(posting: Posting, slot: number): boolean {
  if (typeof posting === 'number') return posting === slot
  if (isList(posting)) return posting.includes(slot)
  return posting instanceof Set ? posting.has(slot) : hasBit(posting.words, slot)
}

/** Whether the bit of a slot is set; bits beyond the words are not. */
export function hasBit(words: Uint32Array, slot: number): boolean {
  return ((words[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0
}

/** The posting with `slot`; the old posting must not be used afterwards. `capacity` is the number of all slots. */
export function withSlot(posting: Posting | undefined, slot: number, capacity: number): Posting {
  if (posting === undefined || posting === slot) return slot
  if (typeof posting === 'number') return [posting, slot]
  if (isList(posting)) {
    if (posting.includes(slot)) return posting
    return posting.length < maxListed ? posting.concat(slot) : new Set([...posting, slot])
  }
  if (!(posting instanceof Set)) {
    setBit(posting, slot)
    return posting
  }
  posting.add(slot)
  if (posting.size <= minBitmapSize || posting.size * 32 <= capacity) return posting
  const bits: MutableBits = { words: new Uint32Array((capacity + 31) >>> 5), size: 0 }
  for (const one of posting) setBit(bits, one)
  return bits
}

/** The posting without `slot`, or undefined when it becomes empty. */
export function withoutSlot(posting: Posting | undefined, slot: number, capacity: number): Posting | undefined {
  if (posting === undefined || posting === slot) return undefined
  if (typeof posting === 'number') return posting
  if (isList(posting)) return listWithout(posting, slot)
  if (posting instanceof Set) {
    posting.delete(slot)
    return posting.size > maxListed / 2 ? posting : listWithout([...posting], slot)
  }
  if (hasBit(posting.words, slot)) {
    posting.words[slot >>> 5] = (posting.words[slot >>> 5] ?? 0) & ~(1 << (slot & 31))
    posting.size -= 1
  }
  return posting.size * 128 < capacity || posting.size < minBitmapSize / 2 ? new Set(slotsOf(posting)) : posting
}

function listWithout(slots: readonly number[], slot: number): Posting | undefined {
  const rest = slots.filter((one) => one !== slot).slice()
  return rest.length > 1 ? rest : rest[0]
}

function setBit(bits: MutableBits, slot: number): void {
  const word = slot >>> 5
  if (word >= bits.words.length) {
    const grown = new Uint32Array(Math.max(word + 1, (bits.words.length * 3) >>> 1))
    grown.set(bits.words)
    bits.words = grown
  }
  const mask = 1 << (slot & 31)
  const before = bits.words[word] ?? 0
  if ((before & mask) !== 0) return
  bits.words[word] = before | mask
  bits.size += 1
}

/** Every slot of a posting; those of bits in ascending order. */
export function slotsOf(posting: Posting): Iterable<number> {
  if (typeof posting === 'number') return [posting]
  return isList(posting) || posting instanceof Set ? posting : slotsInBits(posting.words)
}

function slotsInBits(words: Uint32Array): number[] {
  const slots: number[] = []
  for (let index = 0; index < words.length; index += 1) {
    let word = words[index] ?? 0
    while (word !== 0) {
      const lowest = word & -word
      slots.push(index * 32 + 31 - Math.clz32(lowest))
      word ^= lowest
    }
  }
  return slots
}

/** The union of postings as bits, in `length` words. */
export function union(postings: readonly Posting[], length: number): Uint32Array {
  const words = new Uint32Array(length)
  for (const posting of postings) {
    if (typeof posting === 'object' && !isList(posting) && !(posting instanceof Set)) {
      const end = Math.min(length, posting.words.length)
      for (let index = 0; index < end; index += 1) words[index] = (words[index] ?? 0) | (posting.words[index] ?? 0)
    } else {
      for (const slot of slotsOf(posting)) words[slot >>> 5] = (words[slot >>> 5] ?? 0) | (1 << (slot & 31))
    }
  }
  return words
}

/** Keeps the bits of `words` that are also in `other`, or with `without`, that are not. */
export function intersect(words: Uint32Array, other: Uint32Array, { without = false } = {}): void {
  for (let index = 0; index < words.length; index += 1) {
    const mask = other[index] ?? 0
    words[index] = (words[index] ?? 0) & (without ? ~mask : mask)
  }
}

export function countBits(words: Uint32Array): number {
  let count = 0
  for (let index = 0; index < words.length; index += 1) {
    let word = words[index] ?? 0
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    count += (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
  }
  return count
}
