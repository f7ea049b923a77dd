import { isNear } from '../model/fuzzy.ts'
import { wordsOf } from '../model/search.ts'
import type { Catalogue } from './catalogue.ts'
import { hasBit, type Posting, union } from './postings.ts'

/**
 * Which slots answer to every word of `q`; the same as `relevance(…) > 0`, without looking at a server.
 *
 * Tags and capabilities are compared once per distinct text, however many servers share it.
 */
export function answering(
  { text, entries }: Pick<Catalogue, 'text' | 'entries'>,
  { q, fuzzy, capacity }: { q: string; fuzzy: boolean; capacity: number },
): (slot: number) => boolean {
  const words = wordsOf(q)
  if (!fuzzy) return (slot) => words.every((word) => text(slot).includes(word))
  const near = words.map((word) => ({ word, labelled: nearLabels(entries, word, capacity) }))
  return (slot) => {
    const whole = text(slot)
    return near.every(({ word, labelled }) => whole.includes(word) || hasBit(labelled, slot) || isNearName(whole, word))
  }
}

function nearLabels(entries: Catalogue['entries'], word: string, capacity: number): Uint32Array {
  const postings: Posting[] = []
  for (const field of ['tag', 'capability'] as const) {
    for (const [value, posting] of entries(field)) if (isNear(value.toLowerCase(), word)) postings.push(posting)
  }
  return union(postings, (capacity + 31) >>> 5)
}

/** The name is the first line of the text. */
function isNearName(whole: string, word: string): boolean {
  const end = whole.indexOf('\n')
  if (end * 0.7 > word.length || word.length * 0.7 > end) return false
  return isNear(whole.slice(0, end), word)
}
