import { distance } from 'fastest-levenshtein'

/** Minimum Levenshtein ratio of two near texts. */
export const minRatio = 0.7

/** Whether two lower-cased texts differ by no more than a typing error: a Levenshtein ratio of at least `minRatio`. */
export function isNear(text: string, query: string): boolean {
  const longer = Math.max(text.length, query.length)
  if (longer === 0) return false
  // The distance is at least the difference in length, which rules out most candidates.
  if (Math.min(text.length, query.length) < longer * minRatio) return false
  return 1 - distance(text, query) / longer >= minRatio
}

/** Whether a name contains the query or is near it, ignoring case. An empty query or name never matches. */
export function matchesFuzzily(name: string, query: string): boolean {
  if (name === '' || query === '') return false
  const [text, word] = [name.toLowerCase(), query.toLowerCase()]
  return text.includes(word) || isNear(text, word)
}

/** The candidate closest to a misspelled word; undefined where none is close. */
export function nearestTo(word: string, candidates: readonly string[]): string | undefined {
  const nearest = candidates.toSorted((a, b) => distance(word, a) - distance(word, b))[0]
  if (nearest === undefined) return undefined
  const changed = distance(word.toLowerCase(), nearest)
  // Two short words without a letter in common are close too, and no misspelling.
  const isClose = changed <= Math.max(2, word.length / 3) && changed < Math.max(word.length, nearest.length)
  return isClose ? nearest : undefined
}
