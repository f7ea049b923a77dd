import { isNear, minRatio } from '../../model/query/fuzzy.ts'
import { isNearName, type LineEnds, relevanceTo, wordsOf } from '../../model/query/search.ts'
import type { IndexField } from './indexed-fields.ts'
import { hasBit, type Posting, union } from './postings.ts'

/** What a search reads of the inverted index. */
type SearchableIndex = {
  readonly text: (slot: number) => string
  readonly lineEnds: (slot: number) => LineEnds
  readonly nameLetters: (slot: number) => number
  readonly entries: (field: IndexField) => Iterable<[string, Posting]>
}

/**
 * The relevance of each slot to `q`, equal to `relevanceTo` of its text.
 *
 * A fuzzy search compares each distinct tag and capability once, however many servers have it, and examines only texts
 * that can match.
 */
export function relevanceOfSlots(
  { text, lineEnds, nameLetters, entries }: SearchableIndex,
  { q, fuzzy, capacity }: { q: string; fuzzy: boolean; capacity: number },
): (slot: number) => number {
  const words = wordsOf(q)
  if (!fuzzy) {
    const relevance = relevanceTo(words)
    return (slot) => relevance(text(slot), lineEnds(slot))
  }
  const searches = words.map((word) => ({
    word,
    labelled: slotsWithNearLabel(entries, word, capacity),
    letters: lettersOf(word),
    maxMissing: Math.floor((word.length / minRatio) * (1 - minRatio)),
  }))
  const searchOf = new Map(searches.map((search) => [search.word, search]))
  type WordSearch = (typeof searches)[number]
  // The slot under test: `relevanceTo` passes only its text, but the index answers by slot.
  let current = 0
  const mayBeName = ({ letters, maxMissing }: WordSearch) => bitsOf(letters & ~nameLetters(current)) <= maxMissing
  const isLabelled = ({ labelled }: WordSearch) => hasBit(labelled, current)
  const holds = (word: string, test: (search: WordSearch) => boolean) => {
    const search = searchOf.get(word)
    return search !== undefined && test(search)
  }
  const relevance = relevanceTo(words, {
    name: (whole, word) => holds(word, mayBeName) && isNearName(whole, word),
    label: (_, word) => holds(word, isLabelled),
  })

  return (slot) => {
    current = slot
    const whole = text(slot)
    const mayMatch = searches.every((search) => mayBeName(search) || isLabelled(search) || whole.includes(search.word))
    return mayMatch ? relevance(whole, lineEnds(slot)) : 0
  }
}

function slotsWithNearLabel(entries: SearchableIndex['entries'], word: string, capacity: number): Uint32Array {
  const postings: Posting[] = []
  for (const field of ['tag', 'capability'] as const) {
    for (const [value, posting] of entries(field)) if (isNear(value.toLowerCase(), word)) postings.push(posting)
  }
  return union(postings, (capacity + 31) >>> 5)
}

/**
 * The letters of a text as bits, some letters sharing one. Each bit that another text lacks is at least one step of the
 * edit distance between them.
 */
export function lettersOf(text: string): number {
  let letters = 0
  for (let index = 0; index < text.length; index += 1) letters |= 1 << (text.charCodeAt(index) & 31)
  return letters
}

function bitsOf(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count += 1
  return count
}
