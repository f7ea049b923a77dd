import { isNear } from '../../model/query/fuzzy.ts'
import { isNearName, relevanceTo, wordsOf } from '../../model/query/search.ts'
import type { InvertedIndex } from './inverted-index.ts'
import { hasBit, type Posting, union } from './postings.ts'

/**
 * How well each slot answers to `q`, as `relevanceTo` says it of its text.
 *
 * For a fuzzy search the tags and capabilities are compared once per distinct text, however many servers share it, and
 * only what has a chance is looked at closely.
 */
export function relevanceOfSlots(
  { text, lineEnds, nameLetters, entries }: Pick<InvertedIndex, 'text' | 'lineEnds' | 'nameLetters' | 'entries'>,
  { q, fuzzy, capacity }: { q: string; fuzzy: boolean; capacity: number },
): (slot: number) => number {
  const words = wordsOf(q)
  if (!fuzzy) {
    const relevance = relevanceTo(words)
    return (slot) => relevance(text(slot), lineEnds(slot))
  }
  const asked = words.map((word) => ({
    word,
    labelled: nearLabels(entries, word, capacity),
    letters: lettersOf(word),
    slips: Math.floor((word.length / 0.7) * 0.3),
  }))
  const askedOf = new Map(asked.map((one) => [one.word, one]))
  type Asked = (typeof asked)[number]
  // Which slot is looked at: what is asked of its text is answered by what is known of the slot.
  let at = 0
  const mayBeName = ({ letters, slips }: Asked) => bitsOf(letters & ~nameLetters(at)) <= slips
  const isLabelled = ({ labelled }: Asked) => hasBit(labelled, at)
  const holds = (word: string, test: (one: Asked) => boolean) => {
    const one = askedOf.get(word)
    return one !== undefined && test(one)
  }
  const relevance = relevanceTo(words, {
    name: (whole, word) => holds(word, mayBeName) && isNearName(whole, word),
    label: (_, word) => holds(word, isLabelled),
  })

  return (slot) => {
    at = slot
    const whole = text(slot)
    const hasChance = asked.every((one) => mayBeName(one) || isLabelled(one) || whole.includes(one.word))
    return hasChance ? relevance(whole, lineEnds(slot)) : 0
  }
}

function nearLabels(entries: InvertedIndex['entries'], word: string, capacity: number): Uint32Array {
  const postings: Posting[] = []
  for (const field of ['tag', 'capability'] as const) {
    for (const [value, posting] of entries(field)) if (isNear(value.toLowerCase(), word)) postings.push(posting)
  }
  return union(postings, (capacity + 31) >>> 5)
}

/**
 * Which letters a text has, some sharing a bit. Each letter of one text that the other lacks costs at least one step of
 * the distance between them.
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
